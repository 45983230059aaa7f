//! The story of one subscription, in sentences: from its records, and from what is remembered.
//!
//! | file | what it knows |
//! |---|---|
//! | `select` | which records belong to the story |
//! | `teller` | how records become sentences; what repeats is told once |
//! | `phrases` | the words for actions, reasons and causes |
//! | `present` | what stands now, and what waits |

mod phrases;
mod present;
mod select;
mod teller;

use jiff::Timestamp;

use crate::domain::audit::Record;
use crate::domain::state::ShardState;

/// One sentence of a story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sentence {
    /// When it happened, or began.
    pub at: Timestamp,
    /// What happened, and why.
    pub text: String,
    /// The records that it rests on.
    pub records: Vec<String>,
}

/// The story of one subscription, or of everything that went by one name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Story {
    /// Its names, the latest last.
    pub names: Vec<String>,
    /// Its keys.
    pub keys: Vec<String>,
    /// Resource and tenant, in words.
    pub what: Vec<String>,
    /// What happened, in order.
    pub past: Vec<Sentence>,
    /// What stands now, and what waits.
    pub present: Vec<String>,
}

/// Tells the story of what a person calls `what`: a name, a subscription id, or the beginning of
/// a key. `None` where neither the records nor the state know it.
pub fn tell(
    what: &str,
    records: &[Record],
    state: Option<&ShardState>,
    now: Timestamp,
) -> Option<Story> {
    let cast = select::cast(what, records, state)?;
    let own: Vec<&Record> = records.iter().filter(|one| cast.is_in(one)).collect();
    let mut story = Story {
        names: cast.names.clone(),
        keys: cast.keys.iter().cloned().collect(),
        what: cast.what.clone(),
        past: teller::past(&own),
        present: Vec::new(),
    };
    story.present = present::present(&cast, state, now);
    Some(story)
}

/// Every name that the records and the state know, for whoever misspelt one.
pub fn names<'r>(records: &'r [Record], state: Option<&'r ShardState>) -> Vec<&'r str> {
    let told = records.iter().filter_map(|one| one.about.name.as_deref());
    let entries = state.into_iter().flat_map(|state| state.entries.values());
    let known = entries.filter_map(|entry| entry.name.as_ref().map(|name| name.as_str()));
    let mut names: Vec<&str> = told.chain(known).collect();
    names.sort_unstable();
    names.dedup();
    names
}
