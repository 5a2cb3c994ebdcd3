//! Server-sent events, and the POSTs that go with them and with long polling.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use super::endpoint::Admitted;
use super::refusal::Refusal;
use crate::transport::{Inbound, Inlet, Transport, events as open};

const KIND: Transport = Transport::ServerSentEvents;

/// Opens the stream of events of a negotiated id.
pub(super) fn events(admitted: Admitted, id: &str) -> Result<Response, Refusal> {
    admitted.offers(KIND)?;
    let begun = admitted.begin(Some(id), KIND)?;
    let (response, sink) = open(Arc::clone(&begun.claim.inlet));
    begun.serve_posts(sink);
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
