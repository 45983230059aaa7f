//! Staff members and customers of a bookings business.
//!
//! Staff: the service lets one mail address be a staff member once, so the address is the person.
//! No property of a staff member can carry a mark; a visible holder of the declared address is
//! taken for the declared person (unless that is switched off), with one exception: whoever is an
//! administrator without being declared as one is never touched.
//!
//! Customers: the service takes any number of the same address without a word, so the address in
//! lower case is a key of our own. What we create carries a [`Mark`] in the post office box of its
//! one address, a property that the service gives back; only what carries ours is ever deleted.

use super::fields::{Fields, drift};
use super::mark::{Mark, whose};
use super::owner::Owner;
use crate::domain::ensure::{Drift, Facts, HolderId, Ours, Seen, Standing, Stop};

/// What a staff member may do. The documentation's `teamMember` is refused by the service; what
/// it takes and shows is `member` (msgraph-sdk-dotnet#2819, #3138; msgraph-sdk-php#1739).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Guest.
    Guest,
    /// May do everything in the business.
    Administrator,
    /// May look.
    Viewer,
    /// Has no account in the tenant.
    ExternalGuest,
    /// May book.
    Scheduler,
    /// Member of the team.
    Member,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[
        Self::Guest,
        Self::Administrator,
        Self::Viewer,
        Self::ExternalGuest,
        Self::Scheduler,
        Self::Member,
    ];

    /// The word that the service takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Administrator => "administrator",
            Self::Viewer => "viewer",
            Self::ExternalGuest => "externalGuest",
            Self::Scheduler => "scheduler",
            Self::Member => "member",
        }
    }

    /// Reads a word of the service or of its documentation.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "teamMember" {
            return Some(Self::Member);
        }
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }
}

/// A mail address as it is compared: without blanks around it, in lower case.
pub fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}

/// A wanted staff member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaffSpec {
    /// Id of the business: its mail address.
    pub business: String,
    /// The person's mail address.
    pub address: String,
    /// What the person may do.
    pub role: Role,
    /// What else is wanted: the name, hours and so on; the role too.
    pub fields: Fields,
    /// Whether a visible holder of the address is taken over.
    pub adopt: bool,
    /// The id that an earlier run told.
    pub known: Option<HolderId>,
}

/// A staff member as the service shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaffRow {
    /// Its id.
    pub id: String,
    /// Its mail address.
    pub address: String,
    /// What it may do; `None` for a word that nobody knows yet.
    pub role: Option<Role>,
    /// Its properties.
    pub fields: Fields,
}

impl StaffSpec {
    /// The natural key.
    pub fn key(&self) -> String {
        let (business, address) = (folded(&self.business), folded(&self.address));
        format!("business/{business}/staff/{address}")
    }

    /// What the engine must know. The service holds the address exclusively, also for a person
    /// whom no list shows; nothing can be restored by a documented call.
    pub fn facts(&self) -> Facts {
        Facts {
            known: self.known.clone(),
            exclusive: true,
            restore: false,
            // The service does not let a second one arise; where two are seen, a person decides.
            collapse: false,
            ..Facts::default()
        }
    }

    /// Whether the row has the wanted address.
    pub fn is_about(&self, row: &StaffRow) -> bool {
        folded(&row.address) == folded(&self.address)
    }

    /// What is seen of a row with the wanted address. `made_here`: this run created it.
    pub fn judge(&self, row: &StaffRow, made_here: bool) -> Seen {
        let known = self.known.as_ref().is_some_and(|id| id.as_str() == row.id);
        let administrator =
            row.role == Some(Role::Administrator) && self.role != Role::Administrator;
        let person = self.is_about(row) && (self.adopt || known || made_here);
        let ours = match (administrator, person) {
            (false, true) => Ours::ByRule,
            _ => Ours::Foreign,
        };
        Seen {
            id: HolderId::new(row.id.as_str()),
            ours,
            token: None,
            version: None,
            drift: drift(&self.fields, &row.fields),
            standing: Standing::Live,
            content: None,
        }
    }

