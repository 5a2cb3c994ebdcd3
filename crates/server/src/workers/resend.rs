//! Lets a payment hash be sent again when the failure of its earlier attempt can never come back.
//!
//! It never waits for the node and never guesses: it asks, and asks again. A bar that stands is visible in the log.

use std::collections::HashSet;
use std::time::Duration;

use payments::ids::WithdrawalId;
use payments::ports::ForgetError;
use payments::withdrawal::{Withdrawal, WithdrawalState};
use store::acts::dispatch::lift_resend_bar;
use store::acts::outcome::{OutcomeError, fail_expired_withdrawal};
use store::queries::payment::barred;
use store::{Signal, StoreError};
use tokio_util::sync::CancellationToken;

use crate::app::NodeApp;
use crate::problem::chain;

/// How soon a bar that stands is looked at again. The node's write is under way by then.
const SOON: Duration = Duration::from_millis(20);
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// How many looks find a bar before it is told of: after that only a new block may lift it.
const PATIENT_LOOKS: u32 = 250;

/// Why a bar was not lifted.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// A withdrawal that ran out could not be given up.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// The node's record of the earlier attempt stays in the way.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lifts bars until `stop`.
pub async fn run(app: NodeApp, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::Withdrawals);
    let mut looks = 0_u32;
    loop {
        let looking = app.clone();
        let standing = tokio::task::spawn_blocking(move || lift_bars(&looking)).await;
        let wait = match standing.unwrap_or(Err(ResendError::Store(StoreError::Panicked))) {
            Ok(standing) if standing.is_empty() => POLL,
            Ok(standing) => {
                looks += 1;
                if looks == PATIENT_LOOKS {
                    let bars = standing.len();
                    tracing::warn!(
                        bars,
                        "failed payments wait for the node's next write to be proven dead"
                    );
                }
                SOON.saturating_mul(1 + looks / PATIENT_LOOKS).min(POLL)
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "no payment can be proven dead now");
                POLL
            }
        };
        if wait == POLL {
            looks = 0;
        }
        let wake = tokio::time::timeout(wait, wakeups.next());
        if stop.run_until_cancelled(wake).await.is_none() {
            return;
        }
    }
}

/// Looks once at every withdrawal whose payment hash is barred, lifts the bars that the node proves needless, and gives
/// back what ran out meanwhile. Answers those whose bars stand.
///
/// # Errors
/// The first [`ResendError`], after all were looked at: one record that stays in the way is no reason to keep the money
/// of others. What was not done is done by a later look.
pub fn lift_bars(app: &NodeApp) -> Result<HashSet<WithdrawalId>, ResendError> {
    let (mut standing, mut met) = (HashSet::new(), None);
    for withdrawal in app.store.read(barred)? {
        match lift(app, &withdrawal) {
            Ok(true) => {}
            Ok(false) => {
                standing.insert(withdrawal.id);
            }
            Err(error) => met = met.or(Some(error)),
        }
    }
    met.map_or(Ok(standing), Err)
}

fn lift(app: &NodeApp, withdrawal: &Withdrawal) -> Result<bool, ResendError> {
    let (id, attempt, act) = (withdrawal.id, withdrawal.attempts, app.acting());
    if app.rail.failure_is_final(&withdrawal.payment_hash) {
        // A failure may be faster than the node's record of its payment, which then says for ever that it is pending.
        match app.rail.forget_unsent(&withdrawal.payment_hash) {
            // The guard against paying twice stays, and the next try will hear that it is paid.
            Ok(()) | Err(ForgetError::Paid(_)) => {}
            Err(error) => return Err(error.into()),
        }
        app.store
            .write(move |tx| lift_resend_bar(tx, id, attempt))?;
        tracing::debug!(withdrawal = %id, "its payment hash may be sent again");
        return Ok(true);
    }
    if withdrawal.state == WithdrawalState::Reserved && withdrawal.expires_at <= act.now {
        app.store
            .write(move |tx| fail_expired_withdrawal(tx, &act, id))?;
    }
    Ok(false)
}
