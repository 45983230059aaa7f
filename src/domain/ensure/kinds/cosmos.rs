//! One item of a Cosmos DB container, as several regions show it.
//!
//! With several write regions two creates of one id both succeed and meet later. Under
//! last-writer-wins one is then gone without a trace; under the custom policy it lies in the
//! conflict feed. So an item stands only when every region shows the same version, and what lies
//! in the feed with our mark is surplus of ours: the wanted content decides, then the entry goes.

use std::sync::Arc;

use super::fields::{Fields, drift};
use super::mark::{Mark, whose};
use super::owner::Owner;
use crate::domain::ensure::{Drift, Facts, HolderId, Observation, Ours, Seen, Standing, Stop};

/// A wanted item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemSpec {
    /// The database.
    pub database: String,
    /// The container.
    pub container: String,
    /// The partition key's value as canonical text.
    pub partition: String,
    /// The item's id in its partition.
    pub id: String,
    /// In whose name it is created.
    pub owner: Owner,
    /// The wanted top-level properties.
    pub fields: Fields,
    /// Whether an item that nobody marked is taken over.
    pub adopt: bool,
}

/// A version of an item, from a region or out of the conflict feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemRow {
    /// Its id.
    pub id: String,
    /// Its ETag.
    pub version: String,
    /// Its mark.
    pub mark: Option<Mark>,
    /// Its top-level properties.
    pub fields: Fields,
    /// The whole of it, to be changed and written back.
    pub content: Arc<str>,
}

/// What one region shows of the wanted id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum View {
    /// This version.
    Shows(ItemRow),
    /// Nothing.
    Absent,
    /// It has not yet seen what we wrote elsewhere (404 with sub-status 1002).
    Behind,
    /// It could not be asked; why.
    Unseen(String),
}

/// An entry of the conflict feed about the wanted id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedEntry {
    /// Its id in the feed.
    pub id: String,
    /// The version that does not stand; `None` after a delete.
    pub item: Option<ItemRow>,
}

/// A thing of this kind, named so that the item always sorts before entries of the feed: what
/// stands survives, what lies in the feed goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Thing {
    /// The item itself, or another one in its partition.
    Item(String),
    /// An entry of the conflict feed.
    Entry(String),
}

impl Thing {
    /// The id for the engine.
    pub fn holder(&self) -> HolderId {
        match self {
            Self::Item(id) => HolderId::new(format!("doc:{id}")),
            Self::Entry(id) => HolderId::new(format!("feed:{id}")),
        }
    }

    /// Reads an id of ours.
    pub fn of(holder: &HolderId) -> Option<Self> {
        let text = holder.as_str();
        let item = text
            .strip_prefix("doc:")
            .map(|id| Self::Item(id.to_owned()));
        item.or_else(|| Some(Self::Entry(text.strip_prefix("feed:")?.to_owned())))
    }
}

/// Whether all regions show the same. One that could not be asked says nothing.
pub fn agree(views: &[View]) -> bool {
    let mut versions = views.iter().filter_map(|view| match view {
        View::Shows(row) => Some(Some(&row.version)),
        View::Absent => Some(None),
        View::Behind | View::Unseen(_) => None,
    });
    let behind = views.iter().any(|view| matches!(view, View::Behind));
    let first = versions.next();
    !behind && versions.all(|version| Some(version) == first)
}

impl ItemSpec {
    /// The natural key.
    pub fn key(&self) -> String {
        let (database, container) = (&self.database, &self.container);
        format!(
            "cosmos/{database}/{container}/{}/{}",
            self.partition, self.id
        )
    }

    /// What the engine must know. An id is exclusive in its partition, but only region by region.
    pub fn facts(&self) -> Facts {
        Facts {
            exclusive: true,
            collapse: true,
            ..Facts::default()
        }
    }

