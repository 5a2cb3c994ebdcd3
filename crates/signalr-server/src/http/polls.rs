//! Long polling: the first poll opens the connection, the others deliver.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::endpoint::{Admitted, slot_for};
use super::refusal::Refusal;
use crate::registry::{Found, SlotError};
use crate::transport::{Outlet, Polled, PollingSink, Transport};

const KIND: Transport = Transport::LongPolling;

/// One poll.
pub(super) async fn poll(admitted: Admitted, id: &str, found: Found) -> Result<Response, Refusal> {
    match (found.transport, found.outlet) {
        (None, _) => open(admitted, id),
        (Some(KIND), Some(outlet)) => Ok(deliver(&admitted, &outlet).await),
        (Some(taken), _) => Err(slot_for(KIND)(SlotError::Taken(taken))),
    }
}

fn open(admitted: Admitted, id: &str) -> Result<Response, Refusal> {
    admitted.offers(KIND)?;
    let patience = admitted.core.options.disconnect_timeout;
    let begun = admitted.begin(Some(id), KIND)?;
    let sink = PollingSink {
        outlet: begun.claim.outlet.clone().ok_or(Refusal::UnknownId)?,
        inlet: Arc::clone(&begun.claim.inlet),
        patience,
    };
    begun.serve_posts(sink);
    Ok(data(Bytes::new()))
}

async fn deliver(admitted: &Admitted, outlet: &Outlet) -> Response {
    match outlet.poll(admitted.core.options.long_poll_timeout).await {
        Polled::Data(bytes) => data(bytes),
        Polled::Nothing => data(Bytes::new()),
        Polled::End => (StatusCode::NO_CONTENT, NOT_STORED).into_response(),
    }
}

const NOT_STORED: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-cache, no-store")];

fn data(bytes: Bytes) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    (NOT_STORED, kind, bytes).into_response()
}