    /// What a person should do where the engine gave up.
    pub fn instruction(&self, stop: Stop) -> Option<String> {
        let (address, business) = (&self.address, &self.business);
        match stop {
            // Q&A 5491714: the portal looks for an existing user first and links it; no call of
            // the API is documented to do so.
            Stop::Invisible | Stop::NeedsOperator => Some(format!(
                "{address} holds the address in {business} and no list shows the holder: it is hidden, or was removed lately. \
                 Open Bookings in the browser, choose {business}, then Staff, and add {address} there: the portal links the existing person. \
                 Then run ensure again. Do not delete the user in Entra, and do not make up another address."
            )),
            Stop::Foreign => Some(format!(
                "{address} is on the staff of {business} already, as an administrator who is not declared as one, or added by others while adopting is off. \
                 Declare the role administrator, or set adopt = true or the id that an earlier run told, if this is the person that is meant."
            )),
            _ => None,
        }
    }
}

/// A wanted customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomerSpec {
    /// Id of the business: its mail address.
    pub business: String,
    /// The customer's mail address.
    pub address: String,
    /// In whose name customers are created.
    pub owner: Owner,
    /// What is wanted: the name, phones, the postal address.
    pub fields: Fields,
    /// Whether a customer that somebody else entered is taken over where none of ours stands.
    pub adopt: bool,
}

/// A customer as the service shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomerRow {
    /// Its id.
    pub id: String,
    /// Its mail address.
    pub address: String,
    /// Its mark.
    pub mark: Option<Mark>,
    /// Its properties, without the mark.
    pub fields: Fields,
}

impl CustomerSpec {
    /// The natural key. It is ours alone: the service knows none.
    pub fn key(&self) -> String {
        let (business, address) = (folded(&self.business), folded(&self.address));
        format!("business/{business}/customer/{address}")
    }

    /// What the engine must know. One customer for each address is our own rule, so a foreign
    /// one excludes ours, and nothing is created beside it.
    pub fn facts(&self) -> Facts {
        Facts {
            exclusive: true,
            collapse: true,
            ..Facts::default()
        }
    }

    /// What is seen of all rows of the business.
    ///
    /// Where some carry our mark, they are all that counts: the smallest id stays, the others are
    /// surplus, and what other people entered beside them is left alone. Where none does, the
    /// smallest of the others is taken over, or stands in the way.
    pub fn judge(&self, rows: &[CustomerRow]) -> Vec<Seen> {
        let wanted = folded(&self.address);
        let mut about: Vec<&CustomerRow> = rows
            .iter()
            .filter(|row| folded(&row.address) == wanted)
            .collect();
        about.sort_by(|left, right| left.id.cmp(&right.id));
        let ours = |row: &CustomerRow| whose(row.mark.as_ref(), &self.owner);
        if about.iter().any(|row| ours(row) == Ours::ByRule) {
            let own = about.into_iter().filter(|row| ours(row) == Ours::ByRule);
            return own.map(|row| self.seen(row, Ours::ByRule)).collect();
        }
        // Another owner's mark before what nobody marked: it proves more.
        let foreign = about.iter().find(|row| ours(row) == Ours::Foreign);
        let first = foreign.or(about.first());
        let judged = first.map(|row| match ours(row) {
            Ours::Unknown if self.adopt => self.seen(row, Ours::ByRule),
            whose => self.seen(row, whose),
        });
        judged.into_iter().collect()
    }

    /// What is seen of one row.
    pub fn seen(&self, row: &CustomerRow, ours: Ours) -> Seen {
        let drift = match ours {
            Ours::ByRule => drift(&self.fields, &row.fields),
            Ours::Foreign | Ours::Unknown => Drift::None,
        };
        Seen {
            id: HolderId::new(row.id.as_str()),
            ours,
            token: row.mark.as_ref().map(|mark| mark.token.clone()),
            version: None,
            drift,
            standing: Standing::Live,
            content: None,
        }
    }

