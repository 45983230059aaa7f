//! Resource paths: the normal form is a fixed point, spellings that mean the same share it, and
//! two normal forms have one tag only if they are one.

use evergraph::domain::ids::TenantId;
use evergraph::domain::resource::Resource;
use evergraph::domain::subscription::{ChangeTypes, KeyTag, SubscriptionKey};

/// Longer inputs say nothing new.
const LONGEST: usize = 4 * 1024;

fn tag(resource: &Resource) -> KeyTag {
    SubscriptionKey {
        tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").expect("a tenant"),
        resource: resource.normal().to_owned(),
        change_types: ChangeTypes::parse("updated").expect("a change type"),
        resource_data: false,
        query_options: None,
    }
    .tag()
}

/// Checks one input: two spellings, one a line.
pub fn run(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    let text = String::from_utf8_lossy(data);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    let first = check_one(first);
    let second = check_one(second);
    if let (Some(first), Some(second)) = (first, second) {
        let same = first.normal() == second.normal();
        assert_eq!(tag(&first) == tag(&second), same);
        if same {
            assert_eq!(first.kind(), second.kind());
        }
    }
}

fn check_one(text: &str) -> Option<Resource> {
    let resource = match Resource::parse(text) {
        Ok(resource) => resource,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert_eq!(resource.as_str(), text);
    let normal = resource.normal();
    let again = Resource::parse(normal)
        .unwrap_or_else(|error| panic!("{normal:?}, the normal form of {text:?}: {error}"));
    assert_eq!(again.normal(), normal, "of {text:?}");
    assert_eq!(again.kind(), resource.kind(), "{text:?}");
    assert!(!normal.starts_with('/') && !normal.is_empty());
    assert_eq!(again.query(), resource.query(), "{text:?}");
    check_spellings(text, &resource);
    Some(resource)
}

/// Other spellings of the same.
fn check_spellings(text: &str, resource: &Resource) {
    let same = |other: &str| {
        let other = Resource::parse(other).unwrap_or_else(|error| panic!("{other:?}: {error}"));
        assert_eq!(
            other.normal(),
            resource.normal(),
            "{text:?} and {:?}",
            other.as_str()
        );
        assert_eq!(tag(&other), tag(resource));
    };
    let bare = text.trim_start_matches('/');
    if bare == text {
        same(&format!("/{text}"));
    }
    if !text.contains('?') && !text.ends_with('/') {
        same(&format!("{text}/"));
    }
    for word in ["users/", "chats/", "teams/", "me/", "drives/", "sites/"] {
        let begins = bare
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word));
        if begins {
            let rest = &bare[word.len()..];
            same(&format!("{}{rest}", word.to_ascii_uppercase()));
        }
    }
    let segments: Vec<_> = resource.segments().collect();
    if resource.normal() == segments.join("/") {
        let longer = format!("{}/x1", segments.join("/"));
        if let Ok(longer) = Resource::parse(&longer) {
            assert!(
                tag(&longer) != tag(resource),
                "{text:?} is the same as a child of it"
            );
        }
    }
}
