//! [`NodeStateKv`]: the node's byte store as LDK sees it (`KVStore` and `KVStoreSync`).
//!
//! A write is answered when it is durable, and never with an error: LDK panics on a failed monitor write. Two kinds are
//! answered at once, in their order: the records of payments and the queue of events. Nobody else is told of them, and
//! LDK brings them about again as long as no later channel manager is durable. A read that fails must never look like a
//! missing key, or the node would start afresh and forget its channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lightning::io;
use lightning::util::async_poll::AsyncResult;
use lightning::util::persist::{
    CHANNEL_MANAGER_PERSISTENCE_KEY, CHANNEL_MANAGER_PERSISTENCE_PRIMARY_NAMESPACE,
    CHANNEL_MANAGER_PERSISTENCE_SECONDARY_NAMESPACE, KVStore, KVStoreSync,
};
use payments::payment_hash::PaymentHash;
use payments::ports::{Durable, NodeState, NodeStateError, StateKey};

use crate::event_queue::EventQueueWrites;
use crate::past_attempts::PastAttempts;

/// Where ldk-node keeps its records of payments (`PAYMENT_INFO_PERSISTENCE_*` in its `io` module, 0.7.1).
const PAYMENTS: &str = "payments";

/// A point in the order of the channel manager's writes; see [`NodeStateKv::channel_manager_mark`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelManagerMark(u64);

/// LDK's key-value store over a [`NodeState`]. Clones are handles on the same one.
#[derive(Clone)]
pub struct NodeStateKv {
    state: Arc<dyn NodeState>,
    manager: Arc<ChannelManagerWrites>,
    event_queue: Arc<EventQueueWrites>,
    past_attempts: Arc<PastAttempts>,
}

#[derive(Default)]
struct ChannelManagerWrites {
    begun: AtomicU64,
    durable: AtomicU64,
}

impl NodeStateKv {
    /// An adapter over `state`.
    pub fn new(state: Arc<dyn NodeState>) -> Self {
        Self {
            state,
            manager: Arc::default(),
            event_queue: Arc::default(),
            past_attempts: Arc::default(),
        }
    }

    /// The same, with what earlier processes have marked in `state`: for a node that sends payments.
    ///
    /// # Errors
    /// [`NodeStateError`].
    pub fn load(state: Arc<dyn NodeState>) -> Result<Self, NodeStateError> {
        let kv = Self::new(state);
        kv.past_attempts.load(kv.state.as_ref())?;
        Ok(kv)
    }

    /// Every attempt of this payment is over: see [`crate::past_attempts`].
    pub(crate) fn end_attempts(&self, payment_hash: &PaymentHash) {
        self.past_attempts.end(self.state.as_ref(), payment_hash);
    }

    /// An attempt of this payment begins. Answers whether there were others.
    pub(crate) fn begin_attempt(&self, payment_hash: &PaymentHash) -> bool {
        self.past_attempts.begin(payment_hash)
    }

    /// The payments all of whose attempts are over, and which may be sent again.
    pub(crate) fn past_attempts(&self) -> Vec<PaymentHash> {
        self.past_attempts.hashes()
    }

    /// Nobody will ask for this payment again.
    pub(crate) fn forget_attempts(&self, payment_hash: &PaymentHash) {
        self.past_attempts.forget(self.state.as_ref(), payment_hash);
    }

    /// Waits until everything that was written so far is durable: before somebody is told of a payment's record.
    pub(crate) fn wait_until_durable(&self) {
        pollster::block_on(self.state.change(Vec::new()));
    }

    /// Now, in the order of the channel manager's writes.
    ///
    /// A payment hash may be sent again after a failure only when the failure's event is
    /// acknowledged and a channel manager that knows it is durable; otherwise a crash brings the
    /// old failure back, and it would fail the second attempt: see [`crate::failures`].
    pub fn channel_manager_mark(&self) -> ChannelManagerMark {
        ChannelManagerMark(self.manager.begun.load(Ordering::SeqCst))
    }

    /// Whether a write of the channel manager that began after `mark` is durable.
    pub fn channel_manager_written_since(&self, mark: ChannelManagerMark) -> bool {
        self.manager.durable.load(Ordering::SeqCst) > mark.0
    }

    /// Whether the stored event queue carries `payment_hash`, and a mark that is not older than the event it
    /// carries; see [`EventQueueWrites::holds`].
    pub(crate) fn queued(&self, payment_hash: &PaymentHash) -> (bool, ChannelManagerMark) {
        self.event_queue.holds(payment_hash.as_bytes())
    }

    /// Whether no acknowledged event can come again; see [`EventQueueWrites::are_acknowledgements_durable`].
    pub(crate) fn are_acknowledgements_durable(&self) -> bool {
        self.event_queue.are_acknowledgements_durable()
    }

