//! Ends invoices whose time ran out, each with one failed deposit and one event.

use std::time::Duration;

use store::acts::invoice::expire_due_invoices;
use store::queries::invoice::is_any_due;
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
