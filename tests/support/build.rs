//! Values from literals.

use evergraph::domain::client_state::{ClientState, KeyRing};
use evergraph::domain::ids::{AppId, FleetId, SubscriptionId, SubscriptionName, TenantId};
use evergraph::domain::ownership::{FleetUrl, Home, Origin};
use evergraph::domain::resource::Resource;
use evergraph::domain::state::{Going, Held, HeldOrigin, Watch};
use evergraph::domain::subscription::{
    ChangeType, ChangeTypes, Declaration, Desired, DesiredSet, Lifetime, Observed, SubscriptionKey,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::LazyLock;

/// The moment at which every test begins.
pub const START: Timestamp = Timestamp::constant(1_900_000_000, 0);

/// A moment some minutes after [`START`], or before it.
pub fn at(minutes: i64) -> Timestamp {
    START + SignedDuration::from_mins(minutes)
}

pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub fn tenant(number: u32) -> TenantId {
    TenantId::parse(&format!("{number:08}-1111-4111-8111-111111111111")).unwrap()
}

pub fn id(text: &str) -> SubscriptionId {
    SubscriptionId::parse(text).unwrap()
}

pub fn app(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

pub fn fleet_url(origin: &str, fleet: &str) -> FleetUrl {
    FleetUrl {
        origin: Origin::parse(origin).unwrap(),
        fleet: FleetId::parse(fleet).unwrap(),
    }
}

/// Parsed once: small worlds are made by the thousand.
static HOME: LazyLock<Home> = LazyLock::new(|| Home {
    current: fleet_url("https://app.example.com", "prod"),
    former: vec![fleet_url("https://old.example.com", "prod")],
});

static SIGNER: LazyLock<KeyRing> = LazyLock::new(|| ring(&["a"]));

pub fn home() -> Home {
    HOME.clone()
}

/// A ring of keys with these ids; equal ids are equal keys.
pub fn ring(kids: &[&str]) -> KeyRing {
    use base64::Engine as _;
    let entry = |kid: &&str| {
        let mut key = [7_u8; 32];
        key[..kid.len()].copy_from_slice(kid.as_bytes());
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        format!("{kid}:{text}")
    };
    KeyRing::parse(&kids.iter().map(entry).collect::<Vec<_>>().join(",")).unwrap()
}

/// A declared subscription of tenant 1: updates, no resource data, with lifecycle events.
pub fn wish(name: &str, resource: &str) -> Desired {
    wish_of(1, name, resource)
}

pub fn wish_of(tenant_number: u32, name: &str, resource: &str) -> Desired {
    let resource = Resource::parse(resource).unwrap();
    Desired {
        name: SubscriptionName::parse(name).unwrap(),
        key: SubscriptionKey {
            tenant: tenant(tenant_number),
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

pub fn declared(wishes: &[Desired]) -> Declaration {
    Declaration::Read(DesiredSet::of(wishes.to_vec()))
}

/// The row that Graph would keep for the wish: ours, good, clientState shown.
pub fn row(text: &str, wish: &Desired, expires: Timestamp) -> Observed {
    let home = &*HOME;
    Observed {
        id: id(text),
        resource: wish.resource.as_str().to_owned(),
        change_types: Some(wish.key.change_types),
        notification_url: home.current.notifications(),
        lifecycle_url: wish.lifecycle.then(|| home.current.lifecycle()),
        expires,
        client_state: Some(SIGNER.derive(&home.current.fleet, &wish.key.tag())),
        application: None,
        resource_data: wish.key.resource_data,
        certificate_id: wish.certificate.as_ref().map(|one| one.id.clone()),
        query_options: wish.key.query_options.clone(),
    }
}

/// The same row, turned to an address that is not ours.
pub fn foreign(row: Observed) -> Observed {
    Observed {
        notification_url: "https://elsewhere.example.net/hook".to_owned(),
        lifecycle_url: None,
        client_state: Some(ClientState::new("theirs".to_owned())),
        ..row
    }
}

/// The same row at our former address.
pub fn former(row: Observed) -> Observed {
    let old = &home().former[0];
    Observed {
        notification_url: old.notifications(),
        lifecycle_url: row.lifecycle_url.as_ref().map(|_| old.lifecycle()),
        ..row
    }
}

/// The same row without a lifecycle address: a mismatch that no PATCH mends.
pub fn without_lifecycle(row: Observed) -> Observed {
    Observed {
        lifecycle_url: None,
        ..row
    }
}

/// The same row with another clientState.
pub fn signed(row: Observed, text: Option<&str>) -> Observed {
    Observed {
        client_state: text.map(|text| ClientState::new(text.to_owned())),
        ..row
    }
}

/// What the state holds of a row that this state created long ago and that is not due.
pub fn held(row: &Observed) -> Held {
    Held {
        id: row.id.clone(),
        expires: row.expires,
        due: row.expires - minutes(60),
        obtained_at: at(-600),
        origin: HeldOrigin::Created,
        kid: None,
        certificate_id: row.certificate_id.clone(),
        certificate_asked: None,
        patched_at: None,
        doubted: false,
    }
}

pub fn watch(why: Going, since: Timestamp, config_hash: &str) -> Watch {
    Watch {
        tenant: tenant(1),
        why,
        since,
        config_hash: config_hash.to_owned(),
        retry: None,
    }
}
