//! The hub at `/ExecutionLiveServer/v1`: authentication, one file for each command, and the events.
//!
//! A command reserves and answers; nothing is sent to the network from here. Events are read from the outbox, so
//! none can be lost or invented.

mod commands;
pub mod events;
mod lifetime;
mod returning;
mod session;

use signalr_server::{Arguments, Hub, HubOptions, Origins, Unauthorized};
use tokio::sync::{mpsc, watch};
use wire::hercle::DataFormat;

pub use self::returning::Returned;
use crate::app::App;

/// The hub's path, in the spelling of its contract; any letter case is served.
pub const PATH: &str = "/ExecutionLiveServer/v1";

/// Puts the hub together. `default_format` is how `data` is written for connections that do not choose. Nobody is
/// let in before the events have `begun`: what happens earlier would be told to nobody.
pub fn build(
    app: &App,
    default_format: DataFormat,
    begun: watch::Receiver<bool>,
    returned: mpsc::UnboundedSender<Returned>,
) -> Hub {
    let (for_sessions, for_withdrawals) = (app.clone(), app.clone());
    Hub::builder()
        .options(HubOptions::default())
        .origins(Origins::Any)
        .lifetime(lifetime::Processes(app.store.clone()))
        .authenticate(move |request| {
            let (app, mut begun) = (for_sessions.clone(), begun.clone());
            async move {
                // An error means that the server ends before it has begun.
                begun
                    .wait_for(|begun| *begun)
                    .await
                    .map_err(|_| Unauthorized)?;
                session::authenticate(&app, &request, default_format).await
            }
        })
        .on_connected(move |caller| {
            // The pump ends only with the server.
            returning::announce(&caller, &returned);
            async { Ok(()) }
        })
        .method("WithdrawLightning", move |caller, arguments: Arguments| {
            let app = for_withdrawals.clone();
            async move { commands::withdraw_lightning::run(&app, &caller, &arguments).await }
        })
        .build()
}
