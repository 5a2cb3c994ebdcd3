//! Request bodies: bounded, and JSON or nothing.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use wire::Problem;

use crate::problem::ApiError;

/// The longest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The bytes of a JSON body; empty when there is none.
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let declared_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            ApiError::from(Problem::BodyTooLarge {
                limit_bytes: MAX_BODY_BYTES as u64,
            })
        })?;
        if !bytes.is_empty() && !declared_json {
            return Err(Problem::UnsupportedMediaType.into());
        }
        Ok(Self(bytes))
    }
}

/// `application/json`, any `+json`, or nothing at all: some clients declare nothing.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let declared = declared.to_str().unwrap_or_default();
    let media_type = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}
