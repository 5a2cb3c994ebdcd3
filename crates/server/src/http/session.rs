//! Sessions of people: a cookie that scripts cannot read and other sites cannot send, and a token against forged
//! requests.
//!
//! The database holds the SHA-256 of the cookie's token alone. Passwords are hashed by argon2id, a few at a time, on
//! threads that may block.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use store::queries::admin::session;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use wire::Problem;

use super::HttpState;
use super::auth::{Actor, bearer};
use crate::problem::ApiError;

/// How long a session lasts.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// The name of the cookie.
const COOKIE: &str = "leyden_session";
/// How many passwords are hashed at once: each takes 19 MiB and a core.
static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// The secret token of a session, in hexadecimal.
pub struct SessionToken(String);

impl SessionToken {
    /// A fresh one.
    #[must_use]
    pub fn fresh(state: &HttpState) -> Self {
        let mut random = [0; 32];
        state.app.entropy.fill(&mut random);
        Self(hex::encode(random))
    }

    /// The one in a request's cookie.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let cookies = cookies.filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|text| text.split(';'));
        pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE).then(|| Self(value.to_owned()))
        })
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// What a page sends beside the cookie. It says nothing about the token.
    #[must_use]
    pub fn csrf(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"leyden csrf\n");
        hasher.update(&self.0);
        hex::encode(hasher.finalize())
    }

    /// The header that gives it to a browser, for as long as the session lasts.
    ///
    /// # Errors
    /// None in fact: a token in hexadecimal fits a header.
    pub fn cookie(&self, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
        cookie(&self.0, LIFETIME.as_secs(), headers)
    }
}

/// The header that takes the cookie away.
///
/// # Errors
/// As [`SessionToken::cookie`].
pub fn no_cookie(headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    cookie("", 0, headers)
}

fn cookie(value: &str, seconds: i64, headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    let secure = if is_on_this_machine(headers) {
        ""
    } else {
        "; Secure"
    };
    let text =
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|error| ApiError::internal(&error))
}

/// A browser on the server's own machine, without TLS: the only place where the cookie may go in the clear.
#[must_use]
pub fn is_on_this_machine(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let is_local = matches!(name, Some("localhost" | "127.0.0.1" | "::1"));
    is_local && text("x-forwarded-proto") != Some("https")
}

/// Who administers: the holder of the admin token, or a person with a session.
///
/// # Errors
/// [`ApiError`], for everybody else.
pub async fn actor(
    state: &HttpState,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Actor, ApiError> {
    if headers.contains_key(header::AUTHORIZATION) {
        return match state.admin_token_hash.is(bearer(headers)?) {
            true => Ok(Actor::Token),
            false => Err(Problem::InvalidApiKey.into()),
        };
    }
    let token = SessionToken::of(headers).ok_or(Problem::AuthenticationRequired)?;
    let (name, _) = holder(state, &token).await?;
    let reads = [Method::GET, Method::HEAD].contains(method);
    if !reads && !has_csrf_token(headers, &token) {
        return Err(Problem::CsrfTokenRequired.into());
    }
    Ok(Actor::User { name })
}

/// Whose session it is, and until when.
///
/// # Errors
/// [`Problem::InvalidLogin`] once it has ended.
pub async fn holder(
    state: &HttpState,
    token: &SessionToken,
) -> Result<(String, Timestamp), ApiError> {
    let (hash, now) = (token.hash(), state.app.clock.now());
    let read = state.app.store.read_async(move |tx| session(tx, hash, now));
    Ok(read.await?.ok_or(Problem::InvalidLogin)?)
}

/// Whether the header `X-CSRF-Token` is that of the session, in constant time.
#[must_use]
pub fn has_csrf_token(headers: &HeaderMap, token: &SessionToken) -> bool {
    let given = headers.get("x-csrf-token").map(HeaderValue::as_bytes);
    given.is_some_and(|given| given.ct_eq(token.csrf().as_bytes()).into())
}

/// The argon2id hash of a password, in PHC form.
///
/// # Errors
/// What the hash or the thread says: a fault of the program.
pub async fn hashed(state: &HttpState, password: String) -> Result<String, ApiError> {
    let mut salt = [0; 16];
    state.app.entropy.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt);
    blocking(move || {
        let salt = salt.map_err(|error| error.to_string())?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
            .map_err(|error| error.to_string())
    })
    .await?
    .map_err(|error| {
        tracing::error!(error, "a password cannot be hashed");
        Problem::Internal.into()
    })
}

/// Whether `password` is the one of `hash`; without one it takes as long, and is not.
///
/// # Errors
/// As [`hashed`].
pub async fn is_password(hash: Option<String>, password: String) -> Result<bool, ApiError> {
    /// Of nothing that anybody knows.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    blocking(move || {
        let (text, is_known) = match &hash {
            Some(hash) => (hash.as_str(), true),
            None => (NOBODY, false),
        };
        let parsed = PasswordHash::new(text);
        let matches = parsed.is_ok_and(|parsed| {
            let checked = Argon2::default().verify_password(password.as_bytes(), &parsed);
            checked.is_ok()
        });
        is_known && matches
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    // It is never closed.
    let _turn = HASHING.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| ApiError::internal(&panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_cookie_goes_in_the_clear_on_this_machine_alone() {
        let token = SessionToken("ab".to_owned());
        for (host, forwarded, is_secure) in [
            ("127.0.0.1:3080", "http", false),
            ("localhost", "http", false),
            ("[::1]:3080", "http", false),
            ("pay.example.com", "http", true),
            ("127.0.0.1:3080", "https", true),
            ("127.0.0.1.example.com", "http", true),
        ] {
            let headers = headers(&[("host", host), ("x-forwarded-proto", forwarded)]);
            let cookie = token.cookie(&headers).expect("a header");
            let text = cookie.to_str().expect("a text");
            assert!(text.contains("HttpOnly; SameSite=Strict"), "{text}");
            assert_eq!(text.ends_with("; Secure"), is_secure, "{host} {forwarded}");
        }
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let found = |text| SessionToken::of(&headers(&[("cookie", text)])).map(|token| token.0);
        assert_eq!(
            found("a=b; leyden_session=xyz; c=d").as_deref(),
            Some("xyz")
        );
        assert_eq!(found("xleyden_session=xyz"), None);
        let token = SessionToken("xyz".to_owned());
        assert!(!token.csrf().contains("xyz"));
        assert!(!has_csrf_token(&headers(&[]), &token));
    }
}
