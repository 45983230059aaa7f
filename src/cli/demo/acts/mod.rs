//! The acts of the story, one file each.

mod conflict;
mod create;
mod forged;
mod forgotten;
mod kill;
mod lifecycle;
mod limit;
mod notifications;
mod race;
mod removal;
mod renewal;
mod sealed;
mod summary;

use super::play::Play;
use crate::sim::calls::CallRecord;
use crate::sim::request::Op;

/// Tells the whole story.
///
/// # Errors
/// What was waited for and did not come. Claims that turn out false are no errors.
pub(super) async fn all(play: &mut Play) -> anyhow::Result<serde_json::Value> {
    create::act(play).await?;
    notifications::act(play).await?;
    sealed::act(play).await?;
    forged::act(play).await?;
    kill::act(play).await?;
    conflict::act(play).await?;
    limit::act(play).await?;
    forgotten::act(play).await?;
    renewal::act(play).await?;
    removal::act(play).await?;
    lifecycle::act(play).await?;
    race::act(play).await?;
    summary::act(play).await
}

/// Operations in the order in which they came, for claims about them.
fn operations(calls: &[CallRecord]) -> String {
    let words: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    match words.is_empty() {
        true => "no call".to_owned(),
        false => words.join(", "),
    }
}

fn of(calls: &[CallRecord], operation: Op) -> impl Iterator<Item = &CallRecord> {
    calls.iter().filter(move |call| call.operation == operation)
}

/// Creates of a resource.
fn creates_of<'c>(calls: &'c [CallRecord], resource: &str) -> Vec<&'c CallRecord> {
    of(calls, Op::Create)
        .filter(|call| call.resource.as_deref() == Some(resource))
        .collect()
}
