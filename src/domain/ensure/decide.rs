//! Decisions about a key that nothing serves: take over, read first, wait, create, or leave it.
//!
//! The same functions decide for a run of the engine and for a pass over subscriptions: a run
//! keeps what it knows in itself and ends within minutes, a pass keeps it in the shard's document
//! and goes on for weeks. What follows from what they know is one thing. No function here
//! allocates.

use crate::domain::conflict::Cause;

/// How well a thing with our mark can serve.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Claim {
    /// It is ours and as wanted, or can be brought there.
    Good,
    /// Everything that can be seen of it is right, but nothing proves it.
    Unproven,
    /// It is ours, but not as wanted, and cannot be brought there.
    Unfit,
    /// Nothing can be decided about it.
    Dark,
}

/// What a complete look showed of the things that may serve: of each sort the one with the
/// bytewise smallest id, so that everybody, seeing any listing, agrees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claims<R> {
    /// To be read by id before anything is decided.
    pub unseen: Option<R>,
    /// See [`Claim::Good`].
    pub good: Option<R>,
    /// See [`Claim::Unproven`].
    pub unproven: Option<R>,
    /// See [`Claim::Dark`].
    pub dark: Option<R>,
    /// See [`Claim::Unfit`].
    pub unfit: Option<R>,
}

impl<R> Default for Claims<R> {
    fn default() -> Self {
        Self {
            unseen: None,
            good: None,
            unproven: None,
            dark: None,
            unfit: None,
        }
    }
}

/// Who serves the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serves<R> {
    /// Nobody knows before this one is read by id.
    ReadFirst(R),
    /// This one, with that claim.
    Take(R, Claim),
    /// This one may be the very one: nothing is created beside it.
    Undecided(R),
    /// Nothing that was seen.
    Nobody,
}

impl<R> Claims<R> {
    /// What fits goes before what nothing proves; nothing is created beside what may be the very
    /// one; what is not as wanted comes last.
    pub fn who_serves(self) -> Serves<R> {
        if let Some(row) = self.unseen {
            return Serves::ReadFirst(row);
        }
        if let Some(row) = self.good {
            return Serves::Take(row, Claim::Good);
        }
        if let Some(row) = self.unproven {
            return Serves::Take(row, Claim::Unproven);
        }
        if let Some(row) = self.dark {
            return Serves::Undecided(row);
        }
        match self.unfit {
            Some(row) => Serves::Take(row, Claim::Unfit),
            None => Serves::Nobody,
        }
    }
}

/// Whether a create may be sent, as far as time and sight go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// An earlier create without a known outcome may still surface.
    Settling,
    /// Nothing complete was seen yet: check before create.
    LookFirst,
    /// What was seen began too early to show what the earlier create made.
    LookAgain,
    /// What was seen says that nothing is there.
    Open,
}

/// The gate before a create at `now`. `settles`: from when on a create without a known outcome
/// must be visible, if there is one. `seen_since`: when the complete look began, if there was one.
pub fn gate<T: Ord>(now: T, settles: Option<T>, seen_since: Option<T>) -> Gate {
    if settles.as_ref().is_some_and(|settles| now < *settles) {
        return Gate::Settling;
    }
    match (seen_since, settles) {
        (None, _) => Gate::LookFirst,
        (Some(begun), Some(settles)) if begun < settles => Gate::LookAgain,
        _ => Gate::Open,
    }
}

/// What is known of the holder that a refused create points at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder<R> {
    /// It has a name and was not read yet. The name is believed only as far as a GET confirms it.
    Named,
    /// It could not be read.
    Unreadable,
    /// 404 on its id.
    Gone,
    /// Somebody else's.
    Foreign(R),
    /// Ours, with the very key, and not what serves already.
    Ours(R, Claim),
    /// Ours otherwise. `goes`: it must go anyway.
    Otherwise {
        /// It.
        row: R,
        /// Whether it must go anyway.
        goes: bool,
    },
    /// Nobody was named; this is what a complete look shows in its stead.
    Nameless {
        /// Ours, in the way, and bound to go.
        own: Option<R>,
        /// Somebody else's.
        foreign: Option<R>,
    },
}

