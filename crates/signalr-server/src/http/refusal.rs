//! Requests that end with a status code. Bodies are `text/plain`; clients' tests compare
//! some of them.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::transport::Transport;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request needs an `id`.
    NoId,
    /// The `id` is of no connection.
    UnknownId,
    /// The hub does not serve that transport.
    NotSupported(Transport),
    /// The connection has another transport already.
    OtherTransport,
    /// The connection has that transport already.
    InUse,
    /// Messages of a WebSocket connection come over the WebSocket.
    PostToWebSocket,
    /// Only long-polling connections end by DELETE.
    NotLongPolling,
    /// Neither of the methods that the path has; these are.
    Method(&'static str),
    /// The page that opened the WebSocket is of an origin that is not let in.
    ForeignOrigin,
    /// The body of a POST broke off.
    Incomplete,
    /// The hub shuts down.
    Closing,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let text = |status: StatusCode, text: &'static str| (status, text).into_response();
        match self {
            Self::NoId => text(StatusCode::BAD_REQUEST, "Connection ID required"),
            Self::UnknownId => text(StatusCode::NOT_FOUND, "No Connection with that ID"),
            Self::NotSupported(transport) => (
                StatusCode::NOT_FOUND,
                format!(
                    "{} transport not supported by this end point type",
                    transport.name()
                ),
            )
                .into_response(),
            Self::OtherTransport => text(
                StatusCode::BAD_REQUEST,
                "Cannot change transports mid-connection",
            ),
            Self::InUse => text(StatusCode::CONFLICT, "The connection is in use"),
            Self::PostToWebSocket => text(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST requests are not allowed for WebSocket connections.",
            ),
            Self::NotLongPolling => text(
                StatusCode::BAD_REQUEST,
                "Cannot terminate this connection using the DELETE endpoint.",
            ),
            Self::Method(allowed) => (
                StatusCode::METHOD_NOT_ALLOWED,
                [(header::ALLOW, allowed)],
                "Method not allowed",
            )
                .into_response(),
            Self::ForeignOrigin => text(StatusCode::FORBIDDEN, "Origin not allowed"),
            Self::Incomplete => text(StatusCode::BAD_REQUEST, "The body is incomplete"),
            Self::Closing => text(StatusCode::SERVICE_UNAVAILABLE, "The hub is shutting down"),
        }
    }
}