    /// Whether the stored channel manager carries `payment_hash`; `None` when it cannot be read.
    pub(crate) fn is_in_channel_manager(&self, payment_hash: &PaymentHash) -> Option<bool> {
        let key = state_key(
            CHANNEL_MANAGER_PERSISTENCE_PRIMARY_NAMESPACE,
            CHANNEL_MANAGER_PERSISTENCE_SECONDARY_NAMESPACE,
            CHANNEL_MANAGER_PERSISTENCE_KEY,
        );
        let stored = self.state.read(&key).ok()??;
        let hash = payment_hash.as_bytes();
        Some(stored.windows(hash.len()).any(|part| part == hash))
    }

    /// Runs an acknowledgement of an event; see [`EventQueueWrites`].
    pub(crate) fn acknowledging<T>(&self, acknowledge: impl FnOnce() -> T) -> T {
        self.event_queue.acknowledging(acknowledge)
    }

    fn begin_write(&self, key: StateKey, value: Vec<u8>) -> (Durable, Option<u64>) {
        if EventQueueWrites::is_queue(&key.primary, &key.secondary, &key.key) {
            let mut turn = self.event_queue.turn();
            if turn.take(&value, self.channel_manager_mark()) {
                turn.begun(self.state.write(key, value));
            }
            return (at_once(), None);
        }
        if key.primary == PAYMENTS {
            drop(self.state.write(key, value));
            return (at_once(), None);
        }
        let number =
            is_channel_manager(&key).then(|| self.manager.begun.fetch_add(1, Ordering::SeqCst) + 1);
        let durable = self.past_attempts.write(self.state.as_ref(), key, value);
        (durable, number)
    }

    fn finish_write(manager: &ChannelManagerWrites, number: Option<u64>) {
        if let Some(number) = number {
            manager.durable.fetch_max(number, Ordering::SeqCst);
        }
    }

    fn read_now(&self, key: &StateKey) -> Result<Vec<u8>, io::Error> {
        match self.state.read(key) {
            Ok(Some(value)) => {
                if EventQueueWrites::is_queue(&key.primary, &key.secondary, &key.key) {
                    self.event_queue.found(&value);
                }
                Ok(value)
            }
            Ok(None) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no value at this key",
            )),
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn list_now(&self, primary: &str, secondary: &str) -> Result<Vec<String>, io::Error> {
        self.state
            .list(primary, secondary)
            .map_err(|error| unreadable(&error))
    }
}

impl KVStoreSync for NodeStateKv {
    fn read(&self, primary: &str, secondary: &str, key: &str) -> Result<Vec<u8>, io::Error> {
        self.read_now(&state_key(primary, secondary, key))
    }

    fn write(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        buf: Vec<u8>,
    ) -> Result<(), io::Error> {
        let (durable, number) = self.begin_write(state_key(primary, secondary, key), buf);
        pollster::block_on(durable);
        Self::finish_write(&self.manager, number);
        Ok(())
    }

    // `lazy` permits to remove later; removing now is within the contract.
    fn remove(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        _lazy: bool,
    ) -> Result<(), io::Error> {
        pollster::block_on(self.state.remove(state_key(primary, secondary, key)));
        Ok(())
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, io::Error> {
        self.list_now(primary, secondary)
    }
}

// Everything here is begun when it is called, not when its future is polled: LDK numbers its writes
// by its calls.
impl KVStore for NodeStateKv {
    fn read(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
    ) -> AsyncResult<'static, Vec<u8>, io::Error> {
        let answer = self.read_now(&state_key(primary, secondary, key));
        Box::pin(std::future::ready(answer))
    }

    fn write(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        buf: Vec<u8>,
    ) -> AsyncResult<'static, (), io::Error> {
        let (durable, number) = self.begin_write(state_key(primary, secondary, key), buf);
        let manager = Arc::clone(&self.manager);
        Box::pin(async move {
            durable.await;
            Self::finish_write(&manager, number);
            Ok(())
        })
    }

    fn remove(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        _lazy: bool,
    ) -> AsyncResult<'static, (), io::Error> {
        let durable = self.state.remove(state_key(primary, secondary, key));
        Box::pin(async move {
            durable.await;
            Ok(())
        })
    }

    fn list(&self, primary: &str, secondary: &str) -> AsyncResult<'static, Vec<String>, io::Error> {
        Box::pin(std::future::ready(self.list_now(primary, secondary)))
    }
}

fn at_once() -> Durable {
    Box::pin(std::future::ready(()))
}

fn state_key(primary: &str, secondary: &str, key: &str) -> StateKey {
    StateKey {
        primary: primary.to_owned(),
        secondary: secondary.to_owned(),
        key: key.to_owned(),
    }
}

fn is_channel_manager(key: &StateKey) -> bool {
    key.primary == CHANNEL_MANAGER_PERSISTENCE_PRIMARY_NAMESPACE
        && key.secondary == CHANNEL_MANAGER_PERSISTENCE_SECONDARY_NAMESPACE
        && key.key == CHANNEL_MANAGER_PERSISTENCE_KEY
}

fn unreadable(error: &NodeStateError) -> io::Error {
    tracing::error!(%error, "the node's state cannot be read");
    io::Error::new(io::ErrorKind::Other, "the node's state cannot be read")
}

#[cfg(test)]
mod tests;