/// What follows from a refused create.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ahead<R> {
    /// Read the holder.
    Read,
    /// It could not be read: not now.
    Later,
    /// Take this one over.
    Adopt(R, Claim),
    /// This one is ours and must go first: a measured gap, never without the owner's rule.
    InTheWay(R),
    /// This one is somebody else's: leave it alone.
    Foreign(R),
    /// Something holds the key and cannot be seen.
    Invisible,
    /// A limit is reached.
    Quota,
    /// Nothing can be decided; this one may be the reason.
    Undecided(Option<R>),
}

/// What follows from a create that was refused for `cause`, as far as its holder is known.
pub fn after_refusal<R>(cause: Cause, holder: Holder<R>) -> Ahead<R> {
    match holder {
        Holder::Named => Ahead::Read,
        Holder::Unreadable => Ahead::Later,
        Holder::Gone => Ahead::Invisible,
        Holder::Foreign(row) => Ahead::Foreign(row),
        Holder::Ours(row, claim @ (Claim::Good | Claim::Unproven)) => Ahead::Adopt(row, claim),
        Holder::Ours(row, Claim::Unfit) | Holder::Otherwise { row, goes: true } => {
            Ahead::InTheWay(row)
        }
        Holder::Ours(row, Claim::Dark) | Holder::Otherwise { row, goes: false } => {
            Ahead::Undecided(Some(row))
        }
        Holder::Nameless { own: Some(row), .. } => Ahead::InTheWay(row),
        Holder::Nameless {
            foreign: Some(row), ..
        } => Ahead::Foreign(row),
        Holder::Nameless { .. } => match cause {
            Cause::QuotaExhausted => Ahead::Quota,
            Cause::AlreadyExists => Ahead::Invisible,
            _ => Ahead::Undecided(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_goes_before_what_nothing_proves_and_reading_before_both() {
        let mut claims = Claims {
            unseen: Some(1),
            good: Some(2),
            unproven: Some(3),
            dark: Some(4),
            unfit: Some(5),
        };
        assert_eq!(claims.who_serves(), Serves::ReadFirst(1));
        claims.unseen = None;
        assert_eq!(claims.who_serves(), Serves::Take(2, Claim::Good));
        claims.good = None;
        assert_eq!(claims.who_serves(), Serves::Take(3, Claim::Unproven));
        claims.unproven = None;
        assert_eq!(claims.who_serves(), Serves::Undecided(4));
        claims.dark = None;
        assert_eq!(claims.who_serves(), Serves::Take(5, Claim::Unfit));
        claims.unfit = None;
        assert_eq!(claims.who_serves(), Serves::Nobody);
    }

    #[test]
    fn a_create_waits_for_a_look_that_began_after_an_earlier_one_settled() {
        assert_eq!(gate(5, Some(6), Some(5)), Gate::Settling);
        assert_eq!(gate(6, Some(6), None), Gate::LookFirst);
        assert_eq!(gate(7, Some(6), Some(5)), Gate::LookAgain);
        assert_eq!(gate(7, Some(6), Some(6)), Gate::Open);
        assert_eq!(gate(1, None, None), Gate::LookFirst);
        assert_eq!(gate(1, None, Some(0)), Gate::Open);
    }

    #[test]
    fn only_a_named_or_seen_holder_of_ours_is_taken_over() {
        let adopted = |holder| {
            matches!(
                after_refusal(Cause::AlreadyExists, holder),
                Ahead::Adopt(..)
            )
        };
        assert!(adopted(Holder::Ours(1, Claim::Good)));
        assert!(adopted(Holder::Ours(1, Claim::Unproven)));
        for holder in [
            Holder::Named,
            Holder::Unreadable,
            Holder::Gone,
            Holder::Foreign(1),
            Holder::Ours(1, Claim::Unfit),
            Holder::Ours(1, Claim::Dark),
            Holder::Otherwise { row: 1, goes: true },
            Holder::Otherwise {
                row: 1,
                goes: false,
            },
            Holder::Nameless {
                own: Some(1),
                foreign: Some(2),
            },
        ] {
            assert!(!adopted(holder), "{holder:?}");
        }
    }

    #[test]
    fn a_nameless_refusal_is_never_already_exists_by_itself() {
        let nobody = Holder::<u8>::Nameless {
            own: None,
            foreign: None,
        };
        for cause in Cause::ALL {
            let want = match cause {
                Cause::AlreadyExists => Ahead::Invisible,
                Cause::QuotaExhausted => Ahead::Quota,
                _ => Ahead::Undecided(None),
            };
            assert_eq!(after_refusal(*cause, nobody), want, "{cause}");
        }
    }
}
