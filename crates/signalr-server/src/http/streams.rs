//! Server-sent events, and the POSTs that go with them and with long polling.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use super::endpoint::{Admitted, slot_for};
use super::refusal::Refusal;
use crate::connection::{self, Opening};
use crate::transport::{Inbound, Inlet, InletSource, Transport, events as open};

const KIND: Transport = Transport::ServerSentEvents;

/// Opens the stream of events of a negotiated id.
pub(super) fn events(mut admitted: Admitted, id: &str) -> Result<Response, Refusal> {
    admitted.offers(KIND)?;
    let core = Arc::clone(&admitted.core);
    let claim = core
        .registry
        .claim(Some(id), KIND)
        .map_err(slot_for(KIND))?;
    let origin = admitted.origin(&claim, KIND);
    let tracked = core.connections.token();
    let (response, sink) = open(Arc::clone(&claim.inlet));
    tokio::spawn(async move {
        let opening = Opening {
            source: InletSource(Arc::clone(&claim.inlet)),
            sink,
            again: None,
        };
        connection::serve(core, origin, opening).await;
        drop((claim, tracked));
    });
    Ok(response)
}

/// Takes what a client sends, and answers when it is queued: one POST after the other.
pub(super) async fn receive(inlet: &Inlet, body: Body) -> Result<Response, Refusal> {
    let _turn = inlet.turn.lock().await;
    let mut body = body.into_data_stream();
    while let Some(bytes) = body.next().await {
        let Ok(bytes) = bytes else {
            // A part of a message may be queued already: nothing can follow it.
            inlet.end(Inbound::Lost);
            return Err(Refusal::Incomplete);
        };
        if inlet.put(bytes).await.is_err() {
            return Err(Refusal::UnknownId);
        }
    }
    Ok(StatusCode::OK.into_response())
}
