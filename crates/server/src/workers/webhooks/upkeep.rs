//! What deliveries need beside being sent: leases of senders that died are taken back, what is long over is forgotten,
//! and the clock is watched.

use std::time::Duration;

use jiff::SignedDuration;
use store::StoreError;
use store::acts::webhook::claim::{Stale, release_stale_leases};
use store::acts::webhook::retention::forget_deliveries;
use tokio_util::sync::CancellationToken;

use super::clocks::Clocks;
use crate::app::App;
use crate::problem::chain;

/// How often leases that ran out are looked for, where other processes deliver as well.
const EVERY: Duration = Duration::from_secs(2);
/// How often old deliveries are looked for: once in so many times.
const FORGET_ONCE_IN: u32 = 900;
/// How long a delivery that is over, and its attempts, are kept.
const KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Runs until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let (mut rounds, mut clocks): (u32, _) = (0, Clocks::new(&app));
    loop {
        if app.store.is_shared() {
            told("leases cannot be looked for", take_back(&app).await);
        }
        told("the clocks cannot be compared", clocks.look(&app).await);
        if rounds.is_multiple_of(FORGET_ONCE_IN) {
            told(
                "old deliveries cannot be forgotten",
                forget(&app, &stop).await,
            );
        }
        rounds = rounds.wrapping_add(1);
        let pause = tokio::time::sleep(EVERY);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

async fn take_back(app: &App) -> Result<(), StoreError> {
    let act = app.acting();
    let released = app
        .store
        .write_async(move |tx| release_stale_leases(tx, &act, Stale::RanOut))
        .await?;
    if released > 0 {
        tracing::warn!(released, "deliveries of a sender that died are taken back");
    }
    Ok(())
}

async fn forget(app: &App, stop: &CancellationToken) -> Result<(), StoreError> {
    let before = app.clock.now().checked_sub(KEEP);
    let Ok(before) = before else { return Ok(()) };
    while !stop.is_cancelled() {
        let forgotten = app
            .store
            .write_async(move |tx| forget_deliveries(tx, before));
        if forgotten.await? == 0 {
            break;
        }
    }
    Ok(())
}

fn told(what: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::warn!(error = %chain(&error), "{what}");
    }
}
