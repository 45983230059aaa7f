//! What happens in Graph while it storms: changes, lifecycle events, removals, and forgeries.

use serde_json::{Value, json};

use crate::bed::Bed;

/// Forgeries that any subscription can have, and those of sealed content.
const FLAWS: [&str; 3] = ["wrong_client_state", "no_client_state", "wrong_tenant"];
const RICH_FLAWS: [&str; 8] = [
    "wrong_client_state",
    "unknown_kid",
    "wrong_signature",
    "unsigned",
    "wrong_publisher",
    "wrong_audience",
    "expired_token",
    "bad_hmac",
];

pub struct Load {
    live: Vec<Value>,
    steps: u32,
}

impl Load {
    pub fn new() -> Self {
        Self {
            live: Vec::new(),
            steps: 0,
        }
    }

    /// One thing happens.
    pub async fn step(&mut self, bed: &Bed, rng: &mut fastrand::Rng) {
        if self.steps.is_multiple_of(25) || self.live.is_empty() {
            self.live = bed.live().await;
        }
        self.steps += 1;
        let Some(row) = rng.choice(&self.live) else {
            return;
        };
        let id = row["id"].as_str().unwrap();
        match rng.u32(0..100) {
            0..=83 => change(bed, row, id, rng).await,
            84..=89 => lifecycle(bed, id, rng).await,
            90..=98 => forgery(bed, row, id, rng).await,
            _ => {
                bed.sim
                    .delete(&format!("_sim/subscriptions/{id}?announce=true"))
                    .await;
                self.live.clear();
            }
        }
    }
}

async fn change(bed: &Bed, row: &Value, id: &str, rng: &mut fastrand::Rng) {
    let words: Vec<&str> = row["changeType"].as_str().unwrap().split(',').collect();
    let word = rng.choice(words).unwrap();
    let count = rng.u32(1..=12);
    let order = json!({"subscription": id, "change_type": word, "count": count});
    bed.sim.post("_sim/changes", &order).await;
}

async fn lifecycle(bed: &Bed, id: &str, rng: &mut fastrand::Rng) {
    let event = rng.choice(["reauthorizationRequired", "missed"]).unwrap();
    let order = json!({"subscription": id, "event": event});
    bed.sim.post("_sim/lifecycle", &order).await;
}

/// In the name of a subscription whose items can be told apart.
async fn forgery(bed: &Bed, row: &Value, id: &str, rng: &mut fastrand::Rng) {
    let is_rich = row["includeResourceData"] == true;
    let flaw = match is_rich {
        true => rng.choice(RICH_FLAWS),
        false => rng.choice(FLAWS),
    };
    let order = json!({"subscription": id, "flaw": flaw.unwrap(), "count": 1});
    bed.sim.post("_sim/forgeries", &order).await;
}
