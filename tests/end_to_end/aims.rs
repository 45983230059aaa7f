//! Moments at which a handler is killed, and how to wait for them.

use std::time::Duration;

use evergraph::sim::calls::CallRecord;
use evergraph::sim::faults::{Effect, Rule};
use evergraph::sim::request::Op;

use crate::bed::Bed;

/// When to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// A page of the listing is under way.
    Listing,
    /// A create was sent and has had no effect: its intent is all that is known of it.
    CreateSent,
    /// A create took effect and its reply is not sent.
    CreateActed,
    /// A renewal is under way.
    Renewal,
    /// Some time after the pass began.
    Anywhere,
    /// The process that serves HTTP, while Graph validates our endpoints.
    Handshake,
    /// The process that follows a killed one, in its first moments.
    AfterStart,
}

/// A moment drawn by chance.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub aim: Aim,
    /// The call of the kind that counts, from 1.
    nth: usize,
    /// Then so much later.
    later: Duration,
}

impl Moment {
    pub fn draw(aim: Aim, rng: &mut fastrand::Rng) -> Self {
        let (calls, later_ms) = match aim {
            Aim::Listing => (3, 60),
            Aim::CreateSent | Aim::Handshake => (30, 40),
            Aim::CreateActed => (20, 5),
            Aim::Renewal => (40, 60),
            Aim::Anywhere => (1, 1500),
            Aim::AfterStart => (1, 80),
        };
        Self {
            aim,
            nth: rng.usize(1..=calls),
            later: Duration::from_millis(rng.u64(0..=later_ms)),
        }
    }

    /// A moment that a pass was too short for comes sooner.
    pub fn sooner(mut self, tries: u32) -> Self {
        self.nth = (self.nth >> tries).max(1);
        self.later /= 1 << tries;
        self
    }

    /// Makes Graph hold the reply of the create that is meant. Answers the number of the rule.
    pub fn arm(&self, bed: &Bed) -> Option<u64> {
        if self.aim != Aim::CreateActed {
            return None;
        }
        let rule = Rule {
            nth: u64::try_from(self.nth).unwrap(),
            ..Rule::next(Op::Create, Effect::HoldReply { ms: 1500 })
        };
        Some(bed.control().arm(rule).unwrap())
    }

    /// Waits for the moment, among the calls after a number. It may never come.
    pub async fn wait(&self, bed: &Bed, after: u64) {
        match self.aim {
            Aim::Listing => until(|| self.has_come(bed, after, Op::List)).await,
            Aim::CreateSent | Aim::Handshake => {
                until(|| self.has_come(bed, after, Op::Create)).await;
            }
            Aim::CreateActed => until(|| is_reply_held(bed, after)).await,
            Aim::Renewal => until(|| self.has_come(bed, after, Op::Renew)).await,
            Aim::Anywhere | Aim::AfterStart => {}
        }
        tokio::time::sleep(self.later).await;
    }

    fn has_come(&self, bed: &Bed, after: u64, op: Op) -> bool {
        calls(bed, after, |call| call.operation == op) >= self.nth
    }
}

fn is_reply_held(bed: &Bed, after: u64) -> bool {
    let held = |call: &CallRecord| {
        call.fault == Some("hold_reply") && call.id.is_some() && call.status.is_none()
    };
    calls(bed, after, held) > 0
}

fn calls(bed: &Bed, after: u64, wanted: impl Fn(&CallRecord) -> bool) -> usize {
    bed.control().sim().with(|service, _| {
        let calls = service.calls.log().rev();
        let fresh = calls.take_while(|call| call.number > after);
        fresh.filter(|call| wanted(call)).count()
    })
}

async fn until(mut has_come: impl FnMut() -> bool) {
    while !has_come() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
