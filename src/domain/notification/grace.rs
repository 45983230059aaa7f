//! A memory of keys that are not in the ring yet.

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::Kid;

/// How long a rolling deployment may take to bring a new key to every instance.
pub const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// How many keys are remembered. A fleet rolls one at a time; a forger may name any.
pub const KIDS: usize = 16;

/// What to do with an item that is signed by an unknown key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grace {
    /// The key may still arrive.
    Waits,
    /// It had its time.
    Over,
}

/// When this process first saw each unknown key.
///
/// Where one more key comes than can be remembered, the one seen first is forgotten, the ones
/// whose time is over before all others. A forger who names many keys can so lengthen the
/// grace of another one, never shorten it: no genuine item is refused early.
#[derive(Clone, Debug, Default)]
pub struct KidGrace(Vec<(Kid, Timestamp)>);

impl KidGrace {
    /// Says what to do, and remembers the key.
    pub fn meet(&mut self, kid: &Kid, now: Timestamp) -> Grace {
        if let Some((_, first)) = self.0.iter().find(|(known, _)| known == kid) {
            return match now.duration_since(*first) < GRACE {
                true => Grace::Waits,
                false => Grace::Over,
            };
        }
        if self.0.len() >= KIDS
            && let Some((at, _)) = self.0.iter().enumerate().min_by_key(|(_, (_, at))| *at)
        {
            self.0.swap_remove(at);
        }
        self.0.push((kid.clone(), now));
        Grace::Waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kid(number: usize) -> Kid {
        Kid::parse(&format!("k{number}")).unwrap()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn an_unknown_key_has_fifteen_minutes_from_its_first_item() {
        let mut grace = KidGrace::default();
        assert_eq!(grace.meet(&kid(1), at(0)), Grace::Waits);
        assert_eq!(grace.meet(&kid(1), at(14)), Grace::Waits);
        assert_eq!(grace.meet(&kid(1), at(15)), Grace::Over);
        assert_eq!(grace.meet(&kid(2), at(15)), Grace::Waits);
        assert_eq!(grace.meet(&kid(1), at(500)), Grace::Over);
    }

    #[test]
    fn the_memory_is_bounded_and_a_flood_refuses_nobody_early() {
        let mut grace = KidGrace::default();
        assert_eq!(grace.meet(&kid(0), at(0)), Grace::Waits);
        for number in 1..1000 {
            assert_eq!(grace.meet(&kid(number), at(1)), Grace::Waits);
        }
        assert_eq!(grace.0.len(), KIDS);
        assert_eq!(grace.meet(&kid(0), at(2)), Grace::Waits);
    }
}
