//! Gives reserved withdrawals to the node: claim (committed), call, write the answer.
//!
//! A withdrawal is claimed only from `Reserved`, which means that nothing of it is under way, so a rejection proves
//! that nothing was sent. Such a one is tried again as `payments::withdrawal::retry` says. `Unknown` is left alone:
//! only the node's word ends it. Every answer names the attempt it is for, so that a dispatcher that was overtaken
//! changes nothing.
//!
//! A claim whose commit was answered with an error may have been committed: [`Claims`] remembers it, and what it finds
//! of it later is handed over then. Nobody else knows the claim's id, and it was never handed over before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use money::Msat;
use payments::ids::ClaimId;
use payments::payment_hash::PaymentPreimage;
use payments::ports::{PayAnswer, PayRequest, Rejection};
use payments::withdrawal::request::amount_beside;
use payments::withdrawal::retry::{Next, Setback, next};
use payments::withdrawal::{Withdrawal, WithdrawalFailure};
use store::acts::dispatch::{claim_due_withdrawals, requeue_withdrawal};
use store::acts::outcome::{OutcomeError, fail_unsent_withdrawal, settle_withdrawal};
use store::queries::payment::{claimed, next_dispatch_at};
use store::{Signal, StoreError, crash_point};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::NodeApp;
use crate::problem::chain;

/// How many calls to the node run at once. LDK serialises them; a few keep it busy.
const PARALLEL: usize = 4;
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// How long to wait before an answer that could not be written is written again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a claim without an answer is looked for: no database commits one later than that. A clock of the wall may
/// jump over it.
const LOST_FOR: Duration = Duration::from_secs(3_600);

/// The claims of this process that were never answered.
#[derive(Debug, Default)]
pub struct Claims(Mutex<Vec<(ClaimId, Instant)>>);

impl Claims {
    fn lost(&self) -> MutexGuard<'_, Vec<(ClaimId, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claim with this id got no answer: it may have been committed.
    pub fn lose(&self, claim_id: ClaimId) {
        self.lost().push((claim_id, Instant::now()));
    }

