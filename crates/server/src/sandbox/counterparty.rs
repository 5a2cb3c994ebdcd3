//! The counterparty: a second node with a will that can be chosen, invoice by invoice. Those behind the router are of
//! the same kind.
//!
//! It stands for everybody else on the network. It must never look into our books.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{Entropy, PaymentFailure, SystemEntropy};
use rail_ldk::{HeldPaymentError, LdkNode, NodeEvent, ReceiveError, SendError};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wire::sandbox::{Behaviour, ReleaseAction};

use super::held::{HeldInvoice, HeldInvoices};

/// How long one look for an event waits.
const WAIT: Duration = Duration::from_millis(100);
/// How long a slow invoice takes.
const SLOW: Duration = Duration::from_secs(10);

/// How a payment of the counterparty ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    /// The payee has it.
    Settled(Option<PaymentPreimage>),
    /// It came back.
    Failed(PaymentFailure),
}

/// An invoice of the counterparty.
pub(super) struct MadeInvoice {
    pub(super) bolt11: String,
    pub(super) payment_hash: PaymentHash,
    pub(super) expires_at: Option<jiff::Timestamp>,
}

/// Why a held payment was not ended.
#[derive(Debug)]
pub(super) enum ReleaseError {
    /// Nothing of this hash is held.
    NotHeld,
    /// The node refused.
    Node(HeldPaymentError),
}