    /// What all regions, the feed and the search for unique values show together. `others`: items
    /// with another id that hold a value which must be unique.
    pub fn judge(&self, views: &[View], feed: &[FeedEntry], others: &[ItemRow]) -> Observation {
        let standing = if agree(views) {
            Standing::Live
        } else {
            Standing::BeingMade
        };
        let shown = views.iter().find_map(|view| match view {
            View::Shows(row) => Some(row),
            _ => None,
        });
        let mut holders = Vec::new();
        if let Some(row) = shown {
            let seen = Seen {
                standing,
                ..self.seen(row)
            };
            let ours = seen.ours == Ours::ByRule;
            holders.push(seen);
            if ours && standing == Standing::Live {
                holders.extend(feed.iter().filter_map(|entry| self.surplus(entry)));
            }
        } else {
            holders.extend(others.iter().map(|row| Seen {
                ours: Ours::Foreign,
                ..self.seen(row)
            }));
        }
        Observation {
            holders,
            missing: unseen(views, shown.is_some()),
        }
    }

    /// What is seen of one version.
    pub fn seen(&self, row: &ItemRow) -> Seen {
        let mark = row.mark.as_ref();
        let (ours, drift) = match whose(mark, &self.owner) {
            Ours::ByRule => (Ours::ByRule, drift(&self.fields, &row.fields)),
            // Taking over writes the mark, whatever else differs.
            Ours::Unknown if self.adopt => (Ours::ByRule, self.drift_and_mark(row)),
            other => (other, Drift::None),
        };
        Seen {
            id: Thing::Item(row.id.clone()).holder(),
            ours,
            token: mark.map(|mark| mark.token.clone()),
            version: Some(row.version.clone()),
            drift,
            standing: Standing::Live,
            content: Some(Arc::clone(&row.content)),
        }
    }

    fn drift_and_mark(&self, row: &ItemRow) -> Drift {
        let mut names = super::fields::differing(&self.fields, &row.fields);
        names.push("the mark".to_owned());
        Drift::Patchable(names)
    }

    /// An entry of the feed whose version carries our mark: it lost, and the wanted content
    /// stands or will. Others' entries, and deletes, which carry no mark, are for their owners.
    fn surplus(&self, entry: &FeedEntry) -> Option<Seen> {
        let mark = entry.item.as_ref()?.mark.as_ref()?;
        (mark.owner == self.owner).then(|| Seen {
            id: Thing::Entry(entry.id.clone()).holder(),
            ours: Ours::ByRule,
            token: Some(mark.token.clone()),
            version: None,
            drift: Drift::None,
            standing: Standing::Live,
            content: None,
        })
    }

    /// What a person should do where the engine gave up.
    pub fn instruction(&self, stop: Stop) -> Option<String> {
        let (id, container) = (&self.id, &self.container);
        match stop {
            Stop::Foreign => Some(format!(
                "Item {id} in {container}, or a value that must be unique there, is held by another owner. With several write regions ours may have been dropped by last-writer-wins without a trace. \
                 Choose another id or value, or let one owner write only."
            )),
            Stop::Unproven => Some(format!(
                "Item {id} stands in {container} without a mark. Set adopt = true if it is to be taken over; its other properties are kept."
            )),
            Stop::Invisible => Some(format!(
                "{container} says that the id or a unique value of item {id} is taken, and no region shows the holder. \
                 Look for it in the data explorer, in every region and with the values of the container's unique keys."
            )),
            Stop::Timeout => Some(format!(
                "The regions do not agree about item {id}. Look at the account's replication, then run ensure again."
            )),
            _ => None,
        }
    }
}

