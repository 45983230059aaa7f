//! The runner of the ensure engine: over a pretended kind, under paused time.

#![allow(clippy::unwrap_used, reason = "test file")]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use evergraph::app::ensure::{Account, Ended, Ensure, Terms};
use evergraph::app::instruments::{Instruments, Met};
use evergraph::domain::conflict::{Answer, Operation, Service};
use evergraph::domain::ensure::{
    Drift, Ending, Facts, Failure, GiveUp, HolderId, Move, Observation, Outcome, Seen, Stop, Token,
    Told,
};
use evergraph::ports::dice::Dice;
use evergraph::ports::ensure::{Entry, Journal, JournalError, Kind};
use evergraph::ports::ids::UniqueIds;

struct Fixed;

impl Dice for Fixed {
    fn per_mille(&self) -> u16 {
        500
    }
}

struct Counting(AtomicU64);

impl UniqueIds for Counting {
    fn next(&self) -> u128 {
        self.0.fetch_add(1, Ordering::Relaxed).into()
    }
}

/// Remembers lines; fails where told to.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    fails: bool,
}

#[async_trait]
impl Journal for Lines {
    async fn record(&self, entry: Entry<'_>) -> Result<(), JournalError> {
        let before = entry.before.map(|next| format!(" | {}", next.verb()));
        let line = format!("{}{}", entry.step, before.unwrap_or_default());
        self.lines.lock().unwrap().push(line);
        match self.fails {
            true => Err(JournalError("the disk is full".to_owned())),
            false => Ok(()),
        }
    }
}

/// Some things with one key, and how often each call was made.
struct Shelf {
    things: Mutex<Vec<Seen>>,
    refuses: Option<(u16, &'static str)>,
    slow: Duration,
    inside: AtomicU32,
    most: AtomicU32,
    writes: AtomicU32,
}

impl Shelf {
    fn with(things: Vec<Seen>) -> Self {
        Self {
            things: Mutex::new(things),
            refuses: None,
            slow: Duration::from_millis(100),
            inside: AtomicU32::new(0),
            most: AtomicU32::new(0),
            writes: AtomicU32::new(0),
        }
    }

    async fn enter(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        tokio::time::sleep(self.slow).await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.things.lock().unwrap().len()
    }
}

#[async_trait]
impl Kind for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn key(&self) -> String {
        "one".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        (reason == Stop::Foreign).then(|| "Open the portal.".to_owned())
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        self.enter().await;
        let things = self.things.lock().unwrap().clone();
        Ok(Told::new(Observation::complete(things)))
    }

    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        let things = self.things.lock().unwrap();
        Ok(Told::new(things.iter().find(|one| one.id == *id).cloned()))
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        self.enter().await;
        self.wrote();
        if let Some((status, body)) = self.refuses {
            let answer = Answer {
                service: Service::GraphSubscriptions,
                operation: Operation::Create,
                status,
                headers: &[],
                body: body.as_bytes(),
            };
            return Err(Failure::of(&answer, false, Some("r-7".to_owned())));
        }
        let seen = Seen {
            token: Some(token.clone()),
            ..Seen::ours("new")
        };
        self.things.lock().unwrap().push(seen.clone());
        Ok(Told::new(seen))
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        self.wrote();
        let mut things = self.things.lock().unwrap();
        let thing = things.iter_mut().find(|one| one.id == seen.id).unwrap();
        thing.drift = Drift::None;
        Ok(Told::new(thing.clone()))
    }

    async fn delete(&self, seen: &Seen) -> Result<Told<()>, Failure> {
        self.wrote();
        self.things.lock().unwrap().retain(|one| one.id != seen.id);
        Ok(Told::new(()))
    }
}

async fn run(shelf: &Shelf, journal: Arc<Lines>, terms: Terms) -> Account {
    let ids = Arc::new(Counting(AtomicU64::new(1)));
    Ensure::new(journal, Arc::new(Fixed), ids)
        .run(shelf, terms)
        .await
}

