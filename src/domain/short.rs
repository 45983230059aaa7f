//! A short text that lies in the value itself.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// So many bytes need no memory of their own: a GUID has 36. A planning compares hundreds of
/// thousands of ids, and following a pointer to each would take most of its time.
const INLINE: usize = 38;

/// A text that never changes. Its clone costs next to nothing.
#[derive(Clone)]
pub(super) enum Short {
    /// The rest is zeros.
    Inline {
        length: u8,
        bytes: [u8; INLINE],
    },
    Shared(Arc<str>),
}

impl Short {
    pub(super) fn as_str(&self) -> &str {
        match self {
            // Made from a text only: there is nothing that could fail.
            Self::Inline { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Shared(text) => text,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => &bytes[..usize::from(*length).min(INLINE)],
            Self::Shared(text) => text.as_bytes(),
        }
    }
}

impl From<&str> for Short {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(text.as_bytes());
                Self::Inline { length, bytes }
            }
            _ => Self::Shared(text.into()),
        }
    }
}

impl From<String> for Short {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Inline { length, bytes },
                Self::Inline {
                    length: other_length,
                    bytes: other_bytes,
                },
            ) => length == other_length && bytes == other_bytes,
            // A text of one length always has one form.
            (Self::Shared(one), Self::Shared(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Short {}

/// Bytewise, like text.
impl Ord for Short {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Short {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As `str` does it: maps are asked with borrowed texts.
impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::{BuildHasher as _, RandomState};

    proptest! {
        #[test]
        fn it_is_the_text_and_compares_and_hashes_like_it(
            one in "[\\PC]{0,50}",
            other in "[ab\0é]{0,4}",
        ) {
            let state = RandomState::new();
            for (a, b) in [(&one, &other), (&one, &one), (&other, &other)] {
                let (x, y) = (Short::from(a.as_str()), Short::from(b.as_str()));
                prop_assert_eq!(x.as_str(), a.as_str());
                prop_assert_eq!(x == y, a == b);
                prop_assert_eq!(x.cmp(&y), a.cmp(b));
                prop_assert_eq!(state.hash_one(&x), state.hash_one(a.as_str()));
                prop_assert_eq!(x.to_string(), a.as_str());
            }
        }
    }

    #[test]
    fn both_forms_meet_at_their_border() {
        for length in [0, 1, 37, 38, 39, 40, 300] {
            let text = "x".repeat(length);
            let short = Short::from(text.as_str());
            assert_eq!(short.as_str(), text);
            assert_eq!(matches!(short, Short::Inline { .. }), length <= INLINE);
            assert!(short == short.clone() && short != Short::from("y"));
            assert!(short < Short::from("y"));
        }
    }
}
