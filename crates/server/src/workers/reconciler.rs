//! Compares the books with the node, again and again, in the process that runs the node.
//!
//! A look reads both sides, names every difference, and keeps the verdict. A difference that stays halts the movement
//! of money; events are still taken. What the node's own record proves (a payment whose event a crash has swallowed) is
//! booked as the event would have been. Nothing here ever sends a payment or gives a hold back.
//!
//! A look costs what happened since the last one that found nothing; the first, and one that is asked for, compares
//! everything that the node still knows.

mod chain;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{NodePayment, NodePaymentState, NodePayments, NodeView};
use payments::reconciliation::{
    Difference, Judged, LOOKS, Slack, Suspicions, Totals, compare, compare_totals,
};
use payments::withdrawal::WithdrawalState;
use store::acts::deposit::{CreditError, credit_deposit};
use store::acts::outcome::{OutcomeError, settle_withdrawal};
use store::acts::posting::PostError;
use store::acts::reconciliation::{NewVerdict, book_unasked, record_verdict, roll_up};
use store::queries::channel::booked_transactions;
use store::queries::reconciliation::{booked, booked_since, requests, totals};
use store::{StoreError, Tx};
use tokio_util::sync::CancellationToken;

use self::chain::Chain;
use crate::app::App;
use crate::problem::chain;
use crate::reconciliation::Verdict;

/// How long the node is sure to keep the record of a payment that has ended.
const RECORDS_KEPT: SignedDuration = SignedDuration::from_mins(10);
/// How much of what was compared is compared again: clocks differ, and records tell whole seconds.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// How often somebody's request for a look is looked for.
const POLL: Duration = Duration::from_millis(250);
/// How many repairs a verdict tells of, the newest ones.
const MOST_REPAIRED: usize = 20;
/// How many changes one roll-up adds up.
const ROLL_UP: i64 = 1_000;

/// How often both sides are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// While nothing differs.
    pub every: Duration,
    /// While something does, or somebody waits for a verdict.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30),
            again: Duration::from_secs(2),
        }
    }
}

/// Looks until `stop`.
pub async fn run(app: App, view: Arc<dyn NodeView>, pace: Pace, stop: CancellationToken) {
    let mut reconciler = Reconciler::new(app.clone(), view);
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            let looked = reconciler.look();
            (reconciler, looked)
        });
        let looked = match looked.await {
            Ok((returned, looked)) => {
                reconciler = returned;
                looked
            }
            // A look that panics is a fault of the program: `serving` ends the process.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let wait = match looked {
            Ok(settled) if settled => pace.every,
            Ok(_) => pace.again,
            Err(error) => {
                tracing::error!(error = %chain(&error), "the books could not be compared with the node");
                pace.again
            }
        };
        let woken = wait_or_asked(&app, reconciler.answered, wait);
        if stop.run_until_cancelled(woken).await.is_none() {
            return;
        }
    }
}