/// Why the look is not whole: a region could not be asked, or none shows what we wrote.
fn unseen(views: &[View], shown: bool) -> Option<String> {
    let words = views.iter().enumerate().filter_map(|(number, view)| {
        let region = number + 1;
        match view {
            View::Unseen(why) => Some(format!("region {region} could not be asked: {why}")),
            View::Behind if !shown => Some(format!("region {region} has not seen our write yet")),
            _ => None,
        }
    });
    let all: Vec<_> = words.collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(adopt: bool) -> ItemSpec {
        ItemSpec {
            database: "d".into(),
            container: "c".into(),
            partition: "\"p\"".into(),
            id: "a".into(),
            owner: Owner::parse("us").unwrap(),
            fields: Fields::from([("n".into(), "1".into())]),
            adopt,
        }
    }

    fn row(version: &str, mark: &str) -> ItemRow {
        ItemRow {
            id: "a".into(),
            version: version.into(),
            mark: Mark::parse(mark),
            fields: Fields::from([("n".into(), "1".into())]),
            content: "{}".into(),
        }
    }

    const OURS: &str = "evergraph/us/t";
    const THEIRS: &str = "evergraph/them/t";

    #[track_caller]
    fn check_standing(views: &[View], want: Option<Standing>) {
        let seen = spec(false).judge(views, &[], &[]);
        assert_eq!(seen.holders.first().map(|one| one.standing), want);
    }

    #[test]
    fn an_item_stands_when_every_region_shows_the_same_version() {
        let shows = |version| View::Shows(row(version, OURS));
        check_standing(&[shows("1"), shows("1")], Some(Standing::Live));
        check_standing(&[shows("1"), shows("2")], Some(Standing::BeingMade));
        check_standing(&[shows("1"), View::Absent], Some(Standing::BeingMade));
        check_standing(&[View::Absent, shows("1")], Some(Standing::BeingMade));
        check_standing(&[shows("1"), View::Behind], Some(Standing::BeingMade));
        check_standing(&[View::Absent, View::Absent], None);
    }

    #[test]
    fn a_region_that_could_not_be_asked_makes_the_look_incomplete() {
        let views = [View::Absent, View::Unseen("no answer".into())];
        assert!(spec(false).judge(&views, &[], &[]).missing.is_some());
        let views = [View::Behind, View::Behind];
        assert!(spec(false).judge(&views, &[], &[]).missing.is_some());
        let views = [View::Absent, View::Absent];
        assert_eq!(spec(false).judge(&views, &[], &[]).missing, None);
    }

    #[test]
    fn an_entry_of_the_feed_is_surplus_only_with_our_mark_and_beside_our_item() {
        let entry = |id: &str, mark| FeedEntry {
            id: id.into(),
            item: Some(row("9", mark)),
        };
        let deleted = FeedEntry {
            id: "3".into(),
            item: None,
        };
        let feed = [entry("1", OURS), entry("2", THEIRS), deleted];
        let ids = |mark| {
            let views = [View::Shows(row("1", mark)), View::Shows(row("1", mark))];
            let seen = spec(false).judge(&views, &feed, &[]).holders;
            seen.iter()
                .map(|one| one.id.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(OURS), ["doc:a", "feed:1"]);
        assert_eq!(ids(THEIRS), ["doc:a"]);
    }

    #[test]
    fn what_nobody_marked_is_taken_over_only_where_that_is_wished() {
        let views = [View::Shows(row("1", ""))];
        let seen = spec(false).judge(&views, &[], &[]).holders;
        assert_eq!(seen[0].ours, Ours::Unknown);
        let seen = spec(true).judge(&views, &[], &[]).holders;
        assert_eq!(seen[0].ours, Ours::ByRule);
        assert_eq!(seen[0].drift, Drift::Patchable(vec!["the mark".into()]));
        let views = [View::Shows(row("1", THEIRS))];
        let seen = spec(true).judge(&views, &[], &[]).holders;
        assert_eq!(seen[0].ours, Ours::Foreign);
    }

    #[test]
    fn another_item_with_our_unique_value_is_foreign() {
        let other = ItemRow {
            id: "b".into(),
            ..row("1", OURS)
        };
        let seen = spec(false).judge(&[View::Absent], &[], &[other]).holders;
        assert_eq!(seen[0].ours, Ours::Foreign);
        assert_eq!(Thing::of(&seen[0].id), Some(Thing::Item("b".into())));
    }
}
