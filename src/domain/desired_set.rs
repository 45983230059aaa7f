//! Building a desired set, and its hash.

use super::notification::roster::Opening;
use super::subscription::{Desired, DesiredSet, KeyTag, Lifetime};

impl DesiredSet {
    /// The set of the given subscriptions, with its hash. Of two with one key the later one
    /// stays; a reader of declarations refuses such a pair before it comes here.
    pub fn of(desired: impl IntoIterator<Item = Desired>) -> Self {
        let by_key = desired
            .into_iter()
            .map(|one| (one.key.tag(), one))
            .collect::<std::collections::BTreeMap<_, _>>();
        let mut canon = Canon::new();
        for (tag, one) in &by_key {
            canon.add(tag, one);
        }
        Self {
            by_key,
            hash: canon.finish(),
            because: None,
        }
    }
}

/// SHA-256 over a canonical form: for each subscription, in the order of tags, its
/// length-prefixed parts. Order and layout of the file do not enter.
struct Canon(aws_lc_rs::digest::Context);

impl Canon {
    fn new() -> Self {
        let mut canon = Self(aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256));
        canon.part(b"evergraph desired set 1");
        canon
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn add(&mut self, tag: &KeyTag, one: &Desired) {
        let lifetime = match one.lifetime {
            Lifetime::Max => "max".to_owned(),
            Lifetime::Exactly(length) => length.as_nanos().to_string(),
        };
        let (certificate_id, certificate) = match &one.certificate {
            Some(certificate) => (certificate.id.as_str(), certificate.der_base64.as_str()),
            None => ("", ""),
        };
        let lifecycle: &[u8] = if one.lifecycle { b"lifecycle" } else { b"" };
        self.part(tag.as_bytes());
        self.part(one.name.as_str().as_bytes());
        // The key knows the normal form only; another spelling is another request to Graph.
        self.part(one.resource.as_str().as_bytes());
        self.part(lifetime.as_bytes());
        self.part(lifecycle);
        self.part(certificate_id.as_bytes());
        self.part(certificate.as_bytes());
        // Only where it is so: the hash of everything else stays what it was.
        if one.certificate.as_ref().map(|known| known.opening) == Some(Opening::PassOn) {
            self.part(b"passed on");
        }
    }

    fn finish(self) -> String {
        use std::fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in self.0.finish().as_ref() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{SubscriptionName, TenantId};
    use crate::domain::resource::Resource;
    use crate::domain::subscription::{ChangeType, ChangeTypes, SubscriptionKey};
    use jiff::SignedDuration;

    fn desired(name: &str, path: &str) -> Desired {
        let resource = Resource::parse(path).unwrap();
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

    #[test]
    fn order_does_not_change_the_hash() {
        let (a, b) = (desired("a", "users"), desired("b", "groups"));
        let one = DesiredSet::of([a.clone(), b.clone()]);
        let other = DesiredSet::of([b, a]);
        assert_eq!(one, other);
        assert_eq!(one.hash.len(), 64);
    }

    #[test]
    fn the_decision_behind_a_wish_is_no_part_of_it() {
        let plain = desired("a", "users");
        let told = Desired {
            because: Some("https://tickets.example.com/1".to_owned()),
            ..plain.clone()
        };
        assert_eq!(DesiredSet::of([plain]).hash, DesiredSet::of([told]).hash);
    }

    #[test]
    fn every_wish_changes_the_hash() {
        let plain = desired("a", "users");
        let hash = |one: &Desired| DesiredSet::of([one.clone()]).hash;
        let mut seen = std::collections::BTreeSet::from([hash(&plain), DesiredSet::of([]).hash]);
        let certificate = |opening| crate::domain::subscription::EncryptionCertificate {
            id: "1".into(),
            der_base64: "AA==".into(),
            opening,
        };
        let variants = [
            desired("b", "users"),
            desired("a", "/users"),
            desired("a", "groups"),
            Desired {
                lifetime: Lifetime::Exactly(SignedDuration::from_hours(1)),
                ..plain.clone()
            },
            Desired {
                lifecycle: false,
                ..plain.clone()
            },
            Desired {
                certificate: Some(certificate(Opening::Decrypt)),
                ..plain.clone()
            },
            Desired {
                certificate: Some(certificate(Opening::PassOn)),
                ..plain
            },
        ];
        for variant in variants {
            assert!(seen.insert(hash(&variant)), "{variant:?}");
        }
    }
}
