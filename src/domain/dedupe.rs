//! The repeat window: ids of notifications that were written not long ago.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::notification::id_sets::EventIds;
use super::notification::identity::EventId;

/// Graph repeats a notification for up to four hours (its page on webhook delivery); a little
/// more, because clocks and delays differ.
pub const SPAN: SignedDuration = SignedDuration::from_mins(4 * 60 + 30);

/// How many ids are remembered: about 5 MB at most. A fleet that writes more than this in the
/// span remembers a shorter time, and its consumers see the rest as equal ids.
pub const IDS: usize = 65_536;

/// Ids that were written. An id enters only after its write succeeded: one that entered
/// earlier would turn a failed write into a loss.
#[derive(Debug)]
pub struct RepeatWindow {
    known: EventIds,
    order: VecDeque<(EventId, Timestamp)>,
    span: SignedDuration,
    most: usize,
}

impl Default for RepeatWindow {
    fn default() -> Self {
        Self::new(SPAN, IDS)
    }
}

impl RepeatWindow {
    /// A window of this length, over at most so many ids.
    pub fn new(span: SignedDuration, most: usize) -> Self {
        Self {
            known: EventIds::default(),
            order: VecDeque::new(),
            span,
            most,
        }
    }

    /// Whether the id was written within the window.
    pub fn holds(&mut self, id: &EventId, now: Timestamp) -> bool {
        self.forget(now);
        self.known.contains(id)
    }

    /// Remembers an id that was written.
    pub fn enter(&mut self, id: EventId, now: Timestamp) {
        if self.most > 0 && self.known.insert(id) {
            self.order.push_back((id, now));
        }
        self.forget(now);
    }

    /// How many ids are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((id, at)) = self.order.front().copied() {
            if self.order.len() <= self.most && now.duration_since(at) < self.span {
                return;
            }
            self.known.remove(&id);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn an_id_is_known_from_its_write_until_the_span_is_over() {
        let mut window = RepeatWindow::default();
        let id = EventId::unique(1);
        assert!(!window.holds(&id, at(0)));
        window.enter(id, at(0));
        assert!(window.holds(&id, at(269)));
        window.enter(id, at(269)); // a repeat does not lengthen it
        assert!(!window.holds(&id, at(270)));
        assert!(window.is_empty());
    }

    #[test]
    fn the_window_is_bounded_and_forgets_the_oldest() {
        let mut window = RepeatWindow::new(SPAN, 3);
        for number in 0..10 {
            window.enter(EventId::unique(number), at(0));
        }
        assert_eq!(window.len(), 3);
        assert!(window.holds(&EventId::unique(9), at(0)));
        assert!(!window.holds(&EventId::unique(6), at(0)));
        let mut none = RepeatWindow::new(SPAN, 0);
        none.enter(EventId::unique(1), at(0));
        assert!(none.is_empty());
    }
}
