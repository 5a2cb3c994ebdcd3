//! The HTTP face of a hub: paths, negotiation, upgrades and their status codes.
//!
//! Tokens and ids pass through here and are never logged.

mod cors;
mod endpoint;
mod negotiate;
mod polls;
mod refusal;
mod streams;
mod upgrades;

pub use cors::Origins;
pub use negotiate::Redirect;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower::{Service, ServiceExt as _, service_fn};

use crate::auth::{AuthRequest, Unauthorized, User};
use crate::hub::Core;
use crate::query::Query;

/// Which of a hub's two paths a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Base,
    Negotiate,
}

impl Path {
    /// Compares in any letter case, and allows a slash at the end, as ASP.NET Core does.
    fn of(path: &str, base: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let (head, tail) = path.as_bytes().split_at_checked(base.len())?;
        if !head.eq_ignore_ascii_case(base.as_bytes()) {
            return None;
        }
        match tail {
            [] => Some(Self::Base),
            tail if tail.eq_ignore_ascii_case(b"/negotiate") => Some(Self::Negotiate),
            _ => None,
        }
    }
}

/// See [`Hub::router`](crate::Hub::router).
pub(crate) fn router(core: &Arc<Core>, base: &str) -> Router {
    let base = checked(base);
    let service = service(core, base, Router::new());
    Router::new()
        .route_service(base, service.clone())
        .route_service(&format!("{base}/negotiate"), service.clone())
        .fallback_service(service)
}

/// See [`Hub::mount`](crate::Hub::mount).
pub(crate) fn mount(core: &Arc<Core>, base: &str, app: Router) -> Router {
    Router::new().fallback_service(service(core, checked(base), app))
}

/// Serves the hub at `base`, and `app` everywhere else.
fn service(
    core: &Arc<Core>,
    base: &str,
    app: Router,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    let base: Arc<str> = base.into();
    let cors = core.origins.layer();
    let at = |path: Path| {
        let core = Arc::clone(core);
        let handler = move |request: Request| handle(Arc::clone(&core), path, request);
        let router = Router::new().fallback(handler);
        match &cors {
            Some(cors) => router.layer(cors.clone()),
            None => router,
        }
    };
    let (hub, negotiate) = (at(Path::Base), at(Path::Negotiate));
    service_fn(move |request: Request| {
        let service = match Path::of(request.uri().path(), &base) {
            Some(Path::Base) => hub.clone(),
            Some(Path::Negotiate) => negotiate.clone(),
            None => app.clone(),
        };
        service.oneshot(request)
    })
}

fn checked(base: &str) -> &str {
    let base = base.strip_suffix('/').unwrap_or(base);
    assert!(
        base.starts_with('/') && !base.contains(['{', '}', '?']),
        "the path of a hub starts with '/' and has no parameters"
    );
    base
}

async fn handle(core: Arc<Core>, path: Path, request: Request) -> Response {
    match path {
        Path::Base => endpoint::handle(core, request).await,
        Path::Negotiate => negotiate::handle(&core, request).await,
    }
}

/// Who sent the request: as a layer around the router says, or as the hub's authenticator
/// does. Without a token of its own it stands for the `negotiator`. The refusal has no body:
/// clients show the reason phrase.
async fn admit(
    core: &Core,
    parts: &axum::http::request::Parts,
    query: &Query,
    negotiator: Option<User>,
) -> Result<Option<User>, Response> {
    let Some(authenticate) = &core.authenticate else {
        return Ok(parts.extensions.get::<User>().cloned().or(negotiator));
    };
    let request = AuthRequest::new(parts, query);
    if request.token().is_none() && negotiator.is_some() {
        return Ok(negotiator);
    }
    authenticate(request).await.map_err(|Unauthorized| {
        let challenge = [(axum::http::header::WWW_AUTHENTICATE, "Bearer")];
        (StatusCode::UNAUTHORIZED, challenge).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_in_any_letter_case_and_only_whole() {
        let cases = [
            ("/Hub/v1", Some(Path::Base)),
            ("/hub/V1/", Some(Path::Base)),
            ("/HUB/v1/Negotiate", Some(Path::Negotiate)),
            ("/hub/v1/negotiate/", Some(Path::Negotiate)),
            ("/hub/v10", None),
            ("/hub", None),
            ("/hub/v1/other", None),
            ("/hüb/v1", None),
        ];
        for (path, expected) in cases {
            assert_eq!(Path::of(path, "/hub/v1"), expected, "{path}");
        }
    }
}
