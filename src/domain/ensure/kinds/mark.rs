//! The mark by which we know our own again: who wanted it, and the run that made it.

use std::fmt;

use super::owner::Owner;
use crate::domain::ensure::{Ours, Token};

const START: &str = "evergraph";

/// Written into what we create, where the service gives it back. Not a secret, and no proof
/// against somebody who copies it: it tells friends apart, not enemies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mark {
    /// Whose it is.
    pub owner: Owner,
    /// The run that made it.
    pub token: Token,
}

impl Mark {
    /// Reads `evergraph/OWNER/TOKEN`; anything else is no mark.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(START)?.strip_prefix('/')?;
        let (owner, token) = rest.split_once('/')?;
        let owner = Owner::parse(owner)?;
        (!token.is_empty()).then(|| Self {
            owner,
            token: Token::new(token),
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}/{}/{}", self.owner, self.token)
    }
}

/// Whose a thing with this mark is. Without a mark nothing is proven.
pub fn whose(mark: Option<&Mark>, owner: &Owner) -> Ours {
    match mark {
        Some(mark) if mark.owner == *owner => Ours::ByRule,
        Some(_) => Ours::Foreign,
        None => Ours::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_as_it_was_written() {
        let owner = Owner::parse("contoso-prod").unwrap();
        let token = Token::new("4f/2");
        let mark = Mark { owner, token };
        assert_eq!(mark.to_string(), "evergraph/contoso-prod/4f/2");
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
    }

    #[test]
    fn what_is_no_mark_proves_nothing() {
        let ours = Owner::parse("a").unwrap();
        for text in [
            "",
            "PO Box 7",
            "evergraph",
            "evergraph/",
            "evergraph/a",
            "evergraph/a/",
            "evergraph//t",
        ] {
            assert_eq!(
                whose(Mark::parse(text).as_ref(), &ours),
                Ours::Unknown,
                "{text}"
            );
        }
        let other = Mark::parse("evergraph/b/t");
        assert_eq!(whose(other.as_ref(), &ours), Ours::Foreign);
    }
}
