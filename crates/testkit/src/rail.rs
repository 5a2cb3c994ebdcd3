//! [`FakeRail`]: a Lightning node that says what the test tells it to, and remembers what it was asked.
//!
//! Its invoices are real. Like a real node it gives the same event again until it is acknowledged.

mod operator;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{
    Clock, CreateInvoiceError, ForgetError, InvoiceRequest, NodeFunds, NodePayments,
    NodeStateError, NodeView, PayAnswer, PayRequest, Rail, RailEvent, RailInvoice, RailPayment,
    RailRecord, StoredPayments, WalletTransaction,
};

use self::operator::Owned;
use crate::clock::FakeClock;
use crate::invoice::{InvoiceSpec, payee};

/// The node of ours: see [`crate::payee`].
const OUR_NODE: u8 = 1;

/// A scripted node. Whatever is not scripted is in flight until the test pushes an event.
pub struct FakeRail {
    clock: Arc<FakeClock>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    answers: HashMap<PaymentHash, VecDeque<PayAnswer>>,
    records: HashMap<PaymentHash, RailPayment>,
    old_records: Vec<RailRecord>,
    sent: HashSet<PaymentHash>,
    stuck: HashSet<PaymentHash>,
    breaks: bool,
    failures_come_back: bool,
    asked: Vec<PayRequest>,
    invoices: Vec<InvoiceRequest>,
    events: VecDeque<RailEvent>,
    given: usize,
    acknowledged: usize,
    acknowledgements_to_lose: usize,
    payments_wait: bool,
    funds: NodeFunds,
    ended: NodePayments,
    wallet: Vec<WalletTransaction>,
    down: bool,
    owned: Owned,
}

impl FakeRail {
    /// A node that goes by `clock`.
    #[must_use]
    pub fn new(clock: Arc<FakeClock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the next calls to pay `payment_hash` with these, in order; the last one stays.
    pub fn script(&self, payment_hash: PaymentHash, answers: impl IntoIterator<Item = PayAnswer>) {
        let answers = answers.into_iter().collect();
        self.state().answers.insert(payment_hash, answers);
    }

    /// What the node's own record says about a payment.
    pub fn record(&self, payment_hash: PaymentHash, payment: RailPayment) {
        self.state().records.insert(payment_hash, payment);
    }

    /// The record of this payment cannot be removed.
    pub fn keep_in_the_way(&self, payment_hash: PaymentHash) {
        self.state().stuck.insert(payment_hash);
    }

    /// Every call to pay panics from now on.
    pub fn break_calls(&self) {
        self.state().breaks = true;
    }

    /// A record that the node keeps of a payment.
    pub fn keep_record(&self, record: RailRecord) {
        self.state().old_records.push(record);
    }

    /// The records that the node keeps.
    #[must_use]
    pub fn kept_records(&self) -> Vec<RailRecord> {
        self.state().old_records.clone()
    }

    /// Loses every trace of a payment that the node was asked for, as a crash before it stored anything does.
    pub fn lose_sending(&self, payment_hash: PaymentHash) {
        self.state().sent.remove(&payment_hash);
    }

    /// While `come_back` is true a crash would bring acknowledged failures back, so none is final.
    pub fn let_failures_come_back(&self, come_back: bool) {
        self.state().failures_come_back = come_back;
    }

    /// What the node says that it has.
    pub fn set_funds(&self, funds: NodeFunds) {
        self.state().funds = funds;
    }

    /// A transaction of the node's own wallet, instead of an earlier state of it.
    pub fn set_wallet_transaction(&self, transaction: WalletTransaction) {
        let mut state = self.state();
        state.wallet.retain(|known| known.txid != transaction.txid);
        state.wallet.push(transaction);
    }

    /// What the node's records and funds are.
    #[must_use]
    pub fn node_says(&self) -> (NodePayments, NodeFunds) {
        let state = self.state();
        (state.ended.clone(), state.funds.clone())
    }

    /// What the node's own records say about payments, whenever they changed.
    pub fn set_payments(&self, payments: NodePayments) {
        self.state().ended = payments;
    }

    /// Makes something happen at the node.
    pub fn push(&self, event: RailEvent) {
        self.state().events.push_back(event);
        self.changed.notify_all();
    }

    /// A payment to one of our invoices arrives.
    ///
    /// # Panics
    /// For an amount above all bitcoin.
    pub fn receive(&self, payment_hash: PaymentHash, amount_msat: u64) {
        let amount_msat = Msat::from_unsigned(amount_msat).expect("an amount");
        self.push(RailEvent::PaymentReceived {
            payment_hash,
            amount_msat,
        });
    }

    /// Loses the next `count` acknowledgements, as a crash between the write and the acknowledgement does.
    pub fn lose_acknowledgements(&self, count: usize) {
        self.state().acknowledgements_to_lose = count;
    }

    /// Keeps every call to pay waiting while `wait` is true.
    pub fn hold_payments(&self, wait: bool) {
        self.state().payments_wait = wait;
        self.changed.notify_all();
    }

    /// Makes the node unable to make invoices while `down` is true.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Every call to pay that has begun, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<PayRequest> {
        self.state().asked.clone()
    }

