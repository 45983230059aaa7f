//! Time, load, and a world that is not ready.

use std::sync::Arc;
use std::time::Duration;

use crate::fixture::*;
use evergraph::app::intake::Route;
use evergraph::domain::governor::Treatment;
use evergraph::domain::notification::refusal::{Delay, Refusal};
use evergraph::domain::notification::roster::Roster;
use proptest::prelude::*;

#[tokio::test(start_paused = true)]
async fn beyond_the_deadline_graph_is_asked_to_send_again() {
    let world = world();
    *world.sink.takes.lock().unwrap() = Duration::from_secs(60);
    let begun = tokio::time::Instant::now();
    let mut forged = message(INBOX, 2);
    forged["clientState"] = "x".into();
    let answer = world.post(&[message(INBOX, 1), forged]).await;
    check(&answer, "503 0w 0r 0x deadline");
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert_eq!(
        world.refused(Refusal::ForeignClientState),
        1,
        "counted always"
    );
    *world.sink.takes.lock().unwrap() = Duration::ZERO;
    check(&world.post(&[message(INBOX, 1)]).await, "202 1w 0r 0x");
}

#[tokio::test(start_paused = true)]
async fn load_above_capacity_is_turned_away_before_any_work() {
    let world = world_with(|config| config.requests_at_once = 2);
    let one = world.intake.admit().unwrap();
    let two = world.intake.admit().unwrap();
    assert!(world.intake.admit().is_none());
    drop(one);
    assert!(world.intake.admit().is_some());
    drop(two);
    let figures = world.intake.figures();
    assert_eq!(figures.delayed.get(&Delay::Capacity), Some(&1));
}

#[tokio::test]
async fn nothing_is_refused_before_the_declaration_is_known() {
    let world = world();
    let untold = untold();
    check(
        &untold.post(&[message(INBOX, 1)]).await,
        "503 0w 0r 0x declaration_not_read",
    );
    world.intake.declare(Roster::empty());
    check(&world.post(&[message(INBOX, 1)]).await, "202 1w 0r 0x");
    assert!(world.events()[0].get("subscription").is_none());
}

#[tokio::test]
async fn without_a_clock_nothing_is_settled() {
    let world = world();
    *world.clock.0.lock().unwrap() = None;
    check(
        &world.post(&[message(INBOX, 1)]).await,
        "503 0w 0r 0x no_clock",
    );
}

#[tokio::test(start_paused = true)]
async fn our_own_answers_are_measured_by_the_rules_of_graph() {
    let world = world_with(|config| config.deadline = Duration::from_secs(20));
    let now = world.clock.0.lock().unwrap().unwrap();
    for number in 0..9 {
        world.post(&[message(INBOX, number)]).await;
    }
    assert_eq!(world.intake.standing(now).treatment, Treatment::Prompt);
    *world.sink.takes.lock().unwrap() = Duration::from_secs(4);
    world.post(&[message(INBOX, 9)]).await;
    let standing = world.intake.standing(now);
    assert_eq!(
        standing.treatment,
        Treatment::Prompt,
        "10 % is not more than 10 %"
    );
    assert_eq!(standing.left_until_slow, 1);
    world.post(&[message(INBOX, 10)]).await;
    assert_eq!(world.intake.standing(now).treatment, Treatment::Slow);
    assert_eq!(world.intake.answers(now).0.over_slow, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_body_makes_the_intake_panic_or_write(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "[\\[\\]{}\",:a-zA-Z0-9\\\\ ]{0,200}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = world();
            for body in [&bytes[..], text.as_bytes()] {
                let admission = world.intake.admit().unwrap();
                world.intake.receive(admission, Route::Notifications, body).await;
            }
            let wrapped = format!("{{\"value\":[{text}]}}");
            world.post_text(Route::Lifecycle, &wrapped).await;
            assert!(world.events().is_empty());
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_lose_and_double_nothing() {
    let world = Arc::new(world());
    for turn in 0..10 {
        world.sink.failures.lock().unwrap().push_back(turn % 3 == 0);
    }
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8_u32 {
        let world = Arc::clone(&world);
        senders.spawn(async move {
            // Neighbours send overlapping items, and every sender repeats until it is heard.
            let items: Vec<_> = (sender..sender + 5).map(|n| message(INBOX, n)).collect();
            while !short(&world.post(&items).await).starts_with("202") {
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(done) = senders.join_next().await {
        done.unwrap();
    }
    let mut subjects: Vec<_> = world
        .events()
        .iter()
        .map(|event| event["subject"].as_str().unwrap().to_owned())
        .collect();
    subjects.sort();
    let all = subjects.len();
    subjects.dedup();
    assert_eq!((all, subjects.len()), (12, 12));
}
