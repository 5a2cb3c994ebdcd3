//! Which path is answered by which handler, and what stands around all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};
use payments::ids::Ids;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use wire::Problem;

use super::body::MAX_BODY_BYTES;
use super::client_address::{self, TrustedProxies};
use super::routes::Routes;
use super::{HttpState, declared, frame, health, metrics};
use crate::problem::ApiError;

/// How long a request may take before its client is told to ask again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The REST interface.
pub fn router(state: HttpState) -> Router {
    let routes = declared::all(Routes::new(state.clone()));
    routes.finish().merge(health(state))
}

/// The health of the process: all that one without the role `api` answers.
pub fn health(state: HttpState) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(metrics::get))
        .route("/readyz", get(health::readyz))
        .with_state(state)
}

/// What answers a path that there is not.
pub fn nothing_there() -> MethodRouter {
    any(|| async { ApiError::not_found("path") })
}

/// What stands around every path, REST and others: fallbacks, limits and CORS. `elsewhere` answers every other path.
pub fn surround(router: Router, elsewhere: MethodRouter) -> Router {
    router
        .fallback_service(elsewhere)
        .method_not_allowed_fallback(|| async { ApiError::from(Problem::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::from(Problem::Internal).into_response()
        }))
        // Outermost, so that a page can read every error too.
        .layer(cors())
}

/// Lets everything know who calls, and names every request; REST and the hub alike.
pub fn with_caller(router: Router, proxies: TrustedProxies, ids: Ids) -> Router {
    router
        .layer(from_fn_with_state(proxies, client_address::find))
        .layer(from_fn_with_state(ids, frame::around))
}

/// Limits the time of a request; not for paths that hold a connection open.
pub fn with_timeout(router: Router) -> Router {
    router.layer(from_fn(timed))
}

async fn timed(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::from(Problem::Timeout).into_response(),
    }
}

/// Pages of any origin may call the API with a key of their own; no cookie is ever read.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            frame::REQUEST_ID,
        ])
        .expose_headers([
            RETRY_AFTER,
            frame::REQUEST_ID,
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
        ])
}
