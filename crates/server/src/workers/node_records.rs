//! Takes final payments out of the node's own records, which it loads whole at every start.
//!
//! It must never touch the record of a payment whose books are not final, nor that of an invoice that could still be
//! paid: there the record is the node's guard against a second payment. After that the books are the guard.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use payments::ports::{Direction, ForgetError};
use store::StoreError;
use store::queries::node_record::{is_invoice_over, is_withdrawal_over};
use tokio_util::sync::CancellationToken;

use crate::app::NodeApp;
use crate::problem::chain;

/// How often it looks when nothing was left over.
const EVERY: Duration = Duration::from_secs(60);
/// How long it rests between two batches.
const REST: Duration = Duration::from_millis(100);
/// How many records are removed in one go, each by a write of the node's state.
const BATCH: usize = 200;
/// How many records are looked up in one reading transaction.
const LOOK: usize = 500;
/// The least time after its expiry for which an invoice counts as payable: LDK takes a payment for two hours more.
const INVOICE_MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// Why records stay.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The node could not remove one.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes records of payments that have been final for `keep`, until `stop`.
pub async fn run(app: NodeApp, keep: SignedDuration, stop: CancellationToken) {
    loop {
        let working = app.clone();
        let removed = tokio::task::spawn_blocking(move || forget_final(&working, keep, BATCH));
        let removed = removed
            .await
            .unwrap_or(Err(RecordsError::Store(StoreError::Panicked)));
        let wait = match removed {
            Ok(BATCH) => REST,
            Ok(removed) => {
                if removed > 0 {
                    tracing::debug!(removed, "final payments left the node's records");
                }
                EVERY
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the node's records are not tidied now");
                EVERY
            }
        };
        let rest = tokio::time::sleep(wait);
        if stop.run_until_cancelled(rest).await.is_none() {
            return;
        }
    }
}

/// Removes at most `most` records of payments that have been final for `keep`, and answers how many.
///
/// # Errors
/// [`RecordsError`]; what was not removed is removed by a later call.
pub fn forget_final(
    app: &NodeApp,
    keep: SignedDuration,
    most: usize,
) -> Result<usize, RecordsError> {
    let now = app.clock.now();
    let before = earlier(now, keep);
    let expired_before = earlier(now, keep.max(INVOICE_MARGIN));
    let mut removed = 0;
    for records in app.rail.old_records(before).chunks(LOOK) {
        let records = records.to_vec();
        let over = app.store.read(move |tx| {
            let mut over = Vec::new();
            for record in &records {
                let hash = &record.payment_hash;
                let is_over = match record.direction {
                    Direction::Outbound => is_withdrawal_over(tx, hash, before)?,
                    Direction::Inbound => is_invoice_over(tx, hash, expired_before)?,
                };
                if is_over {
                    over.push(*hash);
                }
            }
            Ok::<_, StoreError>(over)
        })?;
        for payment_hash in over {
            if removed == most {
                return Ok(removed);
            }
            app.rail.forget_record(&payment_hash)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn earlier(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
