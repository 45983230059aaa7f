//! What people declare and the keys they hold.

use base64::Engine as _;
use jiff::SignedDuration;

use super::truth::wish;
use crate::domain::client_state::KeyRing;
use crate::domain::ids::TenantId;
use crate::domain::subscription::{Desired, Lifetime};

/// Resources of every treatment of duplicates: refused with the holder named, accepted in
/// silence, refused by a limit of one, one for all; each with two sets of change types where
/// Graph knows more than one.
const POOL: &[(&str, &str, &str)] = &[
    ("mailbox", "users/u0/messages", "created,updated"),
    ("chats", "chats/getAllMessages", "created"),
    ("list", "sites/s/lists/l", "updated"),
    ("calendar", "users/u1/events", "updated"),
    ("groups", "groups", "updated,deleted"),
    ("drive", "drives/d1/root", "updated"),
    ("contacts", "users/u2/contacts", "deleted"),
];

const OTHER_CHANGES: &[&str] = &["updated", "created,updated,deleted", "created,deleted"];

/// The first `count` of the pool, with lifetimes and some change types by chance.
pub fn wishes(tenant: &TenantId, chance: &mut fastrand::Rng, count: usize) -> Vec<Desired> {
    let mut wanted = Vec::new();
    for (name, resource, changes) in POOL.iter().take(count) {
        let hours = chance.i64(24..24 * 8);
        let lifetime = if chance.bool() {
            Lifetime::Max
        } else {
            Lifetime::Exactly(SignedDuration::from_hours(hours))
        };
        let many = matches!(*name, "mailbox" | "chats" | "calendar" | "contacts");
        let changes = if many && chance.bool() {
            OTHER_CHANGES[chance.usize(0..OTHER_CHANGES.len())]
        } else {
            changes
        };
        wanted.extend(wish(tenant, name, resource, changes, lifetime));
    }
    wanted
}

/// The one that lives for an hour at most.
pub fn presence(tenant: &TenantId) -> Option<Desired> {
    let resource = "communications/presences/p1";
    wish(tenant, "presence", resource, "updated", Lifetime::Max)
}

/// A ring of the keys 1 to `newest`; the newest signs, or stands at the end.
pub fn ring(newest: u32, newest_signs: bool) -> Option<KeyRing> {
    let entry = |kid: u32| {
        let key = [u8::try_from(kid % 251).unwrap_or_default(); 32];
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        format!("k{kid}:{key}")
    };
    let first = if newest >= 90 { newest } else { 1 };
    let mut entries: Vec<String> = (first..=newest).map(entry).collect();
    if newest_signs {
        entries.rotate_right(1);
    }
    KeyRing::parse(&entries.join(",")).ok()
}
