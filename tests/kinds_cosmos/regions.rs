//! Two regions that both take writes, and meet later.

use evergraph::domain::ensure::{Outcome, Stop};
use evergraph::sim::services::Mishap;
use evergraph::sim::services::cosmos::{Setup, words};

use super::bed::{ID, PARTITION, bed, by_number, custom, lagging, marked, spec};
use super::kinds::{check_done, check_gave_up, check_rule, run, story};

#[tokio::test(start_paused = true)]
async fn an_item_stands_only_when_both_regions_show_it() {
    let bed = bed(lagging()).await;
    let account = run(1, &bed.both(1)).await;
    check_done(&account, Outcome::Created);
    let took = account.steps.last().unwrap().at;
    assert!(took.as_secs() >= 2, "{took:?}");
    assert_eq!(bed.item(1)["n"], 1);
    check_done(&run(2, &bed.both(1)).await, Outcome::Unchanged);
    assert_eq!(bed.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_waited_for_in_the_other_region() {
    let bed = bed(lagging()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    bed.cosmos.replicate();
    check_done(&run(1, &bed.both(2)).await, Outcome::Patched);
    assert_eq!(bed.item(1)["n"], 2);
}

#[tokio::test(start_paused = true)]
async fn regions_that_never_agree_end_in_a_time_out_without_another_write() {
    let bed = bed(Setup::default()).await;
    let account = run(1, &bed.both(1)).await;
    let told = check_gave_up(&account, Stop::Timeout);
    assert!(told.contains("regions"), "{told}");
    assert_eq!(bed.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_other_region_shows_is_not_created_again_here() {
    let bed = bed(lagging()).await;
    // Another process of ours, in the other region, a moment ago.
    bed.cosmos.put(1, &marked("evergraph/us/other-run", 1));
    check_done(&run(1, &bed.both(1)).await, Outcome::Unchanged);
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn last_writer_wins_drops_our_item_without_a_409_and_the_run_sees_it() {
    let bed = bed(by_number()).await;
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("create item", move || {
        cosmos.put(1, &marked("evergraph/them/t", 9));
    });
    let account = run(1, &bed.both(1)).await;
    let told = check_gave_up(&account, Stop::Foreign);
    assert!(told.contains("last-writer-wins"), "{told}");
    // The create was answered 201, and no call ever told of the conflict.
    assert_eq!(bed.writes(), [("create item".to_owned(), Some(201))]);
    assert_eq!(bed.cosmos.conflicts(), 0);
    let dropped = bed.cosmos.dropped();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].as_ref().unwrap()["n"], 1);
    assert_eq!(bed.item(0)["n"], 9);
}

#[tokio::test(start_paused = true)]
async fn two_processes_in_two_regions_end_with_one_item_whoever_wins() {
    let bed = bed(by_number()).await;
    let here = bed.kind(&[0, 1], spec("us", 1));
    let there = bed.kind(&[1, 0], spec("us", 1));
    let (left, right) = tokio::join!(run(1, &here), run(2, &there));
    assert!(left.is_done(), "{}", story(&left));
    assert!(right.is_done(), "{}", story(&right));
    bed.cosmos.replicate();
    assert_eq!(bed.item(0), bed.item(1));
    assert_eq!(bed.item(0)["n"], 1);
}

#[tokio::test(start_paused = true)]
async fn in_custom_mode_our_own_loser_is_found_in_the_feed_and_cleared() {
    let bed = bed(custom()).await;
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("create item", move || {
        cosmos.put(1, &marked("evergraph/us/other-run", 7));
    });
    let account = run(1, &bed.both(1)).await;
    check_done(&account, Outcome::Collapsed(1));
    assert_eq!(bed.cosmos.conflicts(), 0);
    assert_eq!(bed.item(1)["n"], 1);
    let deleted = ("delete conflict".to_owned(), Some(204));
    assert!(bed.writes().contains(&deleted), "{:?}", bed.writes());
}

#[tokio::test(start_paused = true)]
async fn in_custom_mode_the_wanted_content_is_written_over_an_older_one_that_stands() {
    let bed = bed(custom()).await;
    // The hub holds an older content of ours, the wanted one lost and lies in the feed.
    bed.cosmos.put(0, &marked("evergraph/us/old", 5));
    bed.cosmos.put(1, &marked("evergraph/us/new", 1));
    bed.cosmos.replicate();
    let account = run(1, &bed.both(1)).await;
    assert!(account.is_done(), "{}", story(&account));
    assert_eq!(bed.item(0)["n"], 1);
    assert_eq!(bed.item(1)["n"], 1);
    assert_eq!(bed.cosmos.conflicts(), 0);
}

#[tokio::test(start_paused = true)]
async fn in_custom_mode_what_others_lost_stays_in_the_feed() {
    let bed = bed(custom()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    bed.cosmos.put(1, &marked("evergraph/them/t", 7));
    bed.cosmos.replicate();
    check_done(&run(1, &bed.both(1)).await, Outcome::Unchanged);
    assert!(bed.writes().is_empty());
    assert_eq!(bed.cosmos.conflicts(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_custom_mode_a_foreign_item_that_stands_keeps_our_loser_where_it_is() {
    let bed = bed(custom()).await;
    bed.cosmos.put(0, &marked("evergraph/them/t", 7));
    bed.cosmos.put(1, &marked("evergraph/us/t", 1));
    bed.cosmos.replicate();
    check_gave_up(&run(1, &bed.both(1)).await, Stop::Foreign);
    assert!(bed.writes().is_empty());
    assert_eq!(bed.cosmos.conflicts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_elsewhere_beats_our_change_and_the_item_is_created_anew_only_after_a_look() {
    let bed = bed(by_number()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    bed.cosmos.replicate();
    let cosmos = bed.cosmos.clone();
    bed.cosmos.meanwhile("replace item", move || {
        cosmos.remove(1, PARTITION, ID);
    });
    let account = run(1, &bed.both(2)).await;
    assert!(account.is_done(), "{}", story(&account));
    assert_eq!(bed.item(0)["n"], 2);
    assert_eq!(bed.item(1)["n"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_to_the_next_region_where_the_first_takes_none() {
    let setup = Setup {
        multi_write: false,
        ..lagging()
    };
    let bed = bed(setup).await;
    let account = run(1, &bed.kind(&[1, 0], spec("us", 1))).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "cosmos/write-region-moved");
    let statuses: Vec<_> = bed.writes().into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [Some(403), Some(201)]);
}

#[tokio::test(start_paused = true)]
async fn without_the_other_region_nothing_is_created() {
    let bed = bed(lagging()).await;
    let kind = bed.both(1);
    bed.regions[1].stop();
    tokio::task::yield_now().await;
    check_gave_up(&run(1, &kind).await, Stop::Incomplete);
    assert!(bed.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_region_is_not_asked_before_its_time() {
    let bed = bed(lagging()).await;
    // The read of the second region: no outage that could be passed over, but a demand to wait.
    let many = Mishap::Answer(words::too_many(3_000));
    bed.cosmos.plan_after(1, "read item", many);
    let account = run(1, &bed.both(1)).await;
    check_done(&account, Outcome::Created);
    check_rule(&account, "cosmos/request-rate");
}
