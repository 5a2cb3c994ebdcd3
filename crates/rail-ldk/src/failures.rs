//! [`Failures`]: which failures can never come back, whatever crash follows.
//!
//! A payment hash may be sent again after a failure only when the failure's event is acknowledged and a channel
//! manager that knows it is durable; otherwise a crash brings the old failure back, and it would fail the second
//! attempt. It must never call a failure final on a guess: what it cannot read is not final.
//!
//! Why a write of the channel manager that begins after its event was given is enough (lightning-background-processor
//! 0.2.3, `process_events_async`): one task hands LDK's pending events to ldk-node's handler, drains them when the
//! handler has returned, and only then, in the same turn of its loop, encodes and writes the channel manager; nothing
//! else writes it. The handler puts the event into ldk-node's queue, from which it is given to us, so a write that
//! begins after the event stood in the queue is of a manager without it. Having handled an event, LDK always writes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use payments::payment_hash::PaymentHash;

use crate::kv::{ChannelManagerMark, NodeStateKv};

/// The failures that were given out and are not final yet.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Given>);

#[derive(Default)]
struct Given {
    /// The one that waits for its acknowledgement.
    latest: Option<PaymentHash>,
    by_hash: HashMap<PaymentHash, Failure>,
}

struct Failure {
    since: ChannelManagerMark,
    is_acknowledged: bool,
}

impl Failures {
    fn lock(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event was given out: the failure of this payment, or none.
    pub(crate) fn given(&self, kv: &NodeStateKv, failed: Option<PaymentHash>) {
        let mut given = self.lock();
        given.latest = failed;
        if let Some(hash) = failed {
            // Once the event stands in the stored queue the mark may be that of its coming, which lets the very write
            // count that LDK makes for it. In an idle node no other would come before the next block.
            let since = match kv.queued(&hash) {
                (true, added_at) => added_at,
                (false, _) => kv.channel_manager_mark(),
            };
            let failure = Failure {
                since,
                is_acknowledged: false,
            };
            given.by_hash.insert(hash, failure);
        }
    }

    /// The event that was given last is acknowledged; its acknowledgement is on its way.
    pub(crate) fn acknowledged(&self) {
        let mut given = self.lock();
        if let Some(hash) = given.latest.take()
            && let Some(failure) = given.by_hash.get_mut(&hash)
        {
            failure.is_acknowledged = true;
        }
    }

    /// Whether no failure of this payment can come any more. One that was given by an earlier process needs a channel
    /// manager of this one: its events were handed out again before that was written.
    pub(crate) fn is_final(&self, kv: &NodeStateKv, hash: &PaymentHash) -> bool {
        let since = match self.lock().by_hash.get(hash) {
            Some(failure) if !failure.is_acknowledged => return false,
            Some(failure) => failure.since,
            None => ChannelManagerMark::default(),
        };
        // In this order: what the manager let go stands in the queue by then.
        let is_final = kv.are_acknowledgements_durable()
            && kv.channel_manager_written_since(since)
            && kv.is_in_channel_manager(hash) == Some(false)
            && !kv.queued(hash).0;
        if is_final {
            self.lock().by_hash.remove(hash);
        }
        is_final
    }
}

#[cfg(test)]
mod tests;
