//! [`EventQueueWrites`]: keeps the stored event queue from losing an event that was just added.
//!
//! ldk-node 0.7.1 encodes its queue under a lock and stores it after the lock is released. An
//! acknowledgement (the head leaves) and a new event (the tail comes) may therefore reach the store
//! in the wrong order, and then the stored queue lacks the new event: a crash before the next write
//! would lose it. An acknowledgement that was overtaken must never be stored; the head that stays
//! comes again after a crash, which is harmless.
//!
//! Nobody waits until the queue is durable: what is written later is durable later, the channel manager that has let an
//! event go among it. Only who asks whether a failure can come again must know
//! ([`EventQueueWrites::are_acknowledgements_durable`]).

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use payments::ports::Durable;

use crate::kv::ChannelManagerMark;

/// Where ldk-node stores the queue (`EVENT_QUEUE_PERSISTENCE_*` in its `io` module, 0.7.1).
const QUEUE: (&str, &str, &str) = ("", "", "events");

/// The number of events, before the events themselves.
const COUNT_BYTES: usize = 2;

thread_local! {
    /// On a thread that acknowledges an event: how many writes of the queue there had been when it
    /// began.
    static ACKNOWLEDGING_SINCE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The order of the queue's writes.
#[derive(Default)]
pub(crate) struct EventQueueWrites(Mutex<Writes>);

#[derive(Default)]
struct Writes {
    count: u64,
    last: Vec<u8>,
    /// Where the channel manager's writes stood when the last event was added.
    added_at: ChannelManagerMark,
    /// The latest acknowledgement, until it was seen to be durable.
    acknowledgement: Option<Durable>,
}

/// The right to put one value of the queue into the order of writes.
pub(crate) struct QueueTurn<'a>(MutexGuard<'a, Writes>);

impl EventQueueWrites {
    /// Whether this is the key of the queue.
    pub(crate) fn is_queue(primary: &str, secondary: &str, key: &str) -> bool {
        (primary, secondary, key) == QUEUE
    }

    /// Runs an acknowledgement, which stores the queue on this very thread.
    pub(crate) fn acknowledging<T>(&self, acknowledge: impl FnOnce() -> T) -> T {
        let began = self.turn().0.count;
        ACKNOWLEDGING_SINCE.set(Some(began));
        let answer = acknowledge();
        ACKNOWLEDGING_SINCE.set(None);
        answer
    }

    /// Takes over the queue that was stored when the node was built.
    pub(crate) fn found(&self, stored: &[u8]) {
        let writes = &mut *self.turn().0;
        if writes.count == 0 {
            writes.last = stored.to_vec();
        }
    }

    /// Whether an event of the stored queue carries `needle`, and where the channel manager's writes stood when the
    /// newest event was added.
    pub(crate) fn holds(&self, needle: &[u8]) -> (bool, ChannelManagerMark) {
        let writes = &*self.turn().0;
        let holds = writes.last.windows(needle.len()).any(|part| part == needle);
        (holds, writes.added_at)
    }

    /// Whether every acknowledgement is durable: the latest is, and writes keep their order.
    pub(crate) fn are_acknowledgements_durable(&self) -> bool {
        let latest = &mut self.turn().0.acknowledgement;
        let mut context = Context::from_waker(Waker::noop());
        if let Some(durable) = latest
            && durable.as_mut().poll(&mut context).is_ready()
        {
            *latest = None;
        }
        latest.is_none()
    }

    /// Waits for the turn; the value must be in the order of writes before it is dropped.
    pub(crate) fn turn(&self) -> QueueTurn<'_> {
        QueueTurn(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl QueueTurn<'_> {
    /// Whether `value` is to be stored; `false` for an acknowledgement that a new event has
    /// overtaken. `now` is where the channel manager's writes stand.
    pub(crate) fn take(&mut self, value: &[u8], now: ChannelManagerMark) -> bool {
        let writes = &mut *self.0;
        let acknowledging_since = ACKNOWLEDGING_SINCE.get();
        if acknowledging_since.is_none() {
            writes.added_at = now;
        }
        let overtaken = acknowledging_since.is_some_and(|began| writes.count > began)
            && is_the_beginning(value, &writes.last);
        if !overtaken {
            writes.count += 1;
            writes.last = value.to_vec();
        }
        !overtaken
    }

    /// The value that was taken is on its way.
    pub(crate) fn begun(&mut self, durable: Durable) {
        if ACKNOWLEDGING_SINCE.get().is_some() {
            self.0.acknowledgement = Some(durable);
        }
    }
}

/// Whether the queue `newer` is `older` with events added: the head had left both when `newer` was
/// encoded.
///
/// A queue of equal events may look like this the other way round; then the head stays, and comes
/// again.
fn is_the_beginning(older: &[u8], newer: &[u8]) -> bool {
    match (older.get(COUNT_BYTES..), newer.get(COUNT_BYTES..)) {
        (Some(older), Some(newer)) => newer.len() > older.len() && newer.starts_with(older),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(events: &[&str]) -> Vec<u8> {
        let count = u16::try_from(events.len()).expect("few");
        [&count.to_be_bytes(), events.concat().as_bytes()].concat()
    }

    fn overtaken(stored: &[&str], added: &[&str], acknowledged: &[&str]) -> bool {
        let writes = EventQueueWrites::default();
        assert!(
            writes
                .turn()
                .take(&queue(stored), ChannelManagerMark::default())
        );
        writes.acknowledging(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    assert!(
                        writes
                            .turn()
                            .take(&queue(added), ChannelManagerMark::default())
                    )
                });
            });
            !writes
                .turn()
                .take(&queue(acknowledged), ChannelManagerMark::default())
        })
    }

    #[test]
    fn an_acknowledgement_that_a_new_event_overtook_is_not_stored() {
        assert!(overtaken(&["head"], &["new"], &[]));
        assert!(overtaken(&["head", "next"], &["next", "new"], &["next"]));
    }

    #[test]
    fn an_acknowledgement_encoded_after_the_new_event_is_stored() {
        assert!(!overtaken(&["head"], &["head", "new"], &["new"]));
        assert!(!overtaken(
            &["head", "next"],
            &["head", "next", "new"],
            &["next", "new"]
        ));
    }

    #[test]
    fn an_acknowledgement_alone_is_stored() {
        let writes = EventQueueWrites::default();
        assert!(
            writes
                .turn()
                .take(&queue(&["head"]), ChannelManagerMark::default())
        );
        assert!(writes.acknowledging(|| {
            writes
                .turn()
                .take(&queue(&[]), ChannelManagerMark::default())
        }));
        assert!(
            writes
                .turn()
                .take(&queue(&["new"]), ChannelManagerMark::default())
        );
    }
}
