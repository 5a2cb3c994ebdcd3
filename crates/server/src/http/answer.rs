//! Problems as HTTP responses, and answers that were stored as bytes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::ApiError;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json(self.problem.status(), &self.problem.to_bitvora());
        if let Some(seconds) = self.problem.retry_after_seconds() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.problem.status() == 401 {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// A value as a JSON response.
#[must_use]
pub fn json<T: Serialize>(status: u16, value: &T) -> Response {
    stored(status, encode(value))
}

/// A value as the bytes of a response, for an answer that is kept and given again.
///
/// # Panics
/// Never for the bodies of `wire`, which always serialise.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("bodies of the contract always serialise")
}

/// Bytes that are JSON, as a response.
#[must_use]
pub fn stored(status: u16, bytes: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}
