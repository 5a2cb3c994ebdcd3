//! The callers: a customer by API key, the operator by the admin token.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::Problem;

use super::HttpState;
use crate::identity::{Identity, identify};
use crate::problem::ApiError;

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1). The scheme's letter case does not matter.
fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let header = parts
        .headers
        .get(AUTHORIZATION)
        .ok_or(Problem::AuthenticationRequired)?;
    let text = header.to_str().map_err(|_| Problem::InvalidApiKey)?;
    let (scheme, token) = text
        .split_once(' ')
        .ok_or(Problem::AuthenticationRequired)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::AuthenticationRequired.into());
    }
    Ok(token.trim())
}

/// A customer.
pub struct Customer(pub Identity);

impl FromRequestParts<HttpState> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &HttpState,
    ) -> Result<Self, Self::Rejection> {
        identify(&state.app, bearer(parts)?).await.map(Self)
    }
}

/// The SHA-256 of the admin token.
#[derive(Clone)]
pub struct AdminTokenHash(Arc<[u8; 32]>);

impl AdminTokenHash {
    /// The hash of `token`.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Arc::new(Sha256::digest(token).into()))
    }
}

impl FromRef<HttpState> for AdminTokenHash {
    fn from_ref(state: &HttpState) -> Self {
        state.admin_token_hash.clone()
    }
}

/// The operator.
pub struct Operator;

impl<S> FromRequestParts<S> for Operator
where
    AdminTokenHash: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let presented: [u8; 32] = Sha256::digest(bearer(parts)?).into();
        if bool::from(presented.ct_eq(&*AdminTokenHash::from_ref(state).0)) {
            Ok(Self)
        } else {
            Err(Problem::InvalidApiKey.into())
        }
    }
}
