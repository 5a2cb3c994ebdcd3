//! Who is calling: the request as an authenticator sees it, and the user it answers with.
//!
//! Tokens pass through here and are never kept, logged or shown by `Debug`.

use std::any::Any;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};

use crate::query::Query;

/// A request to the hub, before it is let in.
///
/// Every negotiation and every upgrade is authenticated on its own.
pub struct AuthRequest {
    token: Option<String>,
    query: Query,
    headers: HeaderMap,
    extensions: Extensions,
}

impl AuthRequest {
    pub(crate) fn new(parts: &Parts, query: &Query) -> Self {
        let token = bearer(&parts.headers)
            .or_else(|| query.get("access_token"))
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        Self {
            token,
            query: query.clone(),
            headers: parts.headers.clone(),
            extensions: parts.extensions.clone(),
        }
    }

    /// The access token: `Authorization: Bearer`, else the query parameter `access_token`
    /// (browsers cannot set headers on a WebSocket).
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A query parameter, in any letter case.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// The headers of the request.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The extensions of the request, e.g. axum's `ConnectInfo`.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

impl std::fmt::Debug for AuthRequest {
    /// Neither token nor headers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthRequest")
            .field("has_token", &self.token.is_some())
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The user of a connection: an id to address messages to, and what else the authenticator
/// wants methods to know.
#[derive(Clone)]
pub struct User {
    id: Arc<str>,
    claims: Option<Arc<dyn Any + Send + Sync>>,
}

impl User {
    /// A user with nothing but an id. Several connections may share it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            claims: None,
        }
    }

    /// Adds a value that methods read with [`claims`](Self::claims).
    #[must_use]
    pub fn with_claims<T: Any + Send + Sync>(mut self, claims: T) -> Self {
        self.claims = Some(Arc::new(claims));
        self
    }

    /// The id that [`Clients::user`](crate::Clients::user) addresses.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The authenticator's value, if it is a `T`.
    #[must_use]
    pub fn claims<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.claims.as_ref()?.downcast_ref()
    }
}

impl std::fmt::Debug for User {
    /// Neither id nor claims: an id may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}

/// The request is not let in: 401 with an empty body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unauthorized")]
pub struct Unauthorized;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use axum::http::Request;

    fn token(uri: &str, authorization: Option<&str>) -> Option<String> {
        let mut request = Request::builder().uri(uri);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let query = Query::parse(parts.uri.query());
        let request = AuthRequest::new(&parts, &query);
        assert!(!format!("{request:?}").contains("secret"));
        request.token().map(str::to_owned)
    }

    #[test]
    fn the_header_is_preferred_to_the_query() {
        let both = token("/h?access_token=secret-q", Some("Bearer secret-h"));
        assert_eq!(both.as_deref(), Some("secret-h"));
        let query = token("/h?Access_Token=secret%2Bq", None);
        assert_eq!(query.as_deref(), Some("secret+q"));
        let other = token("/h?access_token=secret-q", Some("Basic secret-b"));
        assert_eq!(other.as_deref(), Some("secret-q"));
        assert_eq!(token("/h?access_token=", Some("Bearer ")), None);
    }

    #[test]
    fn claims_are_read_back_by_their_type() {
        let user = User::new("u").with_claims(5_u32);
        assert_eq!((user.id(), user.claims::<u32>()), ("u", Some(&5)));
        assert_eq!(user.claims::<u64>(), None);
    }
}
