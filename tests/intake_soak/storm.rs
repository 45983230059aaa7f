//! The weather: who is killed, what breaks, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::bed::Bed;
use crate::load::Load;
use crate::processes::SOON;

/// What strikes, and how often.
const STRIKES: [(Strike, usize); 4] = [
    (Strike::Intake, 9),
    (Strike::Timer, 2),
    (Strike::Sink, 4),
    (Strike::Host, 2),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Strike {
    /// The handler of the HTTP functions is killed.
    Intake,
    /// The handler of the timer is killed.
    Timer,
    /// The sink breaks, a handler starts with a broken one, and it is mended.
    Sink,
    /// The host is killed, and its handlers go with it.
    Host,
}

pub struct Storm {
    rng: fastrand::Rng,
    load: Load,
    struck: BTreeMap<Strike, usize>,
}

impl Storm {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            load: Load::new(),
            struck: BTreeMap::new(),
        }
    }

    /// Load without a pause, and all strikes spread over the time.
    pub async fn rage(&mut self, bed: &mut Bed, length: Duration) {
        let mut strikes: Vec<Strike> = STRIKES
            .iter()
            .flat_map(|(strike, times)| [*strike].repeat(*times))
            .collect();
        self.rng.shuffle(&mut strikes);
        bed.relay.cuts(true);
        let (began, gap) = (Instant::now(), length / (strikes.len() as u32 + 1));
        for (at, strike) in (1..).zip(strikes) {
            self.rain(bed, began + gap * at).await;
            self.strike(bed, strike).await;
            *self.struck.entry(strike).or_default() += 1;
        }
        self.rain(bed, began + length).await;
        // A slow machine needs longer until a file is full.
        while bed.said.count(WRITE_FAILED) == 0 && began.elapsed() < length + SOON {
            self.rain(bed, Instant::now() + Duration::from_millis(200))
                .await;
        }
    }

    /// Load until a moment. The time of day goes on, so that Graph sends again.
    async fn rain(&mut self, bed: &Bed, until: Instant) {
        loop {
            self.load.step(bed, &mut self.rng).await;
            let seconds = self.rng.u32(1..=6);
            bed.sim.advance(&format!("{seconds}s")).await;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn strike(&mut self, bed: &mut Bed, strike: Strike) {
        match strike {
            Strike::Intake => self.kill(bed, "http").await,
            Strike::Timer => self.kill(bed, "function:renew").await,
            Strike::Sink => {
                bed.break_sink();
                self.kill(bed, "http").await;
                let broken = Duration::from_millis(self.rng.u64(300..900));
                self.rain(bed, Instant::now() + broken).await;
                bed.mend_sink();
                // A handler that found no sink at its start goes on without one.
                self.kill(bed, "http").await;
            }
            Strike::Host => {
                bed.host.take().unwrap().kill().await;
                let gone = Duration::from_millis(self.rng.u64(100..500));
                self.rain(bed, Instant::now() + gone).await;
                let ready = bed.said.count("ready after");
                bed.start_host();
                bed.said.says("ready after", ready + 2).await;
            }
        }
    }

    /// Kills a handler, as soon as there is one, and goes on raining.
    async fn kill(&mut self, bed: &Bed, group: &str) {
        let began = Instant::now();
        while !bed.host.as_ref().unwrap().kill_handler(group) {
            let late = began.elapsed() > SOON;
            assert!(!late, "no {group} follows: {:#?}", bed.said.last(40));
            self.load.step(bed, &mut self.rng).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything did strike.
    pub fn check(&self, bed: &Bed) {
        assert_eq!(self.struck, STRIKES.into_iter().collect());
        let killed = bed.said.count("was ended by signal 9");
        assert!(killed >= 12, "{killed} handlers were seen to be killed");
        assert!(bed.said.count(SINK_CLOSED) > 0, "the sink never broke");
        assert!(bed.said.count(WRITE_FAILED) > 0, "no write ever failed");
        let [requests, answers] = bed.relay.done();
        assert!(requests > 0 && answers > 0, "{requests}, {answers}");
    }

    pub fn told(&self, bed: &Bed) -> String {
        let [requests, answers] = bed.relay.done();
        format!(
            "struck: {:?}; {} handlers killed, {} found the sink broken at their start, {} writes \
             failed, {requests} requests and {answers} answers cut off",
            self.struck,
            bed.said.count("was ended by signal 9"),
            bed.said.count(SINK_CLOSED),
            bed.said.count(WRITE_FAILED),
        )
    }
}

const SINK_CLOSED: &str = "notifications are answered 503: ";
const WRITE_FAILED: &str = "; Graph sends them again";