    /// The calls to pay `payment_hash`.
    #[must_use]
    pub fn asked_for(&self, payment_hash: PaymentHash) -> Vec<PayRequest> {
        let of_hash = |call: &PayRequest| call.payment_hash == payment_hash;
        self.asked().into_iter().filter(of_hash).collect()
    }

    /// Every invoice that was asked for, in order.
    #[must_use]
    pub fn invoices(&self) -> Vec<InvoiceRequest> {
        self.state().invoices.clone()
    }

    /// Whether every event was taken and acknowledged.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.state().events.is_empty()
    }

    /// How often an event was given, repeats counted.
    #[must_use]
    pub fn given(&self) -> usize {
        self.state().given
    }

    /// How many events were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.state().acknowledged
    }
}

impl Rail for FakeRail {
    fn node_id(&self) -> PublicKey {
        payee(OUR_NODE)
    }

    fn create_invoice(&self, request: &InvoiceRequest) -> Result<RailInvoice, CreateInvoiceError> {
        let mut state = self.state();
        if state.down {
            return Err(CreateInvoiceError::Unavailable("the node is off".into()));
        }
        state.invoices.push(request.clone());
        let signed = InvoiceSpec {
            amount_msat: request.amount_msat.map(Msat::unsigned),
            description: request.description.clone(),
            expiry_seconds: request.expiry_seconds.into(),
            node: OUR_NODE,
            ..InvoiceSpec::new(0, self.clock.now())
        }
        .sign();
        Ok(RailInvoice {
            bolt11: signed.bolt11,
            payment_hash: signed.payment_hash,
        })
    }

    fn pay(&self, request: &PayRequest) -> PayAnswer {
        let mut state = self.state();
        state.asked.push(request.clone());
        assert!(!state.breaks, "a call that breaks");
        let mut state = self
            .changed
            .wait_while(state, |state| state.payments_wait)
            .unwrap_or_else(PoisonError::into_inner);
        let answer = state.answers.get_mut(&request.payment_hash);
        let answer = answer.and_then(|answers| match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        let answer = answer.unwrap_or(PayAnswer::Unknown);
        if !matches!(answer, PayAnswer::Rejected(_)) {
            state.sent.insert(request.payment_hash);
        }
        answer
    }

    fn payment(&self, payment_hash: &PaymentHash) -> RailPayment {
        let known = self.state().records.get(payment_hash).cloned();
        known.unwrap_or(RailPayment::NotFound)
    }

    fn next_event(&self, wait: Duration) -> Option<RailEvent> {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), wait, |state| state.events.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let event = state.events.front().cloned()?;
        state.given += 1;
        Some(event)
    }

    fn acknowledge(&self) {
        let mut state = self.state();
        if state.acknowledgements_to_lose > 0 {
            state.acknowledgements_to_lose -= 1;
        } else if state.events.pop_front().is_some() {
            state.acknowledged += 1;
        }
    }

    fn failure_is_final(&self, payment_hash: &PaymentHash) -> bool {
        let state = self.state();
        let is_of = |event: &RailEvent| match event {
            RailEvent::PaymentFailed {
                payment_hash: hash, ..
            } => hash == payment_hash,
            _ => false,
        };
        !state.failures_come_back && !state.events.iter().any(is_of)
    }

    fn forget_unsent(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        let mut state = self.state();
        if let Some(RailPayment::Succeeded { .. }) = state.records.get(payment_hash) {
            return Err(ForgetError::Paid(*payment_hash));
        }
        if state.stuck.contains(payment_hash) {
            return Err(ForgetError::Unavailable("it is stuck".into()));
        }
        state.records.remove(payment_hash);
        Ok(())
    }

    fn old_records(&self, before: Timestamp) -> Vec<RailRecord> {
        let mut old = self.state().old_records.clone();
        old.retain(|record| record.updated_at < before);
        old
    }

    fn forget_record(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        let mut state = self.state();
        state
            .old_records
            .retain(|record| record.payment_hash != *payment_hash);
        state.records.remove(payment_hash);
        Ok(())
    }
}

impl StoredPayments for FakeRail {
    fn never_sent(
        &self,
        payment_hashes: &[PaymentHash],
    ) -> Result<HashSet<PaymentHash>, NodeStateError> {
        let state = self.state();
        let unsent = payment_hashes
            .iter()
            .filter(|hash| !state.sent.contains(hash));
        Ok(unsent.copied().collect())
    }
}

impl NodeView for FakeRail {
    fn payments(&self, _since: Option<Timestamp>) -> NodePayments {
        self.state().ended.clone()
    }

    fn records(&self, payment_hashes: &BTreeSet<PaymentHash>) -> NodePayments {
        let mut found = self.state().ended.clone();
        found
            .sent
            .retain(|record| payment_hashes.contains(&record.payment_hash));
        found
            .received
            .retain(|record| payment_hashes.contains(&record.payment_hash));
        found
    }

    fn wallet_transactions(
        &self,
        known: &BTreeSet<[u8; 32]>,
        _fundings: &BTreeSet<OutPoint>,
    ) -> Vec<WalletTransaction> {
        let mut wallet = self.state().wallet.clone();
        wallet.retain(|transaction| !known.contains(&transaction.txid));
        wallet
    }

    fn funds(&self) -> NodeFunds {
        self.state().funds.clone()
    }
}
