//! WebSockets: the first of a connection, and with stateful reconnect the next ones.

use std::sync::Arc;

use axum::extract::{FromRequestParts, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::endpoint::{Admitted, slot, slot_for};
use super::refusal::Refusal;
use crate::connection::{self, Opening};
use crate::registry::{Found, SlotError};
use crate::transport::{self, Transport};

const KIND: Transport = Transport::WebSockets;

/// Opens a WebSocket on a negotiated id.
pub(super) async fn with_id(
    admitted: Admitted,
    id: &str,
    found: Found,
) -> Result<Response, Refusal> {
    match (found.transport, found.again) {
        (Some(KIND), Some(again)) => next(admitted, again).await,
        // Looked at before the upgrade is checked, and taken after, so that a request which is
        // no WebSocket upgrade does not use up the id.
        (Some(taken), _) => Err(slot_for(KIND)(SlotError::Taken(taken))),
        (None, _) => first(admitted, Some(id)).await,
    }
}

async fn upgrade(admitted: &mut Admitted) -> Result<WebSocketUpgrade, Result<Response, Refusal>> {
    admitted.offers(KIND).map_err(Err)?;
    if !admitted.core.origins.allow(&admitted.parts.headers) {
        return Err(Err(Refusal::ForeignOrigin));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut admitted.parts, &()).await;
    match upgrade {
        Ok(upgrade) => Ok(transport::configure(upgrade, &admitted.core.options)),
        Err(rejection) => Err(Ok(rejection.into_response())),
    }
}

/// The first WebSocket of a connection.
pub(super) async fn first(mut admitted: Admitted, id: Option<&str>) -> Result<Response, Refusal> {
    let upgrade = match upgrade(&mut admitted).await {
        Ok(upgrade) => upgrade,
        Err(answer) => return answer,
    };
    let core = Arc::clone(&admitted.core);
    let mut claim = core.registry.claim(id, KIND).map_err(slot)?;
    let origin = admitted.origin(&claim, KIND);
    let tracked = core.connections.token();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (source, sink) = transport::run(socket);
        let opening = Opening {
            source,
            sink,
            again: claim.again.take(),
        };
        connection::serve(core, origin, opening).await;
        drop((claim, tracked));
    }))
}

/// Another WebSocket of a connection whose last one broke, whether we know that or not.
async fn next(
    mut admitted: Admitted,
    again: tokio::sync::mpsc::Sender<transport::Halves>,
) -> Result<Response, Refusal> {
    if again.is_closed() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let upgrade = match upgrade(&mut admitted).await {
        Ok(upgrade) => upgrade,
        Err(answer) => return answer,
    };
    Ok(upgrade.on_upgrade(move |socket| async move {
        // If the connection ends meanwhile, the socket is dropped and the client begins anew.
        drop(again.send(transport::run(socket)).await);
    }))
}