    /// What an unanswered claim has claimed after all.
    fn found(&self, app: &NodeApp) -> Result<Vec<Withdrawal>, StoreError> {
        self.lost().retain(|(_, at)| at.elapsed() < LOST_FOR);
        let lost = self.lost().clone();
        for (claim_id, _) in lost {
            let found = app.store.read(move |tx| claimed(tx, claim_id))?;
            if !found.is_empty() {
                self.lost().retain(|(id, _)| *id != claim_id);
                tracing::warn!(withdrawals = found.len(), "a claim was committed after all");
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// Dispatches until `stop`, then waits for the calls under way.
///
/// # Panics
/// When a call has panicked: what it was about stands in doubt, which only a start resolves.
pub async fn run(app: NodeApp, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::Withdrawals);
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let (claims, mut calls) = (Arc::new(Claims::default()), JoinSet::new());
    while !stop.is_cancelled() {
        while let Some(call) = calls.try_join_next() {
            ended(call);
        }
        let claimed = match claim_some(&app, &claims, &slots).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = %chain(&error), "no withdrawal can be claimed now");
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        };
        let any = !claimed.is_empty();
        for withdrawal in claimed {
            let (app, slots, stop) = (app.clone(), Arc::clone(&slots), stop.clone());
            let slot = slots.acquire_owned().await;
            calls.spawn_blocking(move || {
                dispatch(&app, &withdrawal, &stop);
                drop(slot);
            });
        }
        if any {
            continue;
        }
        let wait = next_wait(&app).await;
        let wake = tokio::time::timeout(wait, wakeups.next());
        if stop.run_until_cancelled(wake).await.is_none() {
            break;
        }
    }
    while let Some(call) = calls.join_next().await {
        ended(call);
    }
}

fn ended(call: Result<(), JoinError>) {
    if let Err(Ok(panic)) = call.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}

/// Claims as many as there are free slots; waits for one when there is none.
async fn claim_some(
    app: &NodeApp,
    claims: &Arc<Claims>,
    slots: &Semaphore,
) -> Result<Vec<Withdrawal>, StoreError> {
    let first = slots.acquire().await;
    let free = slots.available_permits() + 1;
    drop(first);
    let (app, claims) = (app.clone(), Arc::clone(claims));
    let limit = i64::try_from(free).unwrap_or(1);
    let claimed = tokio::task::spawn_blocking(move || claim(&app, &claims, limit)).await;
    claimed.unwrap_or(Err(StoreError::Panicked))
}

/// Claims about `limit` withdrawals that are due: each is this caller's alone, and must be handed over once.
///
/// # Errors
/// The database's.
pub fn claim(app: &NodeApp, claims: &Claims, limit: i64) -> Result<Vec<Withdrawal>, StoreError> {
    let found = claims.found(app)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let act = app.acting();
    // Looking first keeps an idle server from writing.
    let due = app.store.read(next_dispatch_at)?;
    if due.is_none_or(|at| at > act.now.as_microsecond()) {
        return Ok(Vec::new());
    }
    let claim_id = app.ids.fresh();
    let claimed = app
        .store
        .write(move |tx| claim_due_withdrawals(tx, &act, claim_id, limit));
    if claimed.is_err() {
        claims.lose(claim_id);
    }
    claimed
}

async fn next_wait(app: &NodeApp) -> Duration {
    let due = app.store.read_async(next_dispatch_at).await.ok().flatten();
    let Some(due) = due else { return POLL };
    let micros = due.saturating_sub(app.clock.now().as_microsecond());
    // A due one that was not claimed (money is halted) must not make this a busy loop.
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(Duration::from_millis(20), POLL)
}

/// Sends one withdrawal and writes the answer, again and again if the database is away: nobody else knows it.
fn dispatch(app: &NodeApp, withdrawal: &Withdrawal, stop: &CancellationToken) {
    let answer = hand_over(app, withdrawal);
    while let Err(error) = write_down(app, withdrawal, &answer) {
        let id = withdrawal.id;
        tracing::error!(withdrawal = %id, error = %chain(&error), "an answer is not written yet");
        let passes = matches!(error.store(), Some(StoreError::Unavailable(_)));
        if !passes || stop.is_cancelled() {
            // In doubt: the node's event or the next start resolves it.
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks the node to pay a claimed withdrawal: once for each claim.
#[must_use]
pub fn hand_over(app: &NodeApp, withdrawal: &Withdrawal) -> Answer {
    if withdrawal.expires_at <= app.clock.now() {
        return Answer::Unsent(WithdrawalFailure::InvoiceExpired);
    }
    crash_point::reach("dispatch.claimed");
    let answer = app.rail.pay(&PayRequest {
        bolt11: withdrawal.bolt11.clone(),
        payment_hash: withdrawal.payment_hash,
        amount_msat: amount_beside(&withdrawal.bolt11, withdrawal.amounts.amount_msat),
        fee_limit_msat: withdrawal.amounts.fee_reserve_msat,
    });
    crash_point::reach("dispatch.asked");
    tracing::debug!(withdrawal = %withdrawal.id, answer = name(&answer), "dispatched");
    Answer::of(answer, withdrawal, app.clock.now())
}

/// What has to be written after a call to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is in flight: nothing.
    InFlight,
    /// The payee has it.
    Paid(PaymentPreimage, Msat),
    /// Nothing was sent, for this reason; try again then.
    Again(Setback, Timestamp),
    /// Nothing was sent, and it is over.
    Unsent(WithdrawalFailure),
}

impl Answer {
    fn of(answer: PayAnswer, withdrawal: &Withdrawal, now: Timestamp) -> Self {
        let setback = match answer {
            PayAnswer::Unknown => return Self::InFlight,
            PayAnswer::Paid { preimage, fee_msat } => return Self::Paid(preimage, fee_msat),
            PayAnswer::Rejected(Rejection::InvalidInvoice) => Setback::InvalidInvoice,
            PayAnswer::Rejected(Rejection::FeeAboveLimit) => Setback::FeeAboveLimit,
            PayAnswer::Rejected(Rejection::NoRoute) => Setback::NoRoute,
            PayAnswer::Rejected(Rejection::NoRoom) => Setback::NoRoom,
            PayAnswer::Rejected(Rejection::NotReady) => Setback::NotReady,
        };
        match next(withdrawal, setback, now) {
            Next::Again(at) => Self::Again(setback, at),
            Next::GiveUp(reason) => Self::Unsent(reason),
        }
    }
}

fn name(answer: &PayAnswer) -> &'static str {
    match answer {
        PayAnswer::Paid { .. } => "paid",
        PayAnswer::Rejected(_) => "rejected",
        PayAnswer::Unknown => "in flight",
    }
}

/// Writes what came of handing a withdrawal over. Writing it twice changes nothing.
///
/// # Errors
/// [`OutcomeError`]; the withdrawal stays in doubt until it is written.
pub fn write_down(
    app: &NodeApp,
    withdrawal: &Withdrawal,
    answer: &Answer,
) -> Result<(), OutcomeError> {
    let (act, hash) = (app.acting(), withdrawal.payment_hash);
    let (id, attempt) = (withdrawal.id, withdrawal.attempts);
    match *answer {
        Answer::InFlight => {}
        Answer::Paid(preimage, fee_msat) => {
            app.store
                .write(move |tx| settle_withdrawal(tx, &act, &hash, Some(preimage), fee_msat))?;
        }
        Answer::Again(setback, at) => {
            app.store
                .write(move |tx| requeue_withdrawal(tx, &act, id, attempt, setback, at))?;
        }
        Answer::Unsent(reason) => {
            app.store
                .write(move |tx| fail_unsent_withdrawal(tx, &act, id, attempt, reason))?;
            tracing::info!(withdrawal = %id, ?reason, "withdrawal failed, nothing was sent");
        }
    }
    Ok(())
}
