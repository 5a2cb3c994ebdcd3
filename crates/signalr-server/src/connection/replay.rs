//! What stateful reconnect remembers: messages that the client has not acknowledged, and how
//! far it has been heard.
//!
//! Only messages of types 1 to 5 count, from 1 on. `sequenceId` is the number of the first
//! message that follows: the oldest unacknowledged one, or the next if there is none.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::transport::Frame;

/// Messages to the client.
pub(crate) struct Replay {
    sent: Mutex<Sent>,
    room: Notify,
    max_bytes: usize,
}

#[derive(Default)]
struct Sent {
    /// How many counted messages there were.
    count: u64,
    unacknowledged: VecDeque<Frame>,
    bytes: usize,
}

impl Replay {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            sent: Mutex::default(),
            room: Notify::new(),
            max_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message that is about to be written.
    pub(super) fn record(&self, frame: &Frame) {
        if frame.counted {
            let mut sent = self.lock();
            sent.count += 1;
            sent.bytes += frame.len();
            sent.unacknowledged.push_back(frame.clone());
        }
    }

    /// Forgets what the client has seen: everything up to `sequence_id`.
    pub(super) fn acknowledge(&self, sequence_id: u64) {
        let mut sent = self.lock();
        while sent.first() <= sequence_id {
            let Some(frame) = sent.unacknowledged.pop_front() else {
                break;
            };
            sent.bytes -= frame.len();
        }
        drop(sent);
        self.room.notify_one();
    }

    pub(super) fn has_room(&self) -> bool {
        self.lock().bytes < self.max_bytes
    }

    /// Waits until something may be written. One task only may wait here.
    pub(super) async fn room(&self) {
        while !self.has_room() {
            self.room.notified().await;
        }
    }

    /// What a new socket begins with: the number of the first message, and the messages.
    pub(super) fn again(&self) -> (u64, Vec<Frame>) {
        let sent = self.lock();
        (sent.first(), sent.unacknowledged.iter().cloned().collect())
    }
}

impl Sent {
    /// The number of the oldest unacknowledged message, or of the next one.
    fn first(&self) -> u64 {
        self.count + 1 - self.unacknowledged.len() as u64
    }
}

/// What has been heard from the client.
pub(super) struct Heard {
    /// The number of the next message on this socket.
    next: u64,
    /// The highest number seen.
    highest: u64,
    acknowledged: u64,
    /// A new socket whose Sequence has not come: everything else on it is dropped.
    awaits_sequence: bool,
}

/// The client announced messages that would leave a gap.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Sequence ID greater than amount of messages we've received.")]
pub(super) struct Gap;

impl Heard {
    pub(super) const fn new() -> Self {
        Self {
            next: 1,
            highest: 0,
            acknowledged: 0,
            awaits_sequence: false,
        }
    }

    /// The client is on a new socket.
    pub(super) const fn reattached(&mut self) {
        self.awaits_sequence = true;
    }

    /// Whether messages are dropped until the client says where it begins.
    pub(super) const fn awaits_sequence(&self) -> bool {
        self.awaits_sequence
    }

    /// The client begins at that number.
    pub(super) const fn sequence(&mut self, sequence_id: u64) -> Result<(), Gap> {
        if sequence_id > self.highest + 1 {
            return Err(Gap);
        }
        self.next = sequence_id;
        self.awaits_sequence = false;
        Ok(())
    }

    /// Counts a message; whether it is new.
    pub(super) const fn count(&mut self) -> bool {
        let number = self.next;
        self.next += 1;
        if number <= self.highest {
            return false;
        }
        self.highest = number;
        true
    }

    /// Whether there is something to acknowledge.
    pub(super) const fn owes_ack(&self) -> bool {
        self.highest > self.acknowledged
    }

    /// The number to acknowledge now.
    pub(super) const fn ack(&mut self) -> u64 {
        self.acknowledged = self.highest;
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn frame(counted: bool) -> Frame {
        Frame {
            bytes: Bytes::from_static(b"12345"),
            binary: false,
            counted,
        }
    }

    #[test]
    fn a_sequence_is_the_oldest_unacknowledged_message_or_the_next() {
        let replay = Replay::new(10);
        assert_eq!(replay.again().0, 1);
        for counted in [true, false, true] {
            replay.record(&frame(counted));
        }
        assert_eq!((replay.again().0, replay.again().1.len()), (1, 2));
        assert!(!replay.has_room());
        replay.acknowledge(1);
        assert!(replay.has_room());
        assert_eq!((replay.again().0, replay.again().1.len()), (2, 1));
        // Beyond what was sent: nothing is left, and numbers go on.
        replay.acknowledge(9);
        assert_eq!((replay.again().0, replay.again().1.len()), (3, 0));
    }

    #[test]
    fn messages_are_counted_once_whatever_is_repeated() {
        let mut heard = Heard::new();
        assert!(heard.count() && heard.count());
        assert_eq!(heard.ack(), 2);
        heard.reattached();
        assert!(heard.awaits_sequence());
        assert_eq!(heard.sequence(4), Err(Gap));
        assert_eq!(heard.sequence(2), Ok(()));
        assert!(!heard.count(), "seen before");
        assert!(heard.count());
        assert!(heard.owes_ack());
        assert_eq!(heard.ack(), 3);
    }
}
