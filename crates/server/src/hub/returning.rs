//! Connections that come back (`?after=N`): they get the events of their key after the number that they saw last, then
//! what happens from now on, each with its number as a second argument. None is left out, and none comes twice.

use payments::ids::AccountId;
use payments::ids::ApiKeyId;
use signalr_server::{Caller, Clients};
use store::StoreError;
use store::queries::event::hub_events_of;
use tokio::sync::mpsc;
use wire::hercle::DataFormat;

use super::events::{self, Cursor};
use super::session::{self, numbered};
use crate::app::App;

/// How many events are read at once for one of them. What happens now is told in between.
const PAGE: i64 = 200;

/// A connection that came back, and how far it has got.
#[derive(Debug)]
pub struct Returned {
    connection_id: String,
    account: AccountId,
    key: ApiKeyId,
    format: DataFormat,
    after: i64,
}

/// Tells the pump of a connection that wants what it has missed.
pub(super) fn announce(caller: &Caller, pump: &mpsc::UnboundedSender<Returned>) {
    let Some(session) = session::of(caller) else {
        return;
    };
    let Some(after) = session.after else { return };
    let returned = Returned {
        connection_id: caller.connection_id().to_owned(),
        account: session.identity.account_id,
        key: session.identity.api_key_id,
        format: session.format,
        after,
    };
    if pump.send(returned).is_err() {
        tracing::debug!("a connection came back while the server stops");
    }
}

/// Sends a page to each, and leaves in `returned` those that have not seen everything.
pub(super) async fn catch_up(
    app: &App,
    clients: &Clients,
    cursor: &Cursor,
    returned: &mut Vec<Returned>,
) -> Result<(), StoreError> {
    for mut one in std::mem::take(returned) {
        match page(app, clients, cursor, &mut one).await {
            Ok(true) => {}
            Ok(false) => returned.push(one),
            Err(error) => {
                returned.push(one);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Sends what comes next to one of them. Answers whether that was all: it hears what happens from then on.
async fn page(
    app: &App,
    clients: &Clients,
    cursor: &Cursor,
    one: &mut Returned,
) -> Result<bool, StoreError> {
    let (account, after) = (one.account, one.after);
    let read = app
        .store
        .read_async(move |tx| hub_events_of(tx, account, after, PAGE));
    let missed = read.await?;
    let is_last = missed.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
    let mut is_new = false;
    for event in &missed {
        // What nobody was told of yet is told to all of them together.
        is_new = cursor.is_new(event.seq);
        if is_new {
            break;
        }
        one.after = event.sequence;
        if event.api_key_id == Some(one.key) {
            let to = clients.connection(&one.connection_id);
            events::send_to(to, event, one.format, true);
        }
    }
    let is_all = is_last || is_new;
    if is_all {
        // Where it is gone by now there is nobody to tell.
        clients.add_to_group(&one.connection_id, &numbered(one.key, one.format));
    }
    Ok(is_all)
}
