//! Which path is answered by which handler, and what stands around all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use wire::Problem;

use super::body::MAX_BODY_BYTES;
use super::{
    HttpState, admin, balance, events, health, invoices, metrics, transactions, withdrawals,
};
use crate::problem::ApiError;

/// How long a request may take before its client is told to ask again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The REST interface.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .merge(bitvora())
        .nest("/admin/v1", administration())
        .with_state(state.clone())
        .merge(health(state))
}

/// The health of the process: all that one without the role `api` answers.
pub fn health(state: HttpState) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(metrics::get))
        .route("/readyz", get(health::readyz))
        .with_state(state)
}

/// What stands around every path, REST and others: fallbacks, limits and CORS.
pub fn surround(router: Router) -> Router {
    router
        .fallback(|| async { ApiError::not_found("path") })
        .method_not_allowed_fallback(|| async { ApiError::from(Problem::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::from(Problem::Internal).into_response()
        }))
        // Outermost, so that a page can read every error too.
        .layer(cors())
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
        ])
}

fn bitvora() -> Router<HttpState> {
    Router::new()
        .route("/v1/events", get(events::list))
        .route("/v1/transactions/balance", get(balance::get))
        .route("/v1/transactions", get(transactions::list))
        .route("/v1/transactions/deposits/{id}", get(transactions::deposit))
        .route(
            "/v1/transactions/withdrawals/{id}",
            get(transactions::withdrawal),
        )
        .route(
            "/v1/bitcoin/deposit/lightning-invoice",
            post(invoices::create),
        )
        .route(
            "/v1/bitcoin/deposit/lightning-invoice/id/{id}",
            get(invoices::get),
        )
        .route(
            "/v1/bitcoin/deposit/lightning-invoice/{id}",
            get(invoices::get),
        )
        .route("/v1/bitcoin/withdraw/confirm", post(withdrawals::confirm))
}

fn administration() -> Router<HttpState> {
    Router::new()
        .route(
            "/accounts",
            post(admin::accounts::create).get(admin::accounts::list),
        )
        .route("/keys", post(admin::keys::create))
        .route(
            "/webhooks",
            post(admin::webhooks::create).get(admin::webhooks::list),
        )
        .nest("/webhooks/{id}", one_webhook())
        .route("/suspense", get(admin::suspense::list))
        .route("/suspense/{id}/assign", post(admin::suspense::assign))
        .route("/audit", get(admin::audit::get))
        .route("/reconciliation", get(admin::reconciliation::get))
        .route("/withdrawals/{id}", get(admin::withdrawals::get))
        .route("/resume", post(admin::resume::post))
        .route("/node", get(admin::node::get))
        .route("/node/address", post(admin::node::address))
        .route("/node/peers", post(admin::node::connect))
        .route("/node/channels", post(admin::node::open))
        .route("/node/channels/{id}/close", post(admin::node::close))
}

fn one_webhook() -> Router<HttpState> {
    use admin::webhooks::{self, deliveries, secrets, test_message};
    Router::new()
        .route(
            "/",
            get(webhooks::get)
                .patch(webhooks::change)
                .delete(webhooks::delete),
        )
        .route("/pause", post(webhooks::pause))
        .route("/resume", post(webhooks::resume))
        .route("/disable", post(webhooks::disable))
        .route("/rotate", post(secrets::rotate))
        .route("/promote", post(secrets::promote))
        .route("/test", post(test_message::send))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{event}", get(deliveries::get))
        .route("/deliveries/{event}/redeliver", post(deliveries::redeliver))
        .route("/replay", post(deliveries::replay_range))
}