    /// What a person should do where the engine gave up.
    pub fn instruction(&self, stop: Stop) -> Option<String> {
        let (address, business) = (&self.address, &self.business);
        match stop {
            Stop::Foreign | Stop::Unproven => Some(format!(
                "{business} has a customer {address} that does not carry the mark of {}: a person entered it, or another program did. \
                 Set adopt = true if it is to be taken over, or leave it and take this customer out of the specification.",
                self.owner.as_str()
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(role: Role, adopt: bool) -> StaffSpec {
        StaffSpec {
            business: "Clinic@contoso.com".into(),
            address: "Ann@Contoso.com".into(),
            role,
            fields: Fields::from([("role".into(), role.as_str().into())]),
            adopt,
            known: None,
        }
    }

    fn row(role: Role) -> StaffRow {
        StaffRow {
            id: "a".into(),
            address: " ann@contoso.COM".into(),
            role: Some(role),
            fields: Fields::from([("role".into(), role.as_str().into())]),
        }
    }

    #[test]
    fn a_visible_holder_is_the_person_whatever_the_letter_case() {
        let spec = staff(Role::Member, true);
        assert_eq!(
            spec.key(),
            "business/clinic@contoso.com/staff/ann@contoso.com"
        );
        assert!(spec.is_about(&row(Role::Guest)));
        let seen = spec.judge(&row(Role::Guest), false);
        assert_eq!(seen.ours, Ours::ByRule);
        assert_eq!(seen.drift, Drift::Patchable(vec!["role".into()]));
    }

    #[test]
    fn an_administrator_is_never_demoted() {
        let spec = staff(Role::Member, true);
        assert_eq!(
            spec.judge(&row(Role::Administrator), true).ours,
            Ours::Foreign
        );
        let spec = staff(Role::Administrator, true);
        assert_eq!(
            spec.judge(&row(Role::Administrator), false).ours,
            Ours::ByRule
        );
    }

    #[test]
    fn without_adopting_only_what_an_earlier_run_named_is_ours() {
        let mut spec = staff(Role::Member, false);
        assert_eq!(spec.judge(&row(Role::Member), false).ours, Ours::Foreign);
        assert_eq!(spec.judge(&row(Role::Member), true).ours, Ours::ByRule);
        spec.known = Some(HolderId::new("a"));
        assert_eq!(spec.judge(&row(Role::Member), false).ours, Ours::ByRule);
    }

    fn customer(adopt: bool) -> CustomerSpec {
        CustomerSpec {
            business: "b".into(),
            address: "Eve@x.example".into(),
            owner: Owner::parse("us").unwrap(),
            fields: Fields::new(),
            adopt,
        }
    }

    fn entry(id: &str, mark: &str) -> CustomerRow {
        CustomerRow {
            id: id.into(),
            address: "eve@X.example ".into(),
            mark: Mark::parse(mark),
            fields: Fields::new(),
        }
    }

    #[track_caller]
    fn check_customers(adopt: bool, rows: &[(&str, &str)], want: &[(&str, Ours)]) {
        let rows: Vec<_> = rows.iter().map(|(id, mark)| entry(id, mark)).collect();
        let seen = customer(adopt).judge(&rows);
        let got: Vec<_> = seen.iter().map(|one| (one.id.as_str(), one.ours)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn only_what_carries_our_mark_can_be_surplus() {
        let (ours, theirs) = ("evergraph/us/t", "evergraph/them/t");
        let all = [("d", ours), ("a", ""), ("c", ours), ("b", theirs)];
        check_customers(true, &all, &[("c", Ours::ByRule), ("d", Ours::ByRule)]);
        check_customers(false, &all, &[("c", Ours::ByRule), ("d", Ours::ByRule)]);
    }

    #[test]
    fn what_a_person_entered_is_taken_over_only_where_that_is_wished_and_never_twice() {
        let entered = [("b", ""), ("a", "")];
        check_customers(false, &entered, &[("a", Ours::Unknown)]);
        check_customers(true, &entered, &[("a", Ours::ByRule)]);
        let other = [("a", ""), ("b", "evergraph/them/t")];
        check_customers(true, &other, &[("b", Ours::Foreign)]);
        check_customers(false, &[], &[]);
    }
}
