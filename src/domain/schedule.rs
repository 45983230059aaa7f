//! When to renew, and what expiry to ask for.

use jiff::{SignedDuration, Timestamp};

use super::limits;
use super::policy::{PerMille, Policy};
use super::resource::Resource;
use super::subscription::{Desired, SubscriptionKey};

/// Adds without ever overflowing.
pub fn after(start: Timestamp, wait: SignedDuration) -> Timestamp {
    start.checked_add(wait).unwrap_or(if wait.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The moment at which a subscription that was just obtained or renewed is due again.
///
/// The earlier of a share of its real lifetime and three ticks before its end, less a jitter
/// that is drawn once (`chance`, 0 to 999) and stored with the result: drawn anew on every
/// look, the answer would change every pass. A lifetime under four ticks is due at once, so
/// that every tick renews it.
pub fn due(now: Timestamp, expires: Timestamp, policy: &Policy, chance: PerMille) -> Timestamp {
    let lifetime = expires.duration_since(now);
    if is_short(lifetime, policy) {
        return now;
    }
    let by_share = policy.renew_after.of(lifetime);
    let by_margin = lifetime - policy.tick * 3;
    let wait = by_share.min(by_margin);
    let jitter = chance.of(policy.jitter.of(wait));
    after(now, (wait - jitter).max(SignedDuration::ZERO))
}

/// Whether a lifetime is so short that every tick must renew it: under four ticks.
pub fn is_short(lifetime: SignedDuration, policy: &Policy) -> bool {
    lifetime < policy.tick * 4
}

/// The due moment of a row about which nothing is stored: its real lifetime is unknown, so the
/// lifetime that we would ask for stands in.
pub fn due_unremembered(key: &SubscriptionKey, expires: Timestamp, policy: &Policy) -> Timestamp {
    let lifetime = longest(key);
    let by_share = after(expires, policy.renew_after.of(lifetime) - lifetime);
    by_share.min(after(expires, -(policy.tick * 3)))
}

/// The expiry to ask for, for a declared subscription.
pub fn expiry_to_ask(desired: &Desired, now: Timestamp) -> Timestamp {
    let limits = limits::of(desired.resource.kind());
    after(
        now,
        limits.lifetime_to_request(desired.lifetime, desired.key.resource_data),
    )
}

/// The expiry to ask for where a row's declaration is not known, but the lifetime that Graph granted
/// it before is: the same again, within what the kind allows.
///
/// The lifetime may be known wrong: a PATCH whose answer was lost makes it seem longer. So every
/// second attempt after a failure asks for what is granted to everybody.
pub fn expiry_to_ask_again(
    key: &SubscriptionKey,
    granted: SignedDuration,
    failures: u32,
    now: Timestamp,
) -> Timestamp {
    let safe = longest(key);
    if failures > 0 && failures.is_multiple_of(2) {
        return after(now, safe);
    }
    let most = longest_with_lifecycle(key).unwrap_or(safe);
    after(now, granted.clamp(safe, most.max(safe)))
}

/// The expiry to ask for, where only the key is known.
pub fn expiry_to_ask_for_key(key: &SubscriptionKey, now: Timestamp) -> Timestamp {
    after(now, longest(key))
}

/// Below the hour beyond which some kinds need a lifecycle address, by a margin for the skew of
/// clocks: whether the row has such an address is not known here.
const WITHOUT_LIFECYCLE: SignedDuration = SignedDuration::from_mins(55);

fn longest(key: &SubscriptionKey) -> SignedDuration {
    // One hour is safe for every kind, should a stored key be older than the parser.
    let longest = longest_with_lifecycle(key).unwrap_or(SignedDuration::from_hours(1));
    match Resource::parse(&key.resource) {
        Ok(resource) if limits::of(resource.kind()).needs_lifecycle(longest) => {
            longest.min(WITHOUT_LIFECYCLE)
        }
        _ => longest,
    }
}

/// What a row with a lifecycle address may live; `None` where the key cannot be read: it is made of
/// a parsed resource, but a stored one may be older than the parser.
fn longest_with_lifecycle(key: &SubscriptionKey) -> Option<SignedDuration> {
    let resource = Resource::parse(&key.resource).ok()?;
    Some(limits::of(resource.kind()).request_lifetime(key.resource_data))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::constant(1_900_000_000, 0);

    #[track_caller]
    fn check_due(lifetime_min: i64, chance: u16, wanted_min: i64) {
        let policy = Policy::default();
        let expires = after(START, SignedDuration::from_mins(lifetime_min));
        let due = due(START, expires, &policy, PerMille(chance));
        assert_eq!(
            due.duration_since(START),
            SignedDuration::from_mins(wanted_min)
        );
    }

    #[test]
    fn a_share_of_the_lifetime_or_three_ticks_before_the_end_whichever_is_earlier() {
        check_due(1000, 0, 700);
        check_due(40, 0, 25);
        check_due(20, 0, 5);
    }

    #[track_caller]
    fn check_again(resource: &str, granted_min: i64, failures: u32, wanted_min: i64) {
        use crate::domain::ids::TenantId;
        use crate::domain::subscription::ChangeTypes;
        let key = SubscriptionKey {
            tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap(),
            resource: resource.to_owned(),
            change_types: ChangeTypes::parse("created").unwrap(),
            resource_data: false,
            query_options: None,
        };
        let granted = SignedDuration::from_mins(granted_min);
        let asked = expiry_to_ask_again(&key, granted, failures, START);
        let wanted = SignedDuration::from_mins(wanted_min);
        assert_eq!(asked.duration_since(START), wanted, "{resource}");
    }

    #[test]
    fn without_a_declaration_the_same_is_asked_for_again_within_what_the_kind_allows() {
        let chats = "chats/getallmessages";
        let most = limits::of(Resource::parse(chats).unwrap().kind()).request_lifetime(false);
        let most = most.as_mins();
        check_again(chats, 2000, 0, 2000);
        check_again(chats, 2000, 1, 2000);
        check_again(chats, 20, 0, 55);
        check_again(chats, -20, 0, 55);
        check_again(chats, 1_000_000, 0, most);
        // What was known wrong would be refused for ever.
        check_again(chats, 2000, 2, 55);
        check_again(chats, 2000, 3, 2000);
        let mail = limits::of(Resource::parse("users/a/messages").unwrap().kind());
        let most = mail.request_lifetime(false).as_mins();
        check_again("users/a/messages", 60, 0, most);
    }

    #[test]
    fn jitter_only_ever_makes_it_earlier_and_by_a_tenth_at_most() {
        let policy = Policy::default();
        let expires = after(START, SignedDuration::from_hours(100));
        let latest = due(START, expires, &policy, PerMille(0));
        for chance in 0..1000 {
            let due = due(START, expires, &policy, PerMille(chance));
            assert!(due <= latest && due >= after(START, SignedDuration::from_hours(63)));
        }
    }

    #[test]
    fn a_lifetime_under_four_ticks_is_due_at_every_tick() {
        check_due(19, 0, 0);
        check_due(0, 0, 0);
        check_due(-5, 0, 0);
    }

    #[test]
    fn no_expiry_is_far_enough_to_overflow() {
        let policy = Policy::default();
        let due = due(START, Timestamp::MAX, &policy, PerMille(999));
        assert!(due > START);
        assert_eq!(after(Timestamp::MAX, SignedDuration::MAX), Timestamp::MAX);
        assert_eq!(after(Timestamp::MIN, SignedDuration::MIN), Timestamp::MIN);
    }
}
