//! WebSockets: the first of a connection, and with stateful reconnect the next ones.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::Sender;

use super::endpoint::{Admitted, slot_for};
use super::refusal::Refusal;
use crate::connection::Opening;
use crate::registry::{Found, SlotError};
use crate::transport::{self, Halves, Transport};

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

/// Checks that a WebSocket may be opened, and answers the request: the answer, and the socket
/// that it becomes.
async fn upgrade(
    admitted: &mut Admitted,
) -> Result<
    (
        Response,
        impl Future<Output = Option<Halves>> + Send + use<>,
    ),
    Result<Response, Refusal>,
> {
    admitted.offers(KIND).map_err(Err)?;
    if !admitted.core.origins.allow(&admitted.parts.headers) {
        return Err(Err(Refusal::ForeignOrigin));
    }
    let accepted = transport::accept(&mut admitted.parts, &admitted.core.options).await;
    accepted.map_err(Ok)
}

/// The first WebSocket of a connection.
pub(super) async fn first(mut admitted: Admitted, id: Option<&str>) -> Result<Response, Refusal> {
    let (answer, socket) = match upgrade(&mut admitted).await {
        Ok(accepted) => accepted,
        Err(refused) => return refused,
    };
    let mut begun = admitted.begin(id, KIND)?;
    tokio::spawn(async move {
        if let Some((source, sink)) = socket.await {
            let again = begun.claim.again.take();
            let opening = Opening {
                source,
                sink,
                again,
            };
            begun.serve(opening).await;
        }
    });
    Ok(answer)
}

/// Another WebSocket of a connection whose last one broke, whether we know that or not.
async fn next(mut admitted: Admitted, again: Sender<Halves>) -> Result<Response, Refusal> {
    if again.is_closed() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (answer, socket) = match upgrade(&mut admitted).await {
        Ok(accepted) => accepted,
        Err(refused) => return refused,
    };
    tokio::spawn(async move {
        if let Some(halves) = socket.await {
            // If the connection ends meanwhile, the socket is dropped and the client begins anew.
            drop(again.send(halves).await);
        }
    });
    Ok(answer)
}
