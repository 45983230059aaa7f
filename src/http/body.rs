//! Request bodies, bounded in size and time.

use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use futures::StreamExt as _;

/// The longest that a body may take to arrive. The host sends from the same machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than the bound is still read to its end, up to this many times the bound, so that the
/// caller sees our answer and not a connection reset under its feet.
const OVERRUN: usize = 16;

/// A body as it arrived.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Received {
    /// There is none: by its framing, or because nothing came.
    Empty,
    /// All of it. Where it came in one piece it was not copied.
    Whole(Bytes),
    /// More than the bound.
    TooLarge,
    /// It broke off, or took too long.
    Broken,
    /// What had arrived so far found no room; the rest was not read.
    NoRoom,
}

/// How much is to come, where the framing says it.
pub(super) fn announced(body: &Body) -> Option<usize> {
    let length = body.size_hint().exact()?;
    usize::try_from(length).ok()
}

/// Whether the framing alone says that there is no body (no length and no chunks, or length 0).
pub(super) fn is_absent(body: &Body) -> bool {
    body.is_end_stream()
}

/// Reads at most `max` bytes, be they sent with a length or in chunks.
pub(super) async fn receive(body: Body, max: usize) -> Received {
    receive_within(body, max, PATIENCE, |_| true).await
}

/// The same with another limit of time. `room` is asked with the length so far before more is
/// kept.
pub(super) async fn receive_within(
    body: Body,
    max: usize,
    patience: Duration,
    mut room: impl FnMut(usize) -> bool,
) -> Received {
    let announced = announced(&body).unwrap_or(0).min(max);
    let mut pieces = Pieces::None;
    let keep = |chunk: Bytes, so_far: usize| {
        let kept = room(so_far);
        if kept {
            pieces.add(chunk, announced);
        }
        kept
    };
    match consume(body, max, patience, keep).await {
        Consumed::All(0) => Received::Empty,
        Consumed::All(_) => Received::Whole(pieces.whole()),
        Consumed::TooLarge => Received::TooLarge,
        Consumed::Broken => Received::Broken,
        Consumed::NoRoom => Received::NoRoom,
    }
}

/// What has arrived so far.
enum Pieces {
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Pieces {
    /// Adds what arrived; `announced` is how much is to come in all, where it is known.
    fn add(&mut self, chunk: Bytes, announced: usize) {
        match self {
            Self::None => *self = Self::One(chunk),
            Self::One(first) => {
                let mut many = Vec::with_capacity(announced.max(first.len() + chunk.len()));
                many.extend_from_slice(first);
                many.extend_from_slice(&chunk);
                *self = Self::Many(many);
            }
            Self::Many(many) => many.extend_from_slice(&chunk),
        }
    }

    fn whole(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(whole) => whole,
            Self::Many(many) => many.into(),
        }
    }
}

/// Reads a body and forgets it; says whether it was within the bound.
pub(super) async fn discard(body: Body, max: usize) -> bool {
    !matches!(
        consume(body, max, PATIENCE, |_, _| true).await,
        Consumed::TooLarge
    )
}

enum Consumed {
    All(usize),
    TooLarge,
    Broken,
    NoRoom,
}

async fn consume(
    body: Body,
    max: usize,
    patience: Duration,
    mut keep: impl FnMut(Bytes, usize) -> bool,
) -> Consumed {
    let reading = async {
        let mut chunks = body.into_data_stream();
        let mut length = 0_usize;
        while let Some(chunk) = chunks.next().await {
            let Ok(chunk) = chunk else {
                return Consumed::Broken;
            };
            length = length.saturating_add(chunk.len());
            if length <= max {
                if !keep(chunk, length) {
                    return Consumed::NoRoom;
                }
            } else if length > max.saturating_mul(OVERRUN) {
                break;
            }
        }
        if length > max {
            Consumed::TooLarge
        } else {
            Consumed::All(length)
        }
    };
    let mut reading = std::pin::pin!(reading);
    // Mostly all of it came with the head, and no timer is needed.
    let first = std::future::poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx)));
    if let Poll::Ready(consumed) = first.await {
        return consumed;
    }
    tokio::time::timeout(patience, reading)
        .await
        .unwrap_or(Consumed::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(*chunk))
            .collect();
        Body::from_stream(futures::stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_body_is_whole_however_it_was_cut() {
        let whole = |text: &str| Received::Whole(Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(receive(Body::from("abcd"), 4).await, whole("abcd"));
        assert_eq!(receive(chunked(&["ab", "", "cd"]), 4).await, whole("abcd"));
        assert_eq!(receive(Body::empty(), 4).await, Received::Empty);
        assert_eq!(receive(chunked(&[]), 4).await, Received::Empty);
    }

    #[tokio::test]
    async fn more_than_the_bound_is_not_kept() {
        assert_eq!(receive(Body::from("abcde"), 4).await, Received::TooLarge);
        assert_eq!(
            receive(chunked(&["abc", "de"]), 4).await,
            Received::TooLarge
        );
        assert!(!discard(chunked(&["abc", "de"]), 4).await);
        assert!(discard(chunked(&["abc", "d"]), 4).await);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_not_read_on() {
        let mut asked = Vec::new();
        let body = chunked(&["ab", "c", "de"]);
        let received = receive_within(body, 4, PATIENCE, |so_far| {
            asked.push(so_far);
            so_far < 3
        });
        assert_eq!(received.await, Received::NoRoom);
        assert_eq!(asked, [2, 3]);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_none() {
        let broken = futures::stream::iter([Ok("ab"), Err(std::io::Error::other("gone"))]);
        assert_eq!(
            receive(Body::from_stream(broken), 4).await,
            Received::Broken
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let endless = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        assert_eq!(
            receive(Body::from_stream(endless), 4).await,
            Received::Broken
        );
    }
}
