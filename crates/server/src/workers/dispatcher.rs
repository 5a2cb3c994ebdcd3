//! Gives reserved withdrawals to the node: claim (committed), call, write the answer.
//!
//! A withdrawal is claimed only from `Reserved`, which means that nothing of it is under way, so a rejection proves
//! that nothing was sent. Such a one is tried again for a while: channels may be full, or the peer away. `Unknown`
//! is left alone: only the node's word ends it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use payments::ports::{PayAnswer, PayRequest, Rejection};
use payments::withdrawal::{Withdrawal, WithdrawalFailure};
use store::acts::dispatch::{claim_due_withdrawals, requeue_withdrawal};
use store::acts::outcome::{OutcomeError, fail_withdrawal, settle_withdrawal};
use store::queries::payment::next_dispatch_at;
use store::{Signal, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::problem::chain;

/// How many calls to the node run at once. LDK serialises them; a few keep it busy.
const PARALLEL: usize = 4;
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// How long a withdrawal that cannot be sent is tried before it fails.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);
/// The waits between tries, the last one repeated.
const BACK_OFF_MS: [i64; 5] = [100, 250, 500, 1_000, 2_000];

/// Dispatches until `stop`, then waits for the calls under way.
pub async fn run(app: App, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::Withdrawals);
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let calls = TaskTracker::new();
    while !stop.is_cancelled() {
        let claimed = match claim(&app, &slots).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = %chain(&error), "no withdrawal can be claimed now");
                Vec::new()
            }
        };
        let any = !claimed.is_empty();
        for withdrawal in claimed {
            let (app, slots) = (app.clone(), Arc::clone(&slots));
            let slot = slots.acquire_owned().await;
            calls.spawn_blocking(move || {
                dispatch(&app, &withdrawal);
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
    calls.close();
    calls.wait().await;
}

/// Claims as many as there are free slots; waits for one when there is none.
async fn claim(app: &App, slots: &Semaphore) -> Result<Vec<Withdrawal>, StoreError> {
    let first = slots.acquire().await;
    let free = slots.available_permits() + 1;
    drop(first);
    let act = app.acting();
    let limit = i64::try_from(free).unwrap_or(1);
    // Looking first keeps an idle server from writing.
    let due = app.store.read_async(|tx| next_dispatch_at(tx)).await?;
    if due.is_none_or(|at| at > act.now.as_microsecond()) {
        return Ok(Vec::new());
    }
    app.store
        .write_async(move |tx| claim_due_withdrawals(tx, &act, limit))
        .await
}

async fn next_wait(app: &App) -> Duration {
    let due = app
        .store
        .read_async(|tx| next_dispatch_at(tx))
        .await
        .ok()
        .flatten();
    let Some(due) = due else { return POLL };
    let micros = due.saturating_sub(app.clock.now().as_microsecond());
    // A due one that was not claimed (money is halted) must not make this a busy loop.
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(Duration::from_millis(20), POLL)
}

/// Sends one withdrawal and writes the answer; an answer that cannot be written leaves it in doubt, which the
/// node's event or the next start resolves.
fn dispatch(app: &App, withdrawal: &Withdrawal) {
    let written = if withdrawal.expires_at <= app.clock.now() {
        fail(app, withdrawal, WithdrawalFailure::InvoiceExpired)
    } else {
        let answer = app.rail.pay(&PayRequest {
            bolt11: withdrawal.bolt11.clone(),
            payment_hash: withdrawal.payment_hash,
            fee_limit_msat: withdrawal.amounts.fee_reserve_msat,
        });
        tracing::debug!(withdrawal = %withdrawal.id, answer = name(&answer), "dispatched");
        write_answer(app, withdrawal, answer)
    };
    if let Err(error) = written {
        let id = withdrawal.id;
        tracing::error!(withdrawal = %id, error = %chain(&error), "an answer is not written");
    }
}

fn name(answer: &PayAnswer) -> &'static str {
    match answer {
        PayAnswer::Paid { .. } => "paid",
        PayAnswer::Rejected(_) => "rejected",
        PayAnswer::Unknown => "in flight",
    }
}

fn write_answer(app: &App, withdrawal: &Withdrawal, answer: PayAnswer) -> Result<(), OutcomeError> {
    match answer {
        PayAnswer::Unknown => Ok(()),
        PayAnswer::Paid { preimage, fee_msat } => {
            let (act, hash) = (app.acting(), withdrawal.payment_hash);
            app.store
                .write(move |tx| settle_withdrawal(tx, &act, &hash, Some(preimage), fee_msat))
                .map(drop)
        }
        PayAnswer::Rejected(Rejection::InvalidInvoice) => {
            fail(app, withdrawal, WithdrawalFailure::InvalidInvoice)
        }
        PayAnswer::Rejected(Rejection::NoRoute | Rejection::NotReady) => {
            match next_try(withdrawal, app.clock.now()) {
                Some(at) => {
                    let (act, id) = (app.acting(), withdrawal.id);
                    app.store
                        .write(move |tx| requeue_withdrawal(tx, &act, id, at))?;
                    Ok(())
                }
                None => fail(app, withdrawal, WithdrawalFailure::NoRoute),
            }
        }
    }
}

/// When to try again: `None` when the window or the invoice would be over by then.
fn next_try(withdrawal: &Withdrawal, now: Timestamp) -> Option<Timestamp> {
    let made = usize::try_from(withdrawal.attempts)
        .unwrap_or(1)
        .saturating_sub(1);
    let wait = BACK_OFF_MS[made.min(BACK_OFF_MS.len() - 1)];
    let at = now.checked_add(SignedDuration::from_millis(wait)).ok()?;
    let last = withdrawal
        .created_at
        .checked_add(WINDOW)
        .unwrap_or(Timestamp::MAX);
    (at <= last.min(withdrawal.expires_at)).then_some(at)
}

fn fail(app: &App, withdrawal: &Withdrawal, reason: WithdrawalFailure) -> Result<(), OutcomeError> {
    let (act, hash) = (app.acting(), withdrawal.payment_hash);
    app.store
        .write(move |tx| fail_withdrawal(tx, &act, &hash, reason))?;
    tracing::info!(withdrawal = %withdrawal.id, ?reason, "withdrawal failed, nothing was sent");
    Ok(())
}
