//! Wake-ups, given only after what they tell of is durable: inside the process, and to the other processes on the same
//! database where it can carry them.
//!
//! A wake-up carries nothing: whoever wakes looks into the database. It shortens a wait and must
//! never be the only thing that ends one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::told::{Heard, MOST_HEARD, Untold};

/// What there may be more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Events in the outbox.
    Events,
    /// Withdrawals to dispatch.
    Withdrawals,
    /// Webhook deliveries that are due.
    Deliveries,
    /// Commands for the node.
    NodeCommands,
    /// Answers of the node, and what is known of it.
    NodeAnswers,
}

const ALL: [Signal; 5] = [
    Signal::Events,
    Signal::Withdrawals,
    Signal::Deliveries,
    Signal::NodeCommands,
    Signal::NodeAnswers,
];

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Withdrawals => "withdrawals",
            Self::Deliveries => "deliveries",
            Self::NodeCommands => "node-commands",
            Self::NodeAnswers => "node-answers",
        }
    }
}

/// A set of signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SignalSet(u8);

impl SignalSet {
    pub(crate) fn all() -> Self {
        let mut all = Self::default();
        ALL.into_iter().for_each(|signal| all.insert(signal));
        all
    }

    pub(crate) fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal as u8;
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal as u8) != 0
    }

    /// The names of its signals, as other processes read them.
    pub(crate) fn to_text(self) -> String {
        let names = ALL.into_iter().filter(|signal| self.contains(*signal));
        names.map(Signal::name).collect::<Vec<_>>().join(",")
    }

    /// Reads [`SignalSet::to_text`]; a name that only a newer version knows is left out.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut set = Self::default();
        for signal in ALL {
            if text.split(',').any(|name| name == signal.name()) {
                set.insert(signal);
            }
        }
        set
    }
}

/// The senders, one for each signal, and what the other processes have yet to be told.
#[derive(Debug)]
pub(crate) struct Bells {
    senders: [watch::Sender<u64>; ALL.len()],
    outgoing: Mutex<Outgoing>,
    changed: Condvar,
    heard: broadcast::Sender<Arc<str>>,
}

#[derive(Debug, Default)]
struct Outgoing {
    signals: SignalSet,
    texts: Untold,
    closed: bool,
    /// Nobody tells: on SQLite there is nobody else.
    silent: bool,
}

impl Bells {
    /// Bells that ring in this process alone.
    pub(crate) fn new() -> Self {
        let bells = Self::telling();
        bells.stop_telling();
        bells
    }

    /// Bells whose rings are kept for [`Bells::next_to_tell`] too.
    pub(crate) fn telling() -> Self {
        Self {
            senders: ALL.map(|_| watch::Sender::new(0)),
            outgoing: Mutex::default(),
            changed: Condvar::new(),
            heard: broadcast::Sender::new(MOST_HEARD),
        }
    }

    /// Wakes whoever waits, here and in other processes.
    pub(crate) fn ring(&self, signals: SignalSet) {
        if signals == SignalSet::default() {
            return;
        }
        self.ring_here(signals);
        let mut outgoing = self.outgoing();
        if !outgoing.silent {
            outgoing.signals.extend(signals);
            self.changed.notify_all();
        }
    }

    /// Wakes whoever waits in this process.
    pub(crate) fn ring_here(&self, signals: SignalSet) {
        for signal in ALL.into_iter().filter(|signal| signals.contains(*signal)) {
            self.senders[signal as usize].send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(crate) fn subscribe(&self, signal: Signal) -> Wakeups {
        Wakeups(self.senders[signal as usize].subscribe())
    }

    /// Waits for something that other processes have to be told: signals, of which several are one, and texts.
    /// `None` when the store is closed.
    pub(crate) fn next_to_tell(&self) -> Option<(SignalSet, Vec<String>)> {
        let idle = |outgoing: &mut Outgoing| {
            let nothing = outgoing.signals == SignalSet::default() && outgoing.texts.is_empty();
            nothing && !outgoing.closed
        };
        let waited = self.changed.wait_while(self.outgoing(), idle);
        let mut outgoing = waited.unwrap_or_else(PoisonError::into_inner);
        let signals = std::mem::take(&mut outgoing.signals);
        let texts = outgoing.texts.take();
        (!outgoing.closed).then_some((signals, texts))
    }

    /// Keeps a text for the other processes; it is lost when too much waits already.
    pub(crate) fn tell(&self, text: String) {
        let mut outgoing = self.outgoing();
        if !outgoing.silent {
            outgoing.texts.add(text);
            self.changed.notify_all();
        }
    }

    /// Another process has told this.
    pub(crate) fn hear(&self, text: &str) {
        // Without a listener there is nobody to tell.
        drop(self.heard.send(text.into()));
    }

    pub(crate) fn listen(&self) -> Heard {
        Heard::new(self.heard.subscribe())
    }

    /// Other processes need not be told any more.
    pub(crate) fn stop_telling(&self) {
        self.outgoing().silent = true;
    }

    /// The store is closed.
    pub(crate) fn close(&self) {
        self.outgoing().closed = true;
        self.changed.notify_all();
    }

    /// Waits no longer than `patience` for the end of the store.
    pub(crate) fn is_closed_within(&self, patience: Duration) -> bool {
        let open = |outgoing: &mut Outgoing| !outgoing.closed;
        let waited = self
            .changed
            .wait_timeout_while(self.outgoing(), patience, open);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_process_reads_is_what_was_told() {
        for bits in 0..1 << ALL.len() {
            let set = SignalSet(bits);
            assert_eq!(SignalSet::from_text(&set.to_text()), set);
        }
        let newer = SignalSet::from_text("events,something-new");
        assert!(newer.contains(Signal::Events) && !newer.contains(Signal::Deliveries));
    }
}