/// Waits, but not when somebody asks.
async fn wait_or_asked(app: &App, answered: i64, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() {
        let step = left.min(POLL);
        tokio::time::sleep(step).await;
        left = left.saturating_sub(step);
        let asked = app.store.read_async(requests).await;
        if asked.is_ok_and(|asked| asked > answered) {
            return;
        }
    }
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credit(#[from] CreditError),
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    #[error(transparent)]
    Post(#[from] PostError),
}

impl LookError {
    /// Whether the same look may come to something a little later.
    fn may_pass(&self) -> bool {
        let store = match self {
            Self::Store(error)
            | Self::Post(PostError::Store(error))
            | Self::Credit(
                CreditError::Store(error) | CreditError::Post(PostError::Store(error)),
            ) => Some(error),
            Self::Outcome(error) => error.store(),
            Self::Credit(_) | Self::Post(_) => None,
        };
        matches!(store, Some(StoreError::Unavailable(_) | StoreError::Closed))
    }
}

struct Reconciler {
    app: App,
    view: Arc<dyn NodeView>,
    suspicions: Suspicions,
    /// When the last look began that found nothing; `None` compares everything.
    clean_since: Option<Timestamp>,
    /// The newest request that was answered.
    answered: i64,
    /// How many looks in a row the newest request waits.
    waited: u32,
    /// The transactions of the node's wallet that are booked; `None` before the first look.
    booked_transactions: Option<BTreeSet<[u8; 32]>>,
    /// When everything was compared.
    everything_at: Option<Timestamp>,
    /// What was repaired last, oldest first: one look is too short a time for anybody to see it.
    repaired: Vec<Difference>,
}

/// Both sides at one look.
struct Look {
    all: bool,
    compared: usize,
    node: NodePayments,
    differences: Vec<Difference>,
    totals: Totals,
}

impl Reconciler {
    fn new(app: App, view: Arc<dyn NodeView>) -> Self {
        Self {
            app,
            view,
            suspicions: Suspicions::default(),
            clean_since: None,
            answered: 0,
            waited: 0,
            booked_transactions: None,
            everything_at: None,
            repaired: Vec::new(),
        }
    }

    /// Looks once, and answers whether nothing differs and nobody waits.
    fn look(&mut self) -> Result<bool, LookError> {
        let asked = self.app.store.read(requests)?;
        let began = self.app.clock.now();
        let chain = self.chain()?;
        let look = self.both_sides(asked > self.answered, began, &chain.slack)?;
        let mut judged = self.suspicions.look(look.differences.clone());
        let repaired = self.repair(&look, &mut judged)?;
        self.repaired.extend(&repaired);
        let too_many = self.repaired.len().saturating_sub(MOST_REPAIRED);
        self.repaired.drain(..too_many);
        let settled = judged.on_its_way.is_empty();
        self.waited = if asked > self.answered {
            self.waited + 1
        } else {
            0
        };
        // Under load something is always on its way: whoever asked gets an answer all the same.
        if settled || self.waited > LOOKS {
            self.answered = asked;
            self.waited = 0;
        }
        if look.all {
            self.everything_at = Some(began);
        }
        let differs = !look.differences.is_empty();
        if !differs {
            self.clean_since = Some(began);
            let over_msat = look.totals.over_msat(&chain.slack);
            chain.settle(&self.app, &self.view.funds(), over_msat)?;
        }
        self.keep(&look, &judged, repaired.len(), began)?;
        while self.app.store.write(|tx| roll_up(tx, ROLL_UP))? > 0 {}
        Ok(!differs && asked <= self.answered)
    }

    fn chain(&mut self) -> Result<Chain, LookError> {
        let mut booked = match self.booked_transactions.take() {
            Some(booked) => booked,
            None => self.app.store.read(booked_transactions)?,
        };
        let chain = chain::keep(&self.app, self.view.as_ref(), &mut booked)?;
        self.booked_transactions = Some(booked);
        Ok(chain)
    }

    fn both_sides(&self, all: bool, now: Timestamp, slack: &Slack) -> Result<Look, LookError> {
        let since = match self.clean_since {
            Some(clean) if !all => Some(before(clean.min(now), MARGIN)),
            _ => None,
        };
        let recent = before(now, RECORDS_KEPT);
        let recent = since.map_or(recent, |since| since.max(recent));
        let funds_before = self.view.funds();
        let mut node = self.view.payments(since);
        let known: BTreeSet<PaymentHash> = hashes(&node);
        let asked = known.clone();
        let read = move |tx: &mut Tx<'_>| {
            let mut hashes = booked_since(tx, recent)?;
            hashes.extend(&asked);
            let payments = booked(tx, &hashes, recent)?;
            Ok::<_, StoreError>((payments, totals(tx)?))
        };
        let (booked, booked_totals) = self.app.store.read(read)?;
        let missing = booked.keys().filter(|hash| !known.contains(*hash));
        let records = self.view.records(&missing.copied().collect());
        node.sent.extend(records.sent);
        node.received.extend(records.received);
        let funds = self.view.funds();
        let mut differences = compare(&node, &booked);
        let of = |funds| Totals::of(booked_totals, funds, &differences);
        let totals = of(&funds).widened(&of(&funds_before)).with(slack);
        differences.extend(compare_totals(&totals));
        Ok(Look {
            all: since.is_none(),
            compared: booked.len(),
            node,
            differences,
            totals,
        })
    }

    /// Books what the node's own records prove, as its events would have been.
    fn repair(&self, look: &Look, judged: &mut Judged) -> Result<Vec<Difference>, LookError> {
        let mut repaired = Vec::new();
        for difference in &judged.unexplained {
            match self.repair_one(&look.node, difference) {
                Ok(true) => repaired.push(*difference),
                Ok(false) => {}
                Err(error) if error.may_pass() => return Err(error),
                // It stays unexplained, which halts money: a look that fails each time would halt nothing.
                Err(error) => {
                    tracing::error!(
                        ?difference,
                        error = chain(&error),
                        "ALERT: it cannot be booked"
                    );
                }
            }
        }
        judged
            .unexplained
            .retain(|difference| !repaired.contains(difference));
        Ok(repaired)
    }

    fn repair_one(&self, node: &NodePayments, difference: &Difference) -> Result<bool, LookError> {
        let (app, act) = (&self.app, self.app.acting());
        match *difference {
            Difference::SentNotBooked {
                payment_hash: hash,
                node_msat: Some(paid_out_msat),
                withdrawal: None,
            } => {
                tracing::error!(%hash, amount_msat = paid_out_msat.get(),
                    "ALERT: the node paid what nobody asked for; booked as a loss, and money is halted");
                app.store
                    .write(move |tx| book_unasked(tx, &act, &hash, paid_out_msat))?;
                Ok(true)
            }
            Difference::SentNotBooked {
                payment_hash: hash,
                withdrawal: Some(state),
                ..
            } if state != WithdrawalState::Settled => {
                let record = node.sent.iter().find(|r| r.payment_hash == hash);
                let Some((preimage, fee_msat)) = record.and_then(proof_and_fee) else {
                    return Ok(false);
                };
                tracing::error!(%hash, "ALERT: a paid withdrawal had no event; settled by the node's record");
                app.store
                    .write(move |tx| settle_withdrawal(tx, &act, &hash, preimage, fee_msat))?;
                Ok(true)
            }
            Difference::ReceivedNotBooked {
                payment_hash: hash,
                node_msat: Some(amount_msat),
            } => {
                let fees = app.fees;
                tracing::error!(%hash, amount_msat = amount_msat.get(),
                    "ALERT: a payment that came in had no event; booked by the node's record");
                app.store
                    .write(move |tx| credit_deposit(tx, &act, &fees, &hash, amount_msat))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn keep(
        &self,
        look: &Look,
        judged: &Judged,
        repaired: usize,
        checked_at: Timestamp,
    ) -> Result<(), StoreError> {
        let verdict = Verdict::of(
            checked_at,
            (self.everything_at, look.compared),
            &look.totals,
            judged,
            &self.repaired,
            &self.view.funds(),
        );
        for difference in &judged.unexplained {
            tracing::error!(
                ?difference,
                "ALERT: the books and the node differ; money is halted"
            );
        }
        let verdict = NewVerdict {
            body: verdict.to_json(),
            unexplained: i64::try_from(judged.unexplained.len()).unwrap_or(i64::MAX),
            repaired: i64::try_from(repaired).unwrap_or(i64::MAX),
            checked_at,
            answers: self.answered,
        };
        let act = self.app.acting();
        self.app
            .store
            .write(move |tx| record_verdict(tx, &act, &verdict))
    }
}

fn proof_and_fee(
    record: &NodePayment,
) -> Option<(Option<payments::payment_hash::PaymentPreimage>, Msat)> {
    if record.state != NodePaymentState::Succeeded {
        return None;
    }
    record.fee_msat.map(|fee_msat| (record.preimage, fee_msat))
}

fn hashes(node: &NodePayments) -> BTreeSet<PaymentHash> {
    let records = node.sent.iter().chain(&node.received);
    records.map(|record| record.payment_hash).collect()
}

fn before(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}
