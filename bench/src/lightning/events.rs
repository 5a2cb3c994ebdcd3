//! A node and the thread that takes its events, acknowledging each as it comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::{Event, Node};

use super::LightningError;

/// How long the thread waits for an event before it looks whether it should stop.
const WAIT: Duration = Duration::from_millis(200);

/// The end of a payment that the node made.
pub struct Ended {
    /// Which one it was, or why it failed.
    pub payment: Result<PaymentId, String>,
    /// When its event came.
    pub at: Instant,
}

/// A running node whose events are taken.
pub struct EventfulNode {
    /// The node.
    pub node: Arc<Node>,
    ends: Mutex<Receiver<Ended>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), LightningError>>,
}

impl EventfulNode {
    /// Takes the events of `node`, which runs.
    pub fn new(node: Node) -> Result<Self, LightningError> {
        let node = Arc::new(node);
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, ends) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let (its_node, its_stop) = (Arc::clone(&node), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !its_stop.load(Ordering::Relaxed) {
                let next = async { tokio::time::timeout(WAIT, its_node.next_event_async()).await };
                let Ok(event) = runtime.block_on(next) else {
                    continue;
                };
                tell_end(&tell, event);
                its_node.event_handled()?;
            }
            Ok(())
        });
        Ok(Self {
            node,
            ends: Mutex::new(ends),
            stop,
            thread,
        })
    }

    /// The next end of a payment, waiting for it.
    pub fn ended(&self, patience: Duration) -> Option<Ended> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.recv_timeout(patience).ok()
    }

    /// Stops the thread and the node.
    pub fn stop(self) -> Result<(), LightningError> {
        self.stop.store(true, Ordering::Relaxed);
        let died = Err(LightningError::TimedOut("the end of the event thread"));
        self.thread.join().unwrap_or(died)?;
        Ok(self.node.stop()?)
    }
}

fn tell_end(tell: &Sender<Ended>, event: Event) {
    let at = Instant::now();
    let payment = match event {
        Event::PaymentSuccessful {
            payment_id: Some(id),
            ..
        } => Ok(id),
        Event::PaymentFailed { reason, .. } => Err(format!("{reason:?}")),
        _ => return,
    };
    // Nobody listens any more when the run is over.
    let _ = tell.send(Ended { payment, at });
}
