//! What the ensure engine needs of a kind of resource, and where it writes down what it does.

use async_trait::async_trait;

use crate::domain::ensure::{
    Facts, Failure, HolderId, Move, Observation, Progress, Seen, Step, Token, Told,
};

/// One wanted thing of some kind: it holds the specification, talks to the service, and compares.
///
/// A kind says what it sees and what was refused; it never decides what follows. It does not
/// retry by itself, follows no link off the configured origin, and sends each call once. Every
/// future may be dropped at any await: a write that was on its way is then like one without reply.
#[async_trait]
pub trait Kind: Send + Sync {
    /// The name of the kind, such as `bookings-staff`.
    fn name(&self) -> &'static str;

    /// The natural key of the wanted thing, the same for every specification that means the same
    /// thing, such as `business/contoso/staff/ann@contoso.com`. One run at a time for each key in a
    /// process. Goes into the audit: no secrets.
    fn key(&self) -> String;

    /// What the engine must know.
    fn facts(&self) -> Facts;

    /// The shape check of an id that stood in an error body. Untrusted: refuse what the service
    /// would not write (length, alphabet, GUID form). By default 1 to 128 letters, digits, `-`
    /// and `_`.
    fn holder_id(&self, claimed: &str) -> Option<HolderId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let good = (1..=128).contains(&claimed.len()) && claimed.bytes().all(plain);
        good.then(|| HolderId::new(claimed))
    }

    /// What a person should do where nothing can be done by program, such as the path in the
    /// portal. Shown as the next step of a run that gave up for that reason.
    fn instruction(&self, _reason: crate::domain::ensure::Stop) -> Option<String> {
        None
    }

    /// Everything with the natural key: all pages, soft-deleted things where they can be seen.
    /// Pages that could not be had make the observation incomplete, not a failure.
    async fn observe(&self) -> Result<Told<Observation>, Failure>;

    /// One thing by id. `None` is a plain 404: it is not there.
    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure>;

    /// Creates it, marked with the token where it can be. A success is the thing as it stands
    /// (`standing: BeingMade` where the service only accepted the request).
    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure>;

    /// Changes it to what is wanted, on condition of `seen.version` where there is one.
    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure>;

    /// Deletes it, on condition of `seen.version` where there is one.
    async fn delete(&self, _seen: &Seen) -> Result<Told<()>, Failure> {
        Err(Failure::NotSupported(
            "Delete the surplus by hand; keep the one with the smallest id.",
        ))
    }

    /// Proves that it lives, at the moment of the answer, before its duplicates go. By default
    /// reads it; a kind that can renew it does that.
    async fn keep(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let told = self.read(&seen.id).await?;
        match told.value {
            Some(value) => Ok(Told::by(value, told.request_id)),
            None => Err(Failure::Gone {
                request_id: told.request_id,
            }),
        }
    }

    /// Brings a soft-deleted thing back.
    async fn restore(&self, _seen: &Seen) -> Result<Told<()>, Failure> {
        Err(Failure::NotSupported("Restore it by hand."))
    }

    /// How the operation that stands in the way is getting on. By default nothing can be asked,
    /// and the engine looks at the thing itself after a wait.
    async fn poll(&self) -> Result<Told<Progress>, Failure> {
        Ok(Told::new(Progress::Settled))
    }

    /// Provides what it needs.
    async fn provide(&self) -> Result<Told<()>, Failure> {
        Err(Failure::NotSupported("Provide what is missing by hand."))
    }

    /// Takes the lock anew.
    async fn reacquire(&self) -> Result<Told<()>, Failure> {
        Err(Failure::NotSupported(
            "Find out who took the lock, then take it again.",
        ))
    }
}

/// One line of the journal.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The kind.
    pub kind: &'static str,
    /// The natural key.
    pub key: &'a str,
    /// The run.
    pub token: &'a Token,
    /// What happened, or the step that led to what is about to be done.
    pub step: &'a Step,
    /// A write that is about to be sent; `None` after the fact.
    pub before: Option<&'a Move>,
}

/// It could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("the journal could not be written: {0}")]
pub struct JournalError(pub String);

/// Where steps are written down. A journal that fails blocks deletes and nothing else.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes one line. Durable when it returns.
    async fn record(&self, entry: Entry<'_>) -> Result<(), JournalError>;
}

/// Writes nothing down: for rehearsals and tests.
#[derive(Clone, Copy, Debug)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn record(&self, _entry: Entry<'_>) -> Result<(), JournalError> {
        Ok(())
    }
}
