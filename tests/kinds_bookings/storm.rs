//! Everything at once: two processes, lost calls, failed answers, a lagging list, people in the
//! portal. Whatever happens, one of ours stands in the end, and nothing of others was touched.

use evergraph::app::ensure::Terms;
use evergraph::domain::ensure::kinds::bookings::Role;
use evergraph::ports::ensure::Kind;
use evergraph::sim::services::bookings::{Manners, Person};
use evergraph::sim::services::{Mishap, Reply};

use super::bed::{ANN, Bed, EVE, bed};
use super::kinds::{engine, story};

fn mishap(rng: &mut fastrand::Rng) -> Mishap {
    let unknown = Reply::text(500, r#"{"error":{"code":"UnknownError","message":""}}"#);
    let busy = r#"{"error":{"code":"TooManyRequests","message":"Please retry again later."}}"#;
    match rng.u8(0..6) {
        0 => Mishap::LoseBefore,
        1 => Mishap::LoseAfter,
        2 => Mishap::Answer(unknown),
        3 => Mishap::AnswerAfter(unknown),
        4 => Mishap::Answer(Reply::text(503, "")),
        _ => Mishap::Answer(Reply::text(429, busy).header("retry-after", "3")),
    }
}

fn plan(bed: &Bed, thing: &str, rng: &mut fastrand::Rng) {
    bed.bookings.set_manners(Manners {
        page_rows: rng.usize(1..4),
        list_lag: rng.u32(0..3),
    });
    for _ in 0..rng.u8(2..7) {
        let verb = *["list", "create", "update", "delete", "read"]
            .get(rng.usize(0..5))
            .unwrap();
        let skip = rng.u32(0..2);
        let operation = format!("{verb} {thing}");
        bed.bookings.plan_after(skip, &operation, mishap(rng));
    }
}

/// Two stormy runs at once, then quiet ones: the first of them mends, the next writes nothing.
async fn weather(bed: &Bed, seed: u64, kinds: [&dyn Kind; 4]) {
    let terms = Terms::default();
    let (one, two) = (engine(1), engine(2));
    tokio::join!(one.run(kinds[0], terms), two.run(kinds[1], terms));
    bed.bookings.forget_plans();
    let mended = engine(3).run(kinds[2], terms).await;
    assert!(mended.is_done(), "seed {seed}:\n{}", story(&mended));
    let before = bed.writes().len();
    let last = engine(4).run(kinds[3], terms).await;
    assert!(last.is_done(), "seed {seed}:\n{}", story(&last));
    assert_eq!(bed.writes().len(), before, "seed {seed}:\n{}", story(&last));
}

fn named(people: &[Person], address: &str) -> usize {
    let about = |one: &&Person| one.text("emailAddress") == address;
    people.iter().filter(about).count()
}

#[tokio::test(start_paused = true)]
async fn after_any_storm_one_staff_member_stands_and_others_are_as_they_were() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let bed = bed().await;
        let portal = bed.portal();
        let boss = "boss@contoso.com";
        portal.add_staff(boss, "Boss", "administrator").unwrap();
        if rng.bool() {
            portal.add_staff(ANN, "Ann O.", "viewer").unwrap();
        }
        plan(&bed, "staff", &mut rng);
        let kinds = [(); 4].map(|()| bed.staff(Role::Member, "Ann"));
        weather(&bed, seed, kinds.each_ref().map(|kind| kind as &dyn Kind)).await;
        let all = bed.portal().staff();
        assert_eq!(named(&all, ANN), 1, "seed {seed}");
        assert_eq!(all[0].text("displayName"), "Boss", "seed {seed}");
        assert_eq!(all[0].text("role"), "administrator", "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_any_storm_one_customer_of_ours_stands_and_others_are_as_they_were() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let bed = bed().await;
        bed.portal()
            .add_customer("other@x.example", "Other")
            .unwrap();
        // Ours from an earlier run, sometimes twice.
        for run in 0..rng.u8(0..3) {
            let id = bed.portal().add_customer(EVE, "Eve from before").unwrap();
            let mark = format!("evergraph/us/{run}");
            let marked = serde_json::json!({"addresses": [{"postOfficeBox": mark}]});
            bed.portal().edit(&id, &marked).unwrap();
        }
        plan(&bed, "customer", &mut rng);
        let kinds = [(); 4].map(|()| bed.customer("us", "Eve"));
        weather(&bed, seed, kinds.each_ref().map(|kind| kind as &dyn Kind)).await;
        let all = bed.portal().customers();
        assert_eq!(named(&all, EVE), 1, "seed {seed}");
        assert_eq!(all[0].text("displayName"), "Other", "seed {seed}");
    }
}
