//! The variable segment of a path, where even what cannot be decoded is answered in JSON.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::problem::ApiError;

/// The decoded segment.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let found = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = found.map_err(|_| ApiError::not_found("path"))?;
        // PostgreSQL keeps no U+0000, so nothing is called so.
        if text.contains('\0') {
            return Err(ApiError::not_found("path"));
        }
        Ok(Self(text))
    }
}

/// Two decoded segments.
pub struct Segments(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let found = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = found.map_err(|_| ApiError::not_found("path"))?;
        Ok(Self(first, second))
    }
}
