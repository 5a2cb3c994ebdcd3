//! Wake-ups inside the process, given only after what they tell of is durable.
//!
//! A wake-up carries nothing: whoever wakes looks into the database. It shortens a wait and must
//! never be the only thing that ends one.

use tokio::sync::watch;

/// What there may be more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Events in the outbox.
    Events,
    /// Withdrawals to dispatch.
    Withdrawals,
    /// Webhook deliveries that are due.
    Deliveries,
}

const ALL: [Signal; 3] = [Signal::Events, Signal::Withdrawals, Signal::Deliveries];

/// A set of signals.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SignalSet(u8);

impl SignalSet {
    pub(crate) fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal as u8;
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal as u8) != 0
    }
}

/// The senders, one for each signal.
#[derive(Debug)]
pub(crate) struct Bells([watch::Sender<u64>; ALL.len()]);

impl Bells {
    pub(crate) fn new() -> Self {
        Self(ALL.map(|_| watch::Sender::new(0)))
    }

    pub(crate) fn ring(&self, signals: SignalSet) {
        for signal in ALL.into_iter().filter(|signal| signals.contains(*signal)) {
            self.0[signal as usize].send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(crate) fn subscribe(&self, signal: Signal) -> Wakeups {
        Wakeups(self.0[signal as usize].subscribe())
    }
}

/// Receives the wake-ups of one [`Signal`]; several that come during a piece of work are one.
#[derive(Debug, Clone)]
pub struct Wakeups(watch::Receiver<u64>);

impl Wakeups {
    /// Waits for a signal since the subscription or since the last wake-up. Dropping the future
    /// loses none.
    ///
    /// # Errors
    /// [`StoreGone`] when the last handle to the store was dropped, so that nothing can come any
    /// more.
    pub async fn next(&mut self) -> Result<(), StoreGone> {
        self.0.changed().await.map_err(|_| StoreGone)
    }
}

/// The last handle to the store was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store is gone")]
pub struct StoreGone;
