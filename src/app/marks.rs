//! Wake marks: durable wishes for a pass. A mark is named by its event and its subscription, so
//! that a storm of equal events leaves one mark.

use super::pass::Pass;
use crate::domain::ids::SubscriptionId;
use crate::domain::sight::{ById, LifecycleEvent, WakeMark};
use crate::ports::state::{DocName, StateError, StateStore};

const PREFIX: &str = "wake/";

/// At most this many marks are taken up in one pass; the others stay for the next.
pub const MARKS_PER_PASS: usize = 500;

fn name_of(mark: &WakeMark) -> Option<DocName> {
    let event = mark.event.as_str().to_ascii_lowercase();
    let id = mark.subscription.as_str().to_ascii_lowercase();
    DocName::parse(&format!("{PREFIX}{event}_{id}"))
}

/// Leaves a mark. It is there once this returns.
///
/// # Errors
/// Whatever the store says; a mark that is there already is a success.
pub async fn leave(store: &dyn StateStore, mark: &WakeMark) -> Result<(), StateError> {
    let Some(name) = name_of(mark) else {
        // No id of Graph looks like this, so there is no subscription to wake for.
        return Ok(());
    };
    match store.create(&name, Vec::new()).await {
        Ok(_) | Err(StateError::Exists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The marks that lie there, with the names to remove them by. One listing.
///
/// # Errors
/// Whatever the store says.
pub async fn lying(store: &dyn StateStore) -> Result<Vec<(DocName, Option<WakeMark>)>, StateError> {
    let names = store.list(PREFIX, MARKS_PER_PASS).await?;
    Ok(names
        .into_iter()
        .map(|name| (name.clone(), parse(&name)))
        .collect())
}

fn parse(name: &DocName) -> Option<WakeMark> {
    let (event, id) = name.as_str().strip_prefix(PREFIX)?.split_once('_')?;
    let event = LifecycleEvent::parse(event)?;
    Some(WakeMark {
        event,
        subscription: SubscriptionId::parse(id).ok()?,
    })
}

/// Removes marks that a pass has taken up.
pub async fn remove(store: &dyn StateStore, names: &[DocName]) {
    for name in names {
        if let Err(error) = store.delete(name).await {
            // The next pass finds it again; acting twice on a mark does no harm.
            tracing::info!(state.document = %name, "a wake mark stays: {error}");
        }
    }
}

impl Pass<'_> {
    /// Whether the wish of a mark was taken up: what it asked for was done or seen, or there is
    /// nothing to do it for. Other marks stay for the next pass.
    pub(super) fn has_taken_up(&self, mark: &WakeMark) -> bool {
        let entries = &self.doc.state.entries;
        let Some(held) = entries
            .values()
            .filter_map(|entry| entry.held.as_ref())
            .find(|held| held.id == mark.subscription)
        else {
            return self.unreadable.is_none();
        };
        let seen = || {
            let mut sights = self.sights.values();
            sights.any(|sight| matches!(sight.by_id.get(&held.id), Some(ById::Found(_))))
        };
        match mark.event {
            LifecycleEvent::ReauthorizationRequired => held.patched_at.is_some_and(|at| {
                self.now().duration_since(at) < self.config.policy.patch_distance
            }),
            LifecycleEvent::SubscriptionRemoved => seen(),
            LifecycleEvent::Missed => true,
        }
    }
}
