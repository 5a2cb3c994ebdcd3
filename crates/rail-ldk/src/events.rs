//! The event pump of a node: one event at a time, given again until it is acknowledged.
//!
//! It must never drop an event that was not given out, and there must be one consumer only.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::node::LdkNode;
use crate::node_event::NodeEvent;
use crate::plain_thread::on_plain_thread;

impl LdkNode {
    /// The oldest event that is not acknowledged, waiting at most `wait` for one.
    pub fn next_node_event(&self, wait: Duration) -> Option<NodeEvent> {
        let event = on_plain_thread(|| {
            self.runtime().block_on(async {
                tokio::time::timeout(wait, self.node.next_event_async())
                    .await
                    .ok()
            })
        })?;
        self.event_given.store(true, Ordering::SeqCst);
        Some(NodeEvent::from(event))
    }

    /// Acknowledges the event that [`LdkNode::next_node_event`] gave last; without one it does
    /// nothing.
    ///
    /// A failed write is not tried again: ldk-node has taken the event out of its queue in memory
    /// before it stores the queue, so a second call would drop the *next* event, unseen. Our own
    /// store never fails a write; and if the stored queue is the old one, the event comes again
    /// after a restart, which is harmless.
    pub fn acknowledge_event(&self) {
        if !self.event_given.swap(false, Ordering::SeqCst) {
            tracing::error!("an acknowledgement without an event is ignored");
            return;
        }
        if let Err(error) = on_plain_thread(|| self.kv.acknowledging(|| self.node.event_handled()))
        {
            tracing::error!(%error, "an acknowledged event may come again after a restart");
        }
    }
}