#[track_caller]
fn check_done(account: &Account, want: Outcome) {
    match &account.ended {
        Ended::Over(Ending::Done { outcome, .. }) => assert_eq!(*outcome, want),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn gave_up(account: &Account) -> &GiveUp {
    match &account.ended {
        Ended::Over(Ending::GaveUp(up)) => up,
        other => panic!("{other:?}"),
    }
}

fn rehearsal() -> Terms {
    Terms {
        rehearse: true,
        ..Terms::default()
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_for_one_key_create_one_thing() {
    let shelf = Shelf::with(Vec::new());
    let ids = Arc::new(Counting(AtomicU64::new(1)));
    let ensure = Ensure::new(Arc::new(Lines::default()), Arc::new(Fixed), ids);
    let (first, second) = tokio::join!(
        ensure.run(&shelf, Terms::default()),
        ensure.run(&shelf, Terms::default())
    );
    check_done(&first, Outcome::Created);
    check_done(&second, Outcome::Unchanged);
    assert_eq!(shelf.count(), 1);
    assert_eq!(shelf.most.load(Ordering::SeqCst), 1, "calls overlapped");
    assert_ne!(first.token, second.token);
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_stops_before_the_first_write_and_says_what_it_would_do() {
    let shelf = Shelf::with(Vec::new());
    let account = run(&shelf, Arc::default(), rehearsal()).await;
    assert!(matches!(account.ended, Ended::Would(Move::Create { .. })));
    assert!(!account.is_done());
    assert_eq!(shelf.writes.load(Ordering::SeqCst), 0);
    let there = Shelf::with(vec![Seen::ours("a")]);
    let account = run(&there, Arc::default(), rehearsal()).await;
    check_done(&account, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_written_down_before_it_is_sent() {
    let shelf = Shelf::with(vec![Seen::ours("b"), Seen::ours("a")]);
    let journal = Arc::new(Lines::default());
    let account = run(&shelf, Arc::clone(&journal), Terms::default()).await;
    check_done(&account, Outcome::Collapsed(1));
    assert_eq!(shelf.things.lock().unwrap()[0].id, HolderId::new("a"));
    let lines = journal.lines.lock().unwrap();
    let delete = "| delete b, a duplicate of a";
    assert_eq!(lines.iter().filter(|line| line.contains(delete)).count(), 1);
    assert_eq!(lines.len(), account.steps.len());
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_blocks_deletes_and_nothing_else() {
    let journal = || {
        Arc::new(Lines {
            fails: true,
            ..Lines::default()
        })
    };
    let two = Shelf::with(vec![Seen::ours("b"), Seen::ours("a")]);
    let account = run(&two, journal(), Terms::default()).await;
    assert_eq!(gave_up(&account).reason, Stop::NotRecorded);
    assert_eq!(two.count(), 2);
    assert_eq!(account.journal.as_deref(), Some("the disk is full"));
    let drifting = Seen {
        drift: Drift::Patchable(vec!["size".to_owned()]),
        ..Seen::ours("a")
    };
    let account = run(&Shelf::with(vec![drifting]), journal(), Terms::default()).await;
    check_done(&account, Outcome::Patched);
    let account = run(&Shelf::with(Vec::new()), journal(), Terms::default()).await;
    check_done(&account, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_end_is_like_one_without_reply() {
    let mut shelf = Shelf::with(Vec::new());
    shelf.slow = Duration::from_secs(3_600);
    let account = run(&shelf, Arc::default(), Terms::default()).await;
    assert_eq!(gave_up(&account).reason, Stop::Busy);
}

const HELD: &str = r#"{"error":{"code":"ObjectIdentifierInUse","message":"Subscription Id 7d9c0b5e-3f1a-4f5e-9a55-6f3a8f1f2a10 already exists for the requested combination"}}"#;

#[tokio::test(start_paused = true)]
async fn a_holder_that_the_service_names_is_read_and_left_alone_if_foreign() {
    let id = "7d9c0b5e-3f1a-4f5e-9a55-6f3a8f1f2a10";
    let mut shelf = Shelf::with(Vec::new());
    shelf.refuses = Some((409, HELD));
    let account = run(&shelf, Arc::default(), Terms::default()).await;
    assert_eq!(gave_up(&account).reason, Stop::Invisible);
    let step = account
        .steps
        .iter()
        .find(|one| one.evidence.cause.is_some());
    let evidence = &step.unwrap().evidence;
    assert_eq!(evidence.holder, Some(HolderId::new(id)));
    assert_eq!(evidence.request_id.as_deref(), Some("r-7"));
    assert_eq!(
        evidence.rule,
        Some("graph-subscriptions/object-identifier-in-use")
    );
}

#[track_caller]
fn check_counted(account: &Account, outcome: &str, rest: Instruments) {
    let met = Met {
        service: "graph-subscriptions".to_owned(),
        cause: "AlreadyExists".to_owned(),
        remedy: "AdoptExisting".to_owned(),
        outcome: outcome.to_owned(),
        count: 1,
    };
    let wanted = Instruments {
        conflicts: vec![met],
        ..rest
    };
    assert_eq!(Instruments::of_ensure(account), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_run_counts_the_conflict_that_it_met_once_and_how_it_ended() {
    let mut shelf = Shelf::with(Vec::new());
    shelf.refuses = Some((409, HELD));
    let mut account = run(&shelf, Arc::default(), Terms::default()).await;
    check_counted(&account, "escalated", Instruments::default());
    let mut spent = gave_up(&account).clone();
    spent.reason = Stop::Spent;
    account.ended = Ended::Over(Ending::GaveUp(spent));
    let rest = Instruments {
        budget_exhausted: 1,
        ..Instruments::default()
    };
    check_counted(&account, "open", rest);
    account.ended = Ended::Over(Ending::Done {
        outcome: Outcome::Adopted,
        id: HolderId::new("a"),
    });
    let rest = Instruments {
        adopted_after_conflict: 1,
        ..Instruments::default()
    };
    check_counted(&account, "adopted", rest);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_conflicts_counts_surplus_that_it_removed() {
    let doubled = Shelf::with(vec![Seen::ours("b"), Seen::ours("a"), Seen::ours("c")]);
    let account = run(&doubled, Arc::default(), Terms::default()).await;
    let wanted = Instruments {
        silent_duplicates: 2,
        ..Instruments::default()
    };
    assert_eq!(Instruments::of_ensure(&account), wanted);
    let alone = Shelf::with(vec![Seen::ours("a")]);
    let account = run(&alone, Arc::default(), Terms::default()).await;
    assert!(Instruments::of_ensure(&account).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_next_step_is_told_in_the_words_of_the_kind() {
    let theirs = Seen {
        ours: evergraph::domain::ensure::Ours::Foreign,
        ..Seen::ours("x")
    };
    let account = run(&Shelf::with(vec![theirs]), Arc::default(), Terms::default()).await;
    let up = gave_up(&account);
    assert_eq!(
        (up.reason, up.next_step.as_str()),
        (Stop::Foreign, "Open the portal.")
    );
}

#[track_caller]
fn check_shape(claimed: &str, good: bool) {
    let shelf = Shelf::with(Vec::new());
    assert_eq!(shelf.holder_id(claimed).is_some(), good, "{claimed:?}");
}

#[test]
fn an_id_from_a_body_is_believed_only_in_a_plain_shape() {
    check_shape("7d9c0b5e-3f1a-4f5e-9a55-6f3a8f1f2a10", true);
    for bad in [
        "",
        "../x",
        "a/b",
        "a?b",
        "https://x",
        "a b",
        &"a".repeat(129),
    ] {
        check_shape(bad, false);
    }
}
