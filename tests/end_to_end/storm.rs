//! Handlers are killed twenty times at random points of a run; in the end each declared
//! subscription lives exactly once, and nothing else was touched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evergraph::devhost::{Group, RunningHost};
use evergraph::sim::row::Row;
use evergraph::sim::settings::Settings;
use jiff::SignedDuration;
use serde_json::json;
use tokio::time::Instant;

use crate::aims::{Aim, Moment};
use crate::bed::{Bed, health, pid_of, renew, signal};
use crate::passes::{self, Ended, Pass};
use crate::place::Place;

/// Twenty. Those between `Listing` and `Anywhere` leave a lease behind that must lapse.
const KILLS: [(Aim, usize); 7] = [
    (Aim::CreateActed, 3),
    (Aim::CreateSent, 3),
    (Aim::Listing, 2),
    (Aim::Renewal, 2),
    (Aim::Anywhere, 2),
    (Aim::Handshake, 4),
    (Aim::AfterStart, 4),
];

/// Quiet passes that may be needed at the end.
const QUIET_PASSES: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_leave_each_subscription_once_with_files() {
    // Graph accepts duplicates in silence: only our own care is left.
    storm("files", 60, None, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_leave_each_subscription_once_where_graph_refuses_doubles() {
    storm("files, doubles refused", 60, None, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_leave_each_subscription_once_with_blobs() {
    let Some(place) = Place::azurite("twenty_kills_leave_each_subscription_once_with_blobs") else {
        return;
    };
    storm("blobs", 200, Some(place), true).await;
}

async fn storm(title: &str, count: usize, place: Option<Place>, silent: bool) {
    let (began, seed) = (Instant::now(), seed());
    println!("{title}: seed {seed}; EVERGRAPH_TEST_SEED={seed} repeats its draws");
    let switches = Settings::default()
        .patched(json!({
            "latency": {"min_ms": 20, "max_ms": 100},
            "listing": {"page_size": 25},
            "duplicates": {"silent": silent},
        }))
        .unwrap();
    let mut bed = Bed::new(&format!("{title}, seed {seed}"), count, switches, place).await;
    let host = bed.host("host").await;
    let strangers = bed.plant_strangers();
    let mut storm = Storm {
        rng: fastrand::Rng::with_seed(seed),
        bed,
        host,
        strangers,
        struck: BTreeMap::new(),
        killed: BTreeSet::new(),
        reasons: count,
    };
    for aims in storm.order() {
        storm.strike(&aims).await;
    }
    storm.calm_down().await;
    storm.check().await;
    let ready = storm.bed.console.ready_after();
    println!(
        "{title}: {:?}, {} adopted; a handler is ready after {:?} (median); {:.1} s",
        storm.struck,
        storm.bed.console.adopted(),
        ready[ready.len() / 2],
        began.elapsed().as_secs_f64()
    );
    storm.host.stop().await;
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "repeats a run")]
    let asked = std::env::var("EVERGRAPH_TEST_SEED").ok();
    asked.map_or_else(
        || fastrand::Rng::new().u64(1..1_000_000),
        |seed| seed.parse().expect("EVERGRAPH_TEST_SEED is a number"),
    )
}

struct Storm {
    bed: Bed,
    host: RunningHost,
    rng: fastrand::Rng,
    strangers: Vec<Row>,
    /// Kills by aim.
    struck: BTreeMap<Aim, u32>,
    /// Processes that were killed; the host may not have seen their end yet.
    killed: BTreeSet<u32>,
    /// Creates that the run gave reason for.
    reasons: usize,
}

impl Storm {
    /// The kills in their order; those in one group strike one after the other.
    fn order(&mut self) -> Vec<Vec<Aim>> {
        let mut groups: Vec<Vec<Aim>> = Vec::new();
        let mut sequels = Vec::new();
        for (aim, times) in KILLS {
            match aim {
                Aim::AfterStart => sequels.extend([aim].repeat(times)),
                aim => groups.extend(std::iter::repeat_n(vec![aim], times)),
            }
        }
        self.rng.shuffle(&mut groups);
        let mut leading: Vec<&mut Vec<Aim>> = groups
            .iter_mut()
            .filter(|group| group[0] != Aim::Handshake)
            .collect();
        self.rng.shuffle(&mut leading);
        for (group, sequel) in leading.into_iter().zip(sequels) {
            group.push(sequel);
        }
        groups
    }

    /// Makes work, lets a pass begin, and kills at the moment drawn; then what follows it.
    async fn strike(&mut self, aims: &[Aim]) {
        let mut tries: u32 = 0;
        self.make_work(aims[0]).await;
        loop {
            let moment = Moment::draw(aims[0], &mut self.rng).sooner(tries);
            let (hit, pass) = self.try_moment(moment).await;
            match pass.ended {
                _ if hit => break,
                Ended::Busy => tokio::time::sleep(Duration::from_millis(150)).await,
                ended => {
                    tries += 1;
                    assert!(tries < 6, "{:?} never came: {ended:?}", aims[0]);
                    self.make_work(aims[0]).await;
                }
            }
        }
        for aim in &aims[1..] {
            let moment = Moment::draw(*aim, &mut self.rng);
            self.kill_successor(moment).await;
        }
        // What stands there is whole, whenever the writer died.
        self.bed.place.state().await;
        self.bed.check_untouched(&self.strangers);
    }

    /// True if the handler was killed at the moment, before the pass was over.
    async fn try_moment(&mut self, moment: Moment) -> (bool, Pass) {
        let after = self.bed.last_call();
        let rule = moment.arm(&self.bed);
        let (hit, pass) = self.race(moment, after).await;
        if let Some(rule) = rule {
            let sim = self.bed.control().sim();
            sim.with(|service, _| service.faults.disarm(rule));
        }
        if hit {
            *self.struck.entry(moment.aim).or_default() += 1;
        } else {
            self.look_at(&pass, after);
        }
        (hit, pass)
    }

    /// Lets a pass run against the moment, and kills if that comes first.
    async fn race(&mut self, moment: Moment, after: u64) -> (bool, Pass) {
        let group = match moment.aim {
            Aim::Handshake => Group::Http,
            _ => renew(),
        };
        let mut pass = Box::pin(passes::run(&self.host));
        tokio::select! {
            over = &mut pass => return (false, over),
            () = moment.wait(&self.bed, after) => {}
        }
        let hit = kill(&self.host, &group, &mut self.killed);
        (hit, pass.await)
    }

    /// Kills the process that follows a killed one, before or after it is ready.
    async fn kill_successor(&mut self, moment: Moment) {
        let limit = Instant::now() + Duration::from_secs(20);
        moment.wait(&self.bed, 0).await;
        while !kill(&self.host, &renew(), &mut self.killed) {
            assert!(Instant::now() < limit, "no handler follows");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        *self.struck.entry(moment.aim).or_default() += 1;
    }

    /// Gives the next pass something to do, once nothing is under way any more.
    async fn make_work(&mut self, aim: Aim) {
        self.bed.calls_over().await;
        let ours = self.bed.ours();
        let mut jump = SignedDuration::from_mins(2);
        match aim {
            Aim::Renewal | Aim::Anywhere if !ours.is_empty() => {
                let state = self.bed.place.state().await;
                let held = state
                    .entries
                    .values()
                    .filter_map(|entry| entry.held.as_ref());
                let mut due: Vec<_> = held.map(|held| held.due).collect();
                due.sort();
                if let Some(enough) = due.get(due.len() * self.rng.usize(3..=7) / 10) {
                    let away = enough.duration_since(self.bed.control().now());
                    jump = jump.max(away);
                }
            }
            Aim::Listing => jump = SignedDuration::from_mins(61),
            _ if ours.len() > self.bed.wishes.len() / 2 => {
                self.take_away(ours.clone());
                jump = SignedDuration::from_mins(61);
            }
            _ => {}
        }
        self.bed.jump(jump + SignedDuration::from_secs(1));
        let left: BTreeSet<String> = self.bed.ours().into_iter().map(|row| row.id).collect();
        self.reasons += ours.iter().filter(|row| !left.contains(&row.id)).count();
    }

    /// Removes or ends a quarter of our rows behind our back.
    fn take_away(&mut self, mut ours: Vec<Row>) {
        self.rng.shuffle(&mut ours);
        ours.truncate(ours.len() / 4);
        for row in &ours {
            match self.rng.bool() {
                true => drop(self.bed.control().remove(&row.id, false).unwrap()),
                false => self.bed.control().expire(&row.id).unwrap(),
            }
        }
    }

    /// A pass that lived to its end counted every call that Graph saw.
    fn look_at(&self, pass: &Pass, after: u64) {
        if matches!(pass.ended, Ended::Broken(_)) {
            return;
        }
        let seen: u64 = self.bed.calls_after(after).values().sum();
        assert_eq!(pass.calls, seen, "{:?}", pass.lines);
    }

    /// Quiet passes at audits, until one finds nothing to do and the next tick is idle.
    async fn calm_down(&mut self) {
        self.bed.calls_over().await;
        self.bed.jump(SignedDuration::from_mins(61));
        let mut complete = 0;
        let limit = Instant::now() + self.bed.lease + Duration::from_secs(120);
        loop {
            assert!(Instant::now() < limit, "it does not come to rest");
            let after = self.bed.last_call();
            let pass = passes::run(&self.host).await;
            self.look_at(&pass, after);
            let (gaps, doubles) = self.bed.gaps_and_doubles();
            match pass.ended {
                Ended::Idle if gaps.is_empty() && doubles.is_empty() => return,
                Ended::Idle => self.bed.jump(SignedDuration::from_mins(61)),
                Ended::Busy => tokio::time::sleep(Duration::from_millis(150)).await,
                Ended::Complete => {
                    complete += 1;
                    assert!(complete <= QUIET_PASSES, "{gaps:?} {doubles:?} {pass:?}");
                }
                ended => panic!("a quiet pass: {ended:?}, {:?}", pass.lines),
            }
        }
    }

    async fn check(&self) {
        self.bed.check_served_once().await;
        self.bed.check_untouched(&self.strangers);
        for (aim, times) in KILLS {
            assert_eq!(self.struck.get(&aim), Some(&u32::try_from(times).unwrap()));
        }
        let killed: usize = self.bed.console.killed().values().sum();
        assert_eq!(killed, 20, "{:?}", self.bed.console.killed());
        assert_eq!(self.bed.console.exits(), 20);
        assert!(self.bed.console.restarts() > 0);
        assert_eq!(self.bed.console.errors(), Vec::<String>::new());
        // Those whose creator died before it knew of them.
        assert!(self.bed.console.adopted() > 0);
        // Nothing was doubled, not even for a while.
        assert_eq!(self.bed.created(), self.reasons);
        let (status, word) = health(&self.bed.public_url).await;
        assert_eq!((status, word.as_str()), (200, "ok"));
    }
}

/// `kill -9`, as anybody else would, behind the host's back. A dead process that the host has
/// not seen die is not killed again.
fn kill(host: &RunningHost, group: &Group, killed: &mut BTreeSet<u32>) -> bool {
    let Some(pid) = pid_of(host, group).filter(|pid| !killed.contains(pid)) else {
        return false;
    };
    let hit = signal(pid, "KILL");
    if hit {
        killed.insert(pid);
    }
    hit
}
