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

/// The expiry to ask for, where only the key is known (no longer declared, or a broken declaration).
pub fn expiry_to_ask_for_key(key: &SubscriptionKey, now: Timestamp) -> Timestamp {
    after(now, longest(key))
}

/// Below the hour beyond which some kinds need a lifecycle address, by a margin for the skew of
/// clocks: whether the row has such an address is not known here.
const WITHOUT_LIFECYCLE: SignedDuration = SignedDuration::from_mins(55);

fn longest(key: &SubscriptionKey) -> SignedDuration {
    match Resource::parse(&key.resource) {
        Ok(resource) => {
            let limits = limits::of(resource.kind());
            let longest = limits.request_lifetime(key.resource_data);
            if limits.needs_lifecycle(longest) {
                longest.min(WITHOUT_LIFECYCLE)
            } else {
                longest
            }
        }
        // A key is made of a parsed resource; one hour is safe for every kind should a stored
        // key be older than the parser.
        Err(_) => SignedDuration::from_hours(1),
    }
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
