//! [`Node`]: a Lightning node with every fault, and the truth about what it did.
//!
//! What a crash takes and what it leaves is ldk-node's: a payment is in memory first and durable a little later;
//! its record is written beside it and may be missing, stale or all that is left; an event that was acknowledged
//! comes again after a crash until the channel manager is written. What the network does (paid or came back, for
//! which fee) is the truth, and nothing that the engine says can change it.

mod faults;
mod rail;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{PaymentFailure, RailEvent, RailPayment};

use super::fate::Fate;
use crate::clock::FakeClock;

/// Which faults a run has. A quiet node still answers late, and in any order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// Answers are lost, records are missing, events come twice or late.
    pub(super) unreliable: bool,
    /// What no correct node does: a fee above its limit, a success after its own failure, a payment that nobody asked
    /// for, an event without its fee.
    pub(super) broken: bool,
}

/// Where an outbound payment stands at the node and in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is under way.
    Idle,
    /// Given to LDK, and in its memory only: a crash forgets it, and nobody ever saw it.
    InMemory,
    /// In a channel: it ends as the network says, whatever happens to the process.
    InFlight,
    /// The payee has the money.
    Paid,
}

/// An outbound payment: what is true of it.
#[derive(Debug, Clone)]
pub(super) struct Outbound {
    pub(super) stage: Stage,
    pub(super) amount_msat: i128,
    pub(super) fee_limit_msat: i128,
    pub(super) preimage: PaymentPreimage,
    /// What the routing nodes took, once it is paid.
    pub(super) fee_msat: i128,
    /// It is not known to this process whether the last call sent anything.
    pub(super) is_in_doubt: bool,
    /// What ldk-node's own record says.
    pub(super) record: RailPayment,
    /// When that was last changed, about.
    pub(super) recorded_at: Timestamp,
    /// Its failure was told, and then it was paid: only a broken node does so.
    pub(super) lied: bool,
    /// The success event carries no fee, and the record knows none: nobody can book it.
    pub(super) fee_is_untold: bool,
    /// How often its success was acknowledged.
    pub(super) success_acknowledged: u64,
    /// How often one of its failures was acknowledged.
    pub(super) failure_acknowledged: u64,
}

/// A payment that the node made by itself.
#[derive(Debug, Clone)]
pub(super) struct Stolen {
    pub(super) amount_msat: i128,
    pub(super) fee_msat: i128,
    pub(super) is_acknowledged: bool,
}

/// An inbound payment that our node has claimed.
#[derive(Debug, Clone)]
pub(super) struct Inbound {
    pub(super) amount_msat: i128,
    pub(super) is_acknowledged: bool,
    pub(super) claimed_at: Timestamp,
}

/// A call to pay, as the engine made it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) payment_hash: PaymentHash,
    pub(super) fee_limit_msat: i128,
}

/// What the node knows, and what is true.
#[derive(Default)]
pub(super) struct State {
    pub(super) outbound: BTreeMap<[u8; 32], Outbound>,
    /// What came in, by hash and amount: the same amount for the same hash is the same payment told again.
    pub(super) inbound: BTreeMap<([u8; 32], i128), Inbound>,
    /// The preimages of invoices that other nodes made.
    pub(super) payees: BTreeMap<[u8; 32], (PaymentPreimage, Option<i128>)>,
    /// Events that LDK will hand out, in its channel manager.
    brewing: Vec<RailEvent>,
    /// ldk-node's queue, durable: the first is given again until it is acknowledged.
    queue: VecDeque<RailEvent>,
    /// The first of the queue was given.
    is_given: bool,
    /// Acknowledged, and not yet known to a durable channel manager: a crash brings them back.
    unsettled: Vec<RailEvent>,
    /// Every call to pay since the last look.
    pub(super) calls: Vec<Call>,
    /// What the engine did and must never do.
    pub(super) violations: Vec<String>,
    /// What left the node without being asked for.
    pub(super) stolen: BTreeMap<[u8; 32], Stolen>,
    /// How many acknowledged events must have halted the movement of money.
    pub(super) alarms: u64,
    faults: Faults,
}

