//! Opens one channel for each that a crash has closed, beside the node and under its lease.
//!
//! `payments::reopening` decides; the intent is written before the node is asked, and what came of it is told by the
//! node's channels alone. One intent stands at a time, so that no channel is taken for two. It never acts while money
//! is halted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use payments::ports::{ChannelRequest, NodeOperator, NodeStatus};
use payments::reopening::{Reopening, Stage, Step, Waiting, next};
use store::StoreError;
use store::acts::reopening::{
    Begun, begin_reopening, end_reopening, give_up_reopening, name_reopening, put_back_reopening,
};
use store::queries::reopening::reopenings;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::problem::chain;

/// How often what stands is looked at.
const POLL: Duration = Duration::from_secs(1);

/// What each reopening was last told to wait for, so that the log says it once.
pub type Told = BTreeMap<[u8; 32], Waiting>;

/// Reopens until `stop`. `is_wanted` is the operator's policy.
pub async fn run(app: App, node: Arc<dyn NodeOperator>, is_wanted: bool, stop: CancellationToken) {
    let mut told = Told::new();
    loop {
        let (looking, at) = (app.clone(), Arc::clone(&node));
        let looked = tokio::task::spawn_blocking(move || {
            let looked = look(&looking, at.as_ref(), is_wanted, &mut told);
            (told, looked)
        });
        let (returned, looked) = match looked.await {
            Ok(looked) => looked,
            // A look that panics is a fault of the program: `serving` ends the process.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        told = returned;
        if let Err(error) = looked {
            tracing::error!(error = %chain(&error), "no channel can be reopened now");
        }
        let pause = stop.run_until_cancelled(tokio::time::sleep(POLL));
        if pause.await.is_none() {
            return;
        }
    }
}

/// Looks once, and moves one reopening on by one step at most.
///
/// # Errors
/// The database's; what was not done is done by a later look.
pub fn look(
    app: &App,
    node: &dyn NodeOperator,
    is_wanted: bool,
    told: &mut Told,
) -> Result<(), StoreError> {
    let mut pending = app.store.read(reopenings)?;
    told.retain(|id, _| pending.iter().any(|one| one.channel_id == *id));
    let is_asked = |one: &Reopening| matches!(one.stage, Stage::Asked { .. });
    if pending.iter().any(is_asked) {
        pending.retain(is_asked);
    }
    let Some(first) = pending.first() else {
        return Ok(());
    };
    tracing::trace!(channel = %hex::encode(first.channel_id), "a channel is to be reopened");
    let status = node.status();
    for one in &pending {
        if move_on(app, node, &status, one, is_wanted, told)? {
            // What the node showed and what the books knew is older than this step.
            return Ok(());
        }
    }
    Ok(())
}

/// Moves one reopening on, and answers whether anything was changed.
fn move_on(
    app: &App,
    node: &dyn NodeOperator,
    status: &NodeStatus,
    one: &Reopening,
    is_wanted: bool,
    told: &mut Told,
) -> Result<bool, StoreError> {
    let id = one.channel_id;
    let channel = hex::encode(id);
    match next(one, status, is_wanted, app.clock.now()) {
        Step::Wait(what) => {
            if told.insert(id, what) != Some(what) {
                tracing::info!(channel, for_what = ?what, "a channel that a crash closed waits to be reopened");
            }
            return Ok(false);
        }
        Step::Open(request) => return open(app, node, one, &request),
        Step::Opened(opened) => {
            app.store.write(move |tx| end_reopening(tx, id, opened))?;
            tracing::warn!(
                channel,
                opened = hex::encode(opened),
                "a channel that a crash closed is reopened"
            );
        }
        Step::Again(due_at) => {
            app.store
                .write(move |tx| put_back_reopening(tx, id, due_at))?;
            tracing::warn!(channel, %due_at, "no channel came of it: it is tried again");
        }
        Step::GiveUp(why) => {
            app.store.write(move |tx| give_up_reopening(tx, id))?;
            tracing::warn!(
                channel,
                ?why,
                returned_sat = one.returned_sat,
                "a channel that a crash closed is not reopened: open one yourself (leyden node open)"
            );
        }
    }
    Ok(true)
}

/// Writes the intent, then asks the node, once.
fn open(
    app: &App,
    node: &dyn NodeOperator,
    one: &Reopening,
    request: &ChannelRequest,
) -> Result<bool, StoreError> {
    let (id, act) = (one.channel_id, app.acting());
    if app.store.write(move |tx| begin_reopening(tx, &act, id))? != Begun::Yes {
        return Ok(false);
    }
    let (channel, amount_sat) = (hex::encode(id), request.amount_sat);
    match node.open_channel(request) {
        Ok(name) => {
            tracing::warn!(
                channel, amount_sat, peer = %request.peer,
                "a channel is opened in place of one that a crash closed"
            );
            app.store.write(move |tx| name_reopening(tx, id, name))?;
        }
        // Only the node's channels tell whether anything came of it: the next look does.
        Err(error) => {
            tracing::warn!(
                channel, amount_sat, peer = %request.peer, error = %chain(&error),
                "a channel could not be reopened"
            );
        }
    }
    Ok(true)
}
