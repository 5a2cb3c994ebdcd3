//! Carries out what other processes ask of the node, beside the node.
//!
//! Commands are harmless when they are carried out late or twice: nobody but the one who asked is given the invoice.

use std::time::{Duration, Instant};

use payments::ports::CreateInvoiceError;
use store::acts::node_command::{
    InvoiceAnswer, InvoiceCommand, answer_command, claim_commands, forget_lapsed_commands,
    publish_node, reopen_commands,
};
use store::queries::node::is_command_waiting;
use store::{Signal, StoreError};
use tokio_util::sync::CancellationToken;

use crate::app::NodeApp;
use crate::compose::NODE;
use crate::problem::chain;

/// How many commands are carried out at once.
const BATCH: i64 = 16;
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_millis(500);
/// How often what nobody waits for any more is removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Tells who the node is, and carries out commands, until `stop`.
pub async fn run(app: NodeApp, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::NodeCommands);
    while let Err(error) = begin(&app).await {
        tracing::error!(error = %chain(&error), "the node cannot be made known yet");
        let pause = stop.run_until_cancelled(tokio::time::sleep(POLL));
        if pause.await.is_none() {
            return;
        }
    }
    let mut swept_at: Option<Instant> = None;
    loop {
        match carry_out(&app).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %chain(&error), "no command can be carried out now");
            }
        }
        if swept_at.is_none_or(|at| at.elapsed() > SWEEP) {
            swept_at = Some(Instant::now());
            if let Err(error) = app.store.write_async(forget_lapsed_commands).await {
                tracing::warn!(error = %chain(&error), "lapsed commands are still there");
            }
        }
        let wake = tokio::time::timeout(POLL, wakeups.next());
        if stop.run_until_cancelled(wake).await.is_none() {
            return;
        }
    }
}

/// Makes the node known, and takes over what the process before has not answered.
async fn begin(app: &NodeApp) -> Result<(), StoreError> {
    let key = app.rail.node_id();
    let begun = app.store.write_async(move |tx| {
        publish_node(tx, NODE, &key)?;
        reopen_commands(tx)
    });
    begun.await.map(drop)
}

/// Carries out what waits; answers whether there was anything.
async fn carry_out(app: &NodeApp) -> Result<bool, StoreError> {
    if !app.store.read_async(is_command_waiting).await? {
        return Ok(false);
    }
    let claim = app.store.write_async(|tx| claim_commands(tx, BATCH));
    let claimed = claim.await?;
    let any = !claimed.is_empty();
    let answers = claimed.into_iter().map(|command| answer(app, command));
    for answered in futures_util::future::join_all(answers).await {
        answered?;
    }
    Ok(any)
}

async fn answer(app: &NodeApp, command: InvoiceCommand) -> Result<(), StoreError> {
    let InvoiceCommand { id, request } = command;
    let rail = app.rail.clone();
    let made = tokio::task::spawn_blocking(move || rail.create_invoice(&request)).await;
    let answer = match made {
        Ok(Ok(invoice)) => InvoiceAnswer::Made(invoice),
        Ok(Err(CreateInvoiceError::Refused)) => InvoiceAnswer::Refused,
        Ok(Err(error)) => {
            tracing::error!(error = %chain(&error), "no invoice was made for another process");
            InvoiceAnswer::Unavailable
        }
        Err(panic) => {
            tracing::error!(%panic, "no invoice was made for another process");
            InvoiceAnswer::Unavailable
        }
    };
    let answered = app
        .store
        .write_async(move |tx| answer_command(tx, id, &answer));
    answered.await.map(drop)
}