/// The node, and what runs while a call to it is under way.
pub(super) struct Node {
    pub(super) fate: Arc<Fate>,
    clock: Arc<FakeClock>,
    state: Mutex<State>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

/// What another worker does while a call to the node is under way.
pub(super) type Meanwhile = Arc<dyn Fn() + Send + Sync>;

impl Node {
    pub(super) fn new(fate: Arc<Fate>, clock: Arc<FakeClock>) -> Self {
        Self {
            fate,
            clock,
            state: Mutex::default(),
            meanwhile: Mutex::new(None),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what runs while a call is under way; `None` takes it away.
    pub(super) fn set_meanwhile(&self, meanwhile: Option<Meanwhile>) {
        *self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = meanwhile;
    }

    fn meanwhile(&self) {
        let taken = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(meanwhile) = taken {
            meanwhile();
        }
    }
}

impl State {
    pub(super) const fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Whether nothing is under way and nothing is left to tell.
    pub(super) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.brewing.is_empty() && !self.has_in_flight()
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) const fn has_brewing(&self) -> bool {
        !self.brewing.is_empty()
    }

    pub(super) fn has_in_flight(&self) -> bool {
        let under_way =
            |payment: &Outbound| matches!(payment.stage, Stage::InMemory | Stage::InFlight);
        self.outbound.values().any(under_way)
    }

    /// What the node's money has changed by, in millisatoshi.
    pub(super) fn earned_msat(&self) -> i128 {
        let received: i128 = self
            .inbound
            .values()
            .map(|payment| payment.amount_msat)
            .sum();
        let paid = |payment: &&Outbound| payment.stage == Stage::Paid;
        let sent = |payment: &Outbound| payment.amount_msat + payment.fee_msat;
        let out: i128 = self.outbound.values().filter(paid).map(sent).sum();
        let stolen = |payment: &Stolen| payment.amount_msat + payment.fee_msat;
        received - out - self.stolen.values().map(stolen).sum::<i128>()
    }

    /// Whether an event that names the payment waits anywhere, or can come again after a crash.
    pub(super) fn can_still_tell(&self, payment_hash: &PaymentHash) -> bool {
        let names = |event: &RailEvent| hash_of(event) == Some(*payment_hash);
        self.brewing.iter().any(names)
            || self.queue.iter().any(names)
            || self.unsettled.iter().any(names)
    }

    fn tell(&mut self, event: RailEvent) {
        self.brewing.push(event);
    }

    /// LDK hands the event at `index` of those that brew to ldk-node, which puts it at the end of its queue.
    fn queue_up(&mut self, index: usize) {
        let event = self.brewing.remove(index);
        self.queue.push_back(event);
    }
}

/// Whom an event is about.
pub(super) const fn hash_of(event: &RailEvent) -> Option<PaymentHash> {
    match event {
        RailEvent::PaymentSucceeded { payment_hash, .. }
        | RailEvent::PaymentFailed { payment_hash, .. }
        | RailEvent::PaymentReceived { payment_hash, .. } => Some(*payment_hash),
        RailEvent::ChannelClosed { .. } | RailEvent::Other(_) => None,
    }
}

/// The word that a payment came back.
const fn failed(payment_hash: PaymentHash, reason: PaymentFailure) -> RailEvent {
    RailEvent::PaymentFailed {
        payment_hash,
        reason,
    }
}

/// The beginning of a hash, for the trace.
pub(super) fn short(payment_hash: &PaymentHash) -> String {
    let mut text = payment_hash.to_string();
    text.truncate(8);
    text
}

/// An event in a few words, for the trace.
pub(super) fn describe(event: &RailEvent) -> String {
    let hash = hash_of(event).map(|hash| short(&hash)).unwrap_or_default();
    match event {
        RailEvent::PaymentSucceeded { fee_msat, .. } => {
            let fee = fee_msat.map_or_else(
                || "an untold fee".to_owned(),
                |fee| format!("a fee of {fee}"),
            );
            format!("success of {hash} for {fee}")
        }
        RailEvent::PaymentFailed { reason, .. } => format!("failure of {hash}: {reason:?}"),
        RailEvent::PaymentReceived { amount_msat, .. } => {
            format!("{amount_msat} received for {hash}")
        }
        RailEvent::ChannelClosed { reason, .. } => format!("channel closed: {reason}"),
        RailEvent::Other(what) => what.clone(),
    }
}
