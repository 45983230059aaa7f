//! What an application may do, beside what its declared subscriptions need.

use std::collections::BTreeMap;

use super::limits::{self, Permission};
use super::subscription::Desired;

/// An application permission that declared subscriptions need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// Its name, such as `Mail.Read`.
    pub name: &'static str,
    /// The id of its app role, where known.
    pub id: Option<&'static str>,
    /// The subscriptions that need it, by name.
    pub subscriptions: Vec<String>,
    /// Whether the application has it.
    pub state: State,
}

/// Whether an application has a permission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It has exactly this one.
    Present,
    /// It has one that includes it, and more.
    Broader {
        /// The name of that one.
        by: String,
    },
    /// It has it not.
    Missing,
}

/// An application's permissions, held against what is declared in one tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// What is needed, by name.
    pub needs: Vec<Need>,
    /// What is there and nothing declared needs.
    pub excess: Vec<String>,
    /// Subscriptions whose permission is not documented.
    pub undocumented: Vec<String>,
    /// Subscriptions for which no application permission exists.
    pub signed_in_only: Vec<String>,
}

impl Comparison {
    /// Compares the roles of a token with what these subscriptions need.
    pub fn of<'d>(declared: impl IntoIterator<Item = &'d Desired>, roles: &[String]) -> Self {
        let mut needs: BTreeMap<&'static str, Need> = BTreeMap::new();
        let (mut undocumented, mut signed_in_only) = (Vec::new(), Vec::new());
        for one in declared {
            let name = one.name.as_str().to_owned();
            match limits::permission(&one.resource) {
                Permission::Role(role) => {
                    let need = needs.entry(role.name).or_insert_with(|| Need {
                        name: role.name,
                        id: role.id,
                        subscriptions: Vec::new(),
                        state: state(role.name, roles),
                    });
                    need.subscriptions.push(name);
                }
                Permission::SignedInUserOnly => signed_in_only.push(name),
                Permission::NotDocumented => undocumented.push(name),
            }
        }
        let mut needs: Vec<Need> = needs.into_values().collect();
        for need in &mut needs {
            need.subscriptions.sort();
        }
        undocumented.sort();
        signed_in_only.sort();
        let serves = |role: &String| {
            needs.iter().any(|need| match &need.state {
                State::Present => need.name == role,
                State::Broader { by } => by == role,
                State::Missing => false,
            })
        };
        let mut excess: Vec<String> = roles.iter().filter(|role| !serves(role)).cloned().collect();
        excess.sort();
        excess.dedup();
        Self {
            needs,
            excess,
            undocumented,
            signed_in_only,
        }
    }

    /// What is needed and not there.
    pub fn missing(&self) -> impl Iterator<Item = &Need> {
        let missing = |need: &&Need| need.state == State::Missing;
        self.needs.iter().filter(missing)
    }
}

fn state(name: &str, roles: &[String]) -> State {
    if roles.iter().any(|role| role == name) {
        return State::Present;
    }
    let mut broader: Vec<&String> = roles.iter().filter(|role| includes(role, name)).collect();
    broader.sort();
    match broader.first() {
        Some(by) => State::Broader { by: (*by).clone() },
        None => State::Missing,
    }
}

/// Whether one permission includes another: the one that also writes, and for users and groups
/// the directory's own (learn.microsoft.com/graph/api/subscription-post-subscriptions names the
/// least privileged one only; each resource's own page names these as higher privileged).
fn includes(role: &str, name: &str) -> bool {
    let writes = name.replacen(".Read.", ".ReadWrite.", 1);
    let writes = match name.strip_suffix(".Read") {
        Some(what) => format!("{what}.ReadWrite"),
        None => writes,
    };
    let directory = matches!(name, "User.Read.All" | "Group.Read.All")
        && matches!(role, "Directory.Read.All" | "Directory.ReadWrite.All");
    (role != name && role == writes) || directory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{SubscriptionName, TenantId};
    use crate::domain::resource::Resource;
    use crate::domain::subscription::{ChangeType, ChangeTypes, Lifetime, SubscriptionKey};

    fn wish(name: &str, resource: &str) -> Desired {
        let resource = Resource::parse(resource).unwrap();
        Desired {
            name: SubscriptionName::parse(name).unwrap(),
            key: SubscriptionKey {
                tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap(),
                resource: resource.normal().to_owned(),
                change_types: ChangeTypes::of(&[ChangeType::Updated]),
                resource_data: false,
                query_options: None,
            },
            resource,
            lifetime: Lifetime::Max,
            lifecycle: true,
            certificate: None,
            because: None,
        }
    }

    fn compare(roles: &[&str]) -> Comparison {
        let declared = [
            wish("b", "users/u/messages"),
            wish("a", "users/v/mailFolders('inbox')/messages"),
            wish("people", "users"),
            wish("here", "communications/presences/u"),
        ];
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        Comparison::of(&declared, &roles)
    }

    fn states(found: &Comparison) -> Vec<(&str, &State)> {
        found
            .needs
            .iter()
            .map(|need| (need.name, &need.state))
            .collect()
    }

    #[test]
    fn needs_are_joined_by_permission_and_held_against_the_roles() {
        let found = compare(&["Mail.Read", "Sites.Read.All"]);
        assert_eq!(
            states(&found),
            [
                ("Mail.Read", &State::Present),
                ("User.Read.All", &State::Missing)
            ]
        );
        assert_eq!(found.needs[0].subscriptions, ["a", "b"]);
        assert_eq!(
            found.needs[0].id,
            Some("810c84a8-4a9e-49e6-bf7d-12d183f40d01")
        );
        assert_eq!(found.excess, ["Sites.Read.All"]);
        assert_eq!(found.signed_in_only, ["here"]);
        assert_eq!(found.missing().count(), 1);
    }

    #[test]
    fn what_includes_a_permission_serves_and_is_no_excess() {
        let found = compare(&["Mail.ReadWrite", "Directory.Read.All"]);
        let by = |by: &str| State::Broader { by: by.to_owned() };
        assert_eq!(
            states(&found),
            [
                ("Mail.Read", &by("Mail.ReadWrite")),
                ("User.Read.All", &by("Directory.Read.All"))
            ]
        );
        assert!(found.excess.is_empty());
        let both = compare(&["Mail.ReadWrite", "Mail.Read"]);
        assert_eq!(both.excess, ["Mail.ReadWrite"]);
    }

    #[test]
    fn nothing_else_includes_a_permission() {
        for role in [
            "Mail.ReadBasic",
            "Mail.Send",
            "mail.read",
            "User.ReadWrite",
            "MailX.ReadWrite",
        ] {
            assert_eq!(compare(&[role]).missing().count(), 2, "{role}");
        }
    }
}
