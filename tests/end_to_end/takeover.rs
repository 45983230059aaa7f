//! Two handlers over one state: the one whose lease was taken over cannot write.

use std::time::Duration;

use evergraph::devhost::RunningHost;
use evergraph::sim::faults::{Effect, Rule};
use evergraph::sim::request::Op;
use evergraph::sim::settings::Settings;
use jiff::SignedDuration;
use serde_json::json;
use tokio::time::Instant;

use crate::bed::{Bed, pid_of, renew, signal};
use crate::door::{Door, Seen};
use crate::passes::{self, Ended};
use crate::place::Place;

const COUNT: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_holders_write_is_refused_by_files() {
    takeover(None, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_holders_write_is_refused_by_blobs() {
    let Some(place) = Place::azurite("a_stale_holders_write_is_refused_by_blobs") else {
        return;
    };
    let Place::Container(url) = &place else {
        panic!("Azurite holds containers");
    };
    let door = Door::before(url).await;
    takeover(Some(place), Some(door)).await;
}

async fn takeover(place: Option<Place>, door: Option<Door>) {
    let switches = Settings::default()
        .patched(json!({"latency": {"min_ms": 20, "max_ms": 40}, "duplicates": {"silent": true}}))
        .unwrap();
    let mut bed = Bed::new("a takeover", COUNT, switches, place).await;
    // Long enough that it still stands when the second one first asks, on a busy machine too.
    bed.lease = bed.lease.max(Duration::from_secs(4));
    let direct = bed.place.setting();
    if let Some(door) = &door {
        bed.set("EVERGRAPH_STATE", &door.url);
    }
    let first = bed.host("first").await;
    bed.set("EVERGRAPH_STATE", &direct);
    let second = bed.host_beside("second", bed.env()).await;

    let mut stale = Box::pin(passes::run(&first));
    let paused = tokio::select! {
        pass = &mut stale => panic!("it should be under way: {pass:?}"),
        paused = pause_mid_pass(&bed, &first) => paused,
    };
    let _earlier = door.as_ref().map(Door::take);
    take_over(&bed, &second).await;
    bed.check_served_once().await;
    let (written, after) = (bed.place.stored().await, bed.last_call());

    assert!(signal(paused.0, "CONT"));
    let pass = stale.await;
    let Ended::Stopped(why) = &pass.ended else {
        panic!("{pass:?}");
    };
    // Which of the two conditions fails first is the store's affair.
    let refused = [
        "the state was not written: our lease on shards/0.json was lost",
        "the state was not written: shards/0.json was changed by another writer",
    ];
    assert!(refused.contains(&why.as_str()), "{why}");
    if let Some(door) = &door {
        check_refused_by_storage(&door.take());
    }
    assert_eq!(bed.place.stored().await, written, "the second one's");
    assert_eq!(bed.last_call(), after, "the stale one calls no Graph");

    // Both go on, and neither finds anything to mend.
    for host in [&first, &second] {
        bed.jump(SignedDuration::from_mins(61));
        let pass = passes::run(host).await;
        assert_eq!((&pass.ended, pass.calls), (&Ended::Complete, 1), "{pass:?}");
    }
    bed.check_served_once().await;
    assert_eq!(
        bed.control().subscriptions().len(),
        COUNT,
        "none was doubled"
    );
    assert_eq!(bed.console.errors(), Vec::<String>::new());
    first.stop().await;
    second.stop().await;
}

/// A process that was told to stop; it goes on, or dies, when the test is over.
struct Paused(u32);

impl Drop for Paused {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

/// Stops the process that passes while its first creates have taken effect and their replies
/// are under way.
async fn pause_mid_pass(bed: &Bed, host: &RunningHost) -> Paused {
    let hold = Effect::HoldReply { ms: 700 };
    let rule = Rule {
        times: 0,
        ..Rule::next(Op::Create, hold)
    };
    bed.control().arm(rule).unwrap();
    while bed.ours().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let pid = pid_of(host, &renew()).unwrap();
    assert!(signal(pid, "STOP"));
    bed.control()
        .sim()
        .with(|service, _| service.faults.disarm_all());
    bed.calls_over().await;
    Paused(pid)
}

/// Waits for the lease to lapse, and does the work of the first.
async fn take_over(bed: &Bed, second: &RunningHost) {
    let (began, mut waited) = (Instant::now(), 0);
    loop {
        let pass = passes::run(second).await;
        match pass.ended {
            Ended::Busy => waited += 1,
            Ended::Complete => break,
            ended => panic!("{ended:?}: {:?}", pass.lines),
        }
        let limit = bed.lease + Duration::from_secs(10);
        assert!(began.elapsed() < limit, "the lease does not lapse");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(waited > 0, "the first one's lease was respected");
    // What the first had not yet sent was written down; it may be sent after the settle time.
    bed.jump(SignedDuration::from_mins(61));
    let pass = passes::run(second).await;
    assert_eq!(pass.ended, Ended::Complete, "{:?}", pass.lines);
}

/// The write of the stale holder came, and storage said no (412, `LeaseIdMismatchWith…` or
/// `ConditionNotMet`).
fn check_refused_by_storage(seen: &[Seen]) {
    let writes: Vec<&Seen> = seen
        .iter()
        .filter(|one| one.what == "PUT shards/0.json")
        .collect();
    assert_eq!(writes.len(), 1, "{seen:?}");
    assert_eq!(writes[0].status, 412);
}
