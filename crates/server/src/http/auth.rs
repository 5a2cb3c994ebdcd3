//! The callers: a customer by API key, the operator by the admin token or as a person with a session.
//!
//! Which of them a route lets in stands where the route is declared ([`super::routes`]); the extractors here find out
//! who was let in, and let nobody in by themselves but the holder of the admin token.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use payments::ids::AccountId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::Problem;

use super::HttpState;
use crate::identity::Identity;
use crate::problem::ApiError;

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1). The scheme's letter case does not matter.
///
/// # Errors
/// [`Problem::AuthenticationRequired`] without one, [`Problem::InvalidApiKey`] for what is no text.
pub fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let header = headers
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

/// A customer, whom the route has let in.
pub struct Customer(pub Identity);

impl FromRequestParts<HttpState> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &HttpState,
    ) -> Result<Self, Self::Rejection> {
        let identity = parts.extensions.get::<Identity>();
        identity.copied().map(Self).ok_or_else(undeclared)
    }
}

/// A route lets somebody in and does not say whom: a fault of the program.
fn undeclared() -> ApiError {
    tracing::error!("a route does not declare who may call it");
    Problem::Internal.into()
}

/// Whose things a call may see and change: those of one account, or, for the operator, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub Option<AccountId>);

impl Owner {
    /// Whether a thing of `account` is within reach.
    #[must_use]
    pub fn reaches(self, account: AccountId) -> bool {
        self.0.is_none_or(|own| own == account)
    }
}

impl FromRequestParts<HttpState> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &HttpState,
    ) -> Result<Self, Self::Rejection> {
        if let Some(identity) = parts.extensions.get::<Identity>() {
            return Ok(Self(Some(identity.account_id)));
        }
        match parts.extensions.get::<Actor>() {
            Some(_) => Ok(Self(None)),
            None => Err(undeclared()),
        }
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

    /// Whether `token` is it, in constant time.
    #[must_use]
    pub fn is(&self, token: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(token).into();
        presented.ct_eq(&*self.0).into()
    }
}

impl FromRef<HttpState> for AdminTokenHash {
    fn from_ref(state: &HttpState) -> Self {
        state.admin_token_hash.clone()
    }
}

/// Who administers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Who has the admin token: the command line, as a rule.
    Token,
    /// A person with a session.
    User {
        /// What it is called.
        name: String,
    },
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token => f.write_str("admin token"),
            Self::User { name } => write!(f, "user {name}"),
        }
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
        if parts.extensions.get::<Actor>().is_some() {
            return Ok(Self);
        }
        match AdminTokenHash::from_ref(state).is(bearer(&parts.headers)?) {
            true => Ok(Self),
            false => Err(Problem::InvalidApiKey.into()),
        }
    }
}
