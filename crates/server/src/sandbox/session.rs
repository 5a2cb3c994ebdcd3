//! `POST /sandbox/session`: whoever opens the console of a sandbox on this machine is let in, without a password.
//!
//! There is no money in a sandbox. Still only a page of the sandbox's own may ask, under a name of this machine: not
//! another site, and not one that lets its name point here.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use store::acts::admin::{Attempt, begin_session, count_attempt, create_user};
use wire::Problem;
use wire::admin::AdminSession;

use crate::http::HttpState;
use crate::http::answer::json;
use crate::http::session::{LIFETIME, SessionToken, is_on_this_machine};
use crate::present;
use crate::problem::ApiError;

/// Who it is.
const NAME: &str = "sandbox";
/// No password has this hash.
const NO_PASSWORD: &str = "";

/// Begins a session.
///
/// # Errors
/// [`ApiError`]: `forbidden` for other pages.
pub(super) async fn begin(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !is_own_page(&headers) {
        return Err(Problem::Forbidden {
            scope: "console".into(),
        }
        .into());
    }
    let (token, act) = (SessionToken::fresh(&state), state.app.acting());
    let (hash, expires_at) = (token.hash(), act.now + LIFETIME);
    let begun = state.app.store.write_async(move |tx| {
        create_user(tx, &act, NAME, NO_PASSWORD)?;
        let user = match count_attempt(tx, &act, NAME)? {
            Attempt::Check(user, _) => Some(user),
            Attempt::Locked(_) | Attempt::Unknown => None,
        };
        if let Some(user) = user {
            begin_session(tx, &act, user, hash, expires_at)?;
        }
        Ok::<_, store::StoreError>(user)
    });
    begun.await?.ok_or(Problem::InvalidLogin)?;
    let body = AdminSession {
        name: NAME.to_owned(),
        csrf_token: token.csrf(),
        expires_at: present::micros(expires_at),
    };
    let mut response = json(201, &body);
    let cookie = token.cookie(&headers)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// A browser names the origin of every POST; it must be the very host that is asked, under a name of this machine.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_same = text(header::ORIGIN).is_some_and(|origin| origin == format!("http://{host}"));
    is_same && is_on_this_machine(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        }
        is_own_page(&headers)
    }

    #[test]
    fn only_a_page_of_the_sandbox_on_this_machine_is_let_in() {
        assert!(asks("127.0.0.1:3080", Some("http://127.0.0.1:3080")));
        assert!(asks("localhost:3080", Some("http://localhost:3080")));
        assert!(!asks("127.0.0.1:3080", Some("https://evil.example")));
        assert!(!asks("127.0.0.1:3080", Some("http://127.0.0.1:4000")));
        assert!(!asks("evil.example:3080", Some("http://evil.example:3080")));
        assert!(!asks("127.0.0.1:3080", None));
    }
}
