//! Ends what ran out: invoices of ours, each with one failed deposit and one event, and withdrawals that nobody has
//! approved in time.

use std::time::Duration;

use store::acts::invoice::expire_due_invoices;
use store::acts::outcome::{Outcome, OutcomeError, fail_expired_withdrawal};
use store::queries::invoice::is_any_due;
use store::queries::payment::unapproved_past;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::problem::chain;

/// How often it looks. A look is one read of an index.
const POLL: Duration = Duration::from_millis(250);
/// How many are ended in one transaction.
const BATCH: i64 = 200;

/// Ends invoices until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        match expire(&app).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "invoices expired"),
            Err(error) => tracing::error!(error = %chain(&error), "no invoice can be ended now"),
        }
        match give_up_unapproved(&app).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "withdrawals ran out that nobody approved"),
            Err(error) => tracing::error!(error = %chain(&error), "no withdrawal can be ended now"),
        }
        if stop
            .run_until_cancelled(tokio::time::sleep(POLL))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn expire(app: &App) -> Result<usize, store::StoreError> {
    let act = app.acting();
    let now = act.now;
    if !app.store.read_async(move |tx| is_any_due(tx, now)).await? {
        return Ok(0);
    }
    app.store
        .write_async(move |tx| expire_due_invoices(tx, &act, BATCH))
        .await
}

async fn give_up_unapproved(app: &App) -> Result<usize, OutcomeError> {
    let act = app.acting();
    let now = act.now;
    let read = app
        .store
        .read_async(move |tx| unapproved_past(tx, now, BATCH));
    let past = read.await?;
    let mut ended = 0;
    for id in past {
        let act = act.clone();
        let given_up = app
            .store
            .write_async(move |tx| fail_expired_withdrawal(tx, &act, id));
        ended += usize::from(matches!(given_up.await?, Outcome::Applied(_)));
    }
    Ok(ended)
}