/// The counterparty's node, with what it was told.
pub(super) struct Counterparty {
    pub(super) node: Arc<LdkNode>,
    held: HeldInvoices,
    waiting: Mutex<HashMap<PaymentHash, oneshot::Sender<Ended>>>,
    slow: Mutex<Vec<(Instant, PaymentHash)>>,
    stop: CancellationToken,
    events: Mutex<Option<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counterparty {
    /// Takes charge of a started node.
    pub(super) fn start(node: Arc<LdkNode>, held: HeldInvoices) -> std::io::Result<Arc<Self>> {
        let counterparty = Arc::new(Self {
            node,
            held,
            waiting: Mutex::default(),
            slow: Mutex::default(),
            stop: CancellationToken::new(),
            events: Mutex::default(),
        });
        counterparty.take_up();
        let pump = Arc::clone(&counterparty);
        let thread = std::thread::Builder::new()
            .name("counterparty-events".to_owned())
            .spawn(move || pump.run())?;
        *lock(&counterparty.events) = Some(thread);
        Ok(counterparty)
    }

    /// What was under way when the sandbox was stopped or killed: what was told to end is told again, what was slow
    /// has waited long enough.
    fn take_up(&self) {
        for (hash, invoice) in self.held.all() {
            let Some(_) = invoice.claimable_msat() else {
                continue;
            };
            if let Some(action) = invoice.released() {
                if let Err(error) = self.end(&invoice, &hash, action) {
                    tracing::debug!(?error, "a payment had ended before");
                }
            } else if invoice.behaviour() == Some(Behaviour::Slow) {
                lock(&self.slow).push((Instant::now(), hash));
            }
        }
    }

    fn run(&self) {
        while !self.stop.is_cancelled() {
            self.end_slow_ones();
            if let Some(event) = self.node.next_node_event(WAIT) {
                self.take(event);
                self.node.acknowledge_event();
            }
        }
    }

    fn take(&self, event: NodeEvent) {
        match event {
            NodeEvent::PaymentClaimable {
                payment_hash,
                amount_msat,
                ..
            } => {
                self.arrived(payment_hash, amount_msat);
            }
            NodeEvent::PaymentSucceeded {
                payment_hash,
                preimage,
                ..
            } => {
                self.tell(&payment_hash, Ended::Settled(preimage));
            }
            NodeEvent::PaymentFailed {
                payment_hash: Some(payment_hash),
                reason,
            } => {
                self.tell(&payment_hash, Ended::Failed(reason));
            }
            other => tracing::debug!(event = ?other, "counterparty"),
        }
    }

    fn tell(&self, hash: &PaymentHash, ended: Ended) {
        if let Some(waiting) = lock(&self.waiting).remove(hash) {
            // Whoever waited may have given up.
            drop(waiting.send(ended));
        }
    }

    fn arrived(&self, hash: PaymentHash, amount_msat: Msat) {
        let Some(invoice) = self.held.find(&hash) else {
            tracing::warn!(%hash, "a payment for an unknown invoice of the counterparty");
            return;
        };
        let invoice = invoice.arrived(amount_msat);
        self.held.keep(&hash, &invoice);
        match invoice.behaviour() {
            Some(Behaviour::Fail) => {
                if let Err(error) = self.end(&invoice, &hash, ReleaseAction::Fail) {
                    tracing::warn!(?error, "a payment could not be refused");
                }
            }
            Some(Behaviour::Slow) => lock(&self.slow).push((Instant::now() + SLOW, hash)),
            _ => tracing::info!(%hash, "a payment is held until it is released"),
        }
    }

    fn end_slow_ones(&self) {
        let now = Instant::now();
        let due: Vec<PaymentHash> = {
            let mut slow = lock(&self.slow);
            let (due, later) = slow.drain(..).partition(|(at, _)| *at <= now);
            *slow = later;
            due.into_iter()
                .map(|(_, hash): (Instant, PaymentHash)| hash)
                .collect()
        };
        for hash in due {
            if let Err(error) = self.release(&hash, ReleaseAction::Settle) {
                tracing::warn!(?error, "a slow payment could not be taken");
            }
        }
    }

    /// Makes an invoice with a behaviour.
    pub(super) fn invoice(
        &self,
        amount_msat: Option<Msat>,
        description: &str,
        expiry_seconds: u32,
        behaviour: Behaviour,
    ) -> Result<MadeInvoice, ReceiveError> {
        let made = if behaviour == Behaviour::Pay {
            self.node
                .receive(amount_msat, description, expiry_seconds)?
        } else {
            let mut bytes = [0; 32];
            SystemEntropy.fill(&mut bytes);
            let preimage = PaymentPreimage::from_bytes(bytes);
            let hash = preimage.payment_hash();
            self.held
                .keep(&hash, &HeldInvoice::new(behaviour, &preimage));
            self.node
                .receive_for_hash(amount_msat, description, expiry_seconds, &hash)?
        };
        use bitcoin::hashes::Hash;
        let expires_at = made
            .expires_at()
            .and_then(|since_epoch| i64::try_from(since_epoch.as_secs()).ok())
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        Ok(MadeInvoice {
            payment_hash: PaymentHash::from_bytes(made.payment_hash().to_byte_array()),
            bolt11: made.to_string(),
            expires_at,
        })
    }

    /// Pays an invoice; the receiver is told how it ended.
    pub(super) fn pay(
        &self,
        bolt11: &str,
        amount_msat: Option<Msat>,
    ) -> Result<(PaymentHash, oneshot::Receiver<Ended>), SendError> {
        use bitcoin::hashes::Hash;
        let invoice: lightning_invoice::Bolt11Invoice =
            bolt11.parse().map_err(|_| SendError::NotAnInvoice)?;
        let hash = PaymentHash::from_bytes(invoice.payment_hash().to_byte_array());
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(hash, sender);
        match self.node.send(bolt11, amount_msat, None) {
            Ok(_) => Ok((hash, receiver)),
            Err(error) => {
                lock(&self.waiting).remove(&hash);
                Err(error)
            }
        }
    }

    /// Whether it made the invoice of that hash, and not one that simply gets paid.
    pub(super) fn knows(&self, hash: &PaymentHash) -> bool {
        self.held.find(hash).is_some()
    }

    /// Ends a held payment.
    pub(super) fn release(
        &self,
        hash: &PaymentHash,
        action: ReleaseAction,
    ) -> Result<(), ReleaseError> {
        let invoice = self.held.find(hash).ok_or(ReleaseError::NotHeld)?;
        if invoice.claimable_msat().is_none() || invoice.released().is_some() {
            return Err(ReleaseError::NotHeld);
        }
        self.end(&invoice, hash, action)
    }

    fn end(
        &self,
        invoice: &HeldInvoice,
        hash: &PaymentHash,
        action: ReleaseAction,
    ) -> Result<(), ReleaseError> {
        self.held.keep(hash, &invoice.clone().end(action));
        let ended = match (action, invoice.preimage(), invoice.claimable_msat()) {
            (ReleaseAction::Settle, Some(preimage), Some(claimable_msat)) => {
                self.node.claim_for_hash(&preimage, claimable_msat)
            }
            _ => self.node.fail_for_hash(hash),
        };
        ended.map_err(ReleaseError::Node)
    }

    /// Stops the node and its events.
    pub(super) fn stop(&self) {
        self.stop.cancel();
        if lock(&self.events)
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the counterparty's events had panicked");
        }
        if let Err(error) = self.node.stop() {
            tracing::error!(%error, "the counterparty did not stop cleanly");
        }
    }
}
