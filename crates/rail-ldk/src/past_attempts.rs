//! [`PastAttempts`]: the payment hashes that stand in the stored channels for attempts that are over.
//!
//! A channel's monitor keeps the payment hash of every HTLC that it ever held. Once a payment was sent and came back,
//! its hash in a monitor tells nothing of the next attempt, so a crash before the next call would leave that attempt in
//! doubt for ever. Therefore a mark is stored when all attempts of a hash are over, before the next may begin. It is
//! removed in the very transaction in which a monitor takes the hash in again, which is before the peer hears of it.
//!
//! It must never stand while an HTLC of its hash is in a channel and the stored channel manager does not hold the hash:
//! then a crash would prove unsent what is in flight. So what is in memory is never less than what is stored, and an
//! attempt is announced ([`PastAttempts::begin`]) before LDK is asked.
//!
//! Until it is announced a mark does not mind the hash in a monitor: LDK writes whole monitors, with all of their past,
//! at every block. An HTLC that waits in a channel for its turn stands in the channel manager first; should the process
//! die then, the manager holds the hash until the payment has ended.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightning::util::persist::{
    ARCHIVED_CHANNEL_MONITOR_PERSISTENCE_PRIMARY_NAMESPACE,
    CHANNEL_MONITOR_PERSISTENCE_PRIMARY_NAMESPACE,
    CHANNEL_MONITOR_UPDATE_PERSISTENCE_PRIMARY_NAMESPACE,
};
use payments::payment_hash::PaymentHash;
use payments::ports::{Durable, NodeState, NodeStateError, StateChange, StateKey};

/// Where the marks stand.
const MARKS: (&str, &str) = ("leyden_past_attempts", "");

/// Where the stored channels hold payment hashes of the past.
const CHANNELS: [&str; 3] = [
    CHANNEL_MONITOR_PERSISTENCE_PRIMARY_NAMESPACE,
    CHANNEL_MONITOR_UPDATE_PERSISTENCE_PRIMARY_NAMESPACE,
    ARCHIVED_CHANNEL_MONITOR_PERSISTENCE_PRIMARY_NAMESPACE,
];

/// The marks that are stored, and whether a new attempt is announced.
#[derive(Default)]
pub(crate) struct PastAttempts(Mutex<HashMap<PaymentHash, Mark>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Stands,
    /// A monitor that holds the hash is the new attempt's.
    Announced,
}

impl PastAttempts {
    fn lock(&self) -> MutexGuard<'_, HashMap<PaymentHash, Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the marks of earlier processes, before the node runs.
    pub(crate) fn load(&self, state: &dyn NodeState) -> Result<(), NodeStateError> {
        let keys = state.list(MARKS.0, MARKS.1)?;
        let hashes = keys
            .iter()
            .filter_map(|key| PaymentHash::from_str(key).ok());
        self.lock().extend(hashes.map(|hash| (hash, Mark::Stands)));
        Ok(())
    }

    /// Every attempt of this hash is over. Answers when that is durable.
    pub(crate) fn end(&self, state: &dyn NodeState, hash: &PaymentHash) {
        let stored = {
            let mut marks = self.lock();
            match marks.insert(*hash, Mark::Stands) {
                Some(_) => None,
                None => Some(state.write(mark(hash), vec![1])),
            }
        };
        if let Some(durable) = stored {
            pollster::block_on(durable);
        }
    }

    /// An attempt begins. Answers whether there were others.
    pub(crate) fn begin(&self, hash: &PaymentHash) -> bool {
        match self.lock().get_mut(hash) {
            Some(mark) => {
                *mark = Mark::Announced;
                true
            }
            None => false,
        }
    }

    /// Writes one value of the node, and removes the marks that it ends, all at once.
    pub(crate) fn write(&self, state: &dyn NodeState, key: StateKey, value: Vec<u8>) -> Durable {
        if !holds_the_past(&key) {
            return state.write(key, value);
        }
        let (mut marks, mut changes) = (self.lock(), Vec::new());
        marks.retain(|hash, state| {
            let is_taken_in = *state == Mark::Announced && holds(&value, hash);
            changes.extend(is_taken_in.then(|| StateChange::Remove(mark(hash))));
            !is_taken_in
        });
        changes.push(StateChange::Put(key, value));
        // Under the lock: a hash that is marked again comes after it.
        state.change(changes)
    }

    /// The hashes that are marked.
    pub(crate) fn hashes(&self) -> Vec<PaymentHash> {
        self.lock().keys().copied().collect()
    }

    /// Nobody will ask for this hash again. Answers when the mark is gone.
    pub(crate) fn forget(&self, state: &dyn NodeState, hash: &PaymentHash) {
        let removed = {
            let mut marks = self.lock();
            marks.remove(hash).map(|_| state.remove(mark(hash)))
        };
        if let Some(durable) = removed {
            pollster::block_on(durable);
        }
    }
}

/// The hash whose mark stands at `key`.
pub(crate) fn marked(key: &StateKey) -> Option<PaymentHash> {
    let is_mark = (key.primary.as_str(), key.secondary.as_str()) == MARKS;
    is_mark.then(|| PaymentHash::from_str(&key.key).ok())?
}

/// Whether the value at `key` may hold hashes of payments that are over.
pub(crate) fn holds_the_past(key: &StateKey) -> bool {
    CHANNELS.contains(&key.primary.as_str())
}

fn mark(hash: &PaymentHash) -> StateKey {
    StateKey {
        primary: MARKS.0.to_owned(),
        secondary: MARKS.1.to_owned(),
        key: hash.to_string(),
    }
}

fn holds(value: &[u8], hash: &PaymentHash) -> bool {
    memchr::memmem::find(value, hash.as_bytes()).is_some()
}

#[cfg(test)]
mod tests;
