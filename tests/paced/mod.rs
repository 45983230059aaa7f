//! A kind whose waits leap and whose calls do not: for tests under paused time over real sockets.
//!
//! Paused time moves on as soon as nothing in the process is busy, and a call that waits for a
//! socket does not look busy. While a call is under way, time is held: tokio does not leap while
//! a blocking task runs.
#![allow(dead_code, reason = "used in part by each test")]

use std::sync::mpsc;

use async_trait::async_trait;
use evergraph::domain::ensure::{
    Facts, Failure, HolderId, Observation, Progress, Seen, Stop, Token, Told,
};
use evergraph::ports::ensure::Kind;

/// Holds paused time until it is dropped.
struct Held(#[expect(dead_code, reason = "its end ends the task")] mpsc::Sender<()>);

impl Held {
    fn now() -> Self {
        let (hold, held) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        Self(hold)
    }
}

/// Does something over a real socket while paused time is held.
pub async fn held<T>(act: impl Future<Output = T>) -> T {
    let _held = Held::now();
    act.await
}

/// The kind.
pub struct Paced<K>(pub K);

#[async_trait]
impl<K: Kind> Kind for Paced<K> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn key(&self) -> String {
        self.0.key()
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }

    fn holder_id(&self, claimed: &str) -> Option<HolderId> {
        self.0.holder_id(claimed)
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        self.0.instruction(reason)
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        held(self.0.observe()).await
    }

    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        held(self.0.read(id)).await
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        held(self.0.create(token)).await
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        held(self.0.patch(seen)).await
    }

    async fn delete(&self, seen: &Seen) -> Result<Told<()>, Failure> {
        held(self.0.delete(seen)).await
    }

    async fn keep(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        held(self.0.keep(seen)).await
    }

    async fn restore(&self, seen: &Seen) -> Result<Told<()>, Failure> {
        held(self.0.restore(seen)).await
    }

    async fn poll(&self) -> Result<Told<Progress>, Failure> {
        held(self.0.poll()).await
    }

    async fn provide(&self) -> Result<Told<()>, Failure> {
        held(self.0.provide()).await
    }

    async fn reacquire(&self) -> Result<Told<()>, Failure> {
        held(self.0.reacquire()).await
    }
}
