//! Which path is answered by which handler, and what stands around all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use payments::api_key::Scope;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use wire::Problem;

use super::body::MAX_BODY_BYTES;
use super::client_address::{self, TrustedProxies};
use super::routes::Routes;
use super::{
    HttpState, admin, balance, events, health, invoices, metrics, transactions, withdrawals,
};
use crate::problem::ApiError;

/// How long a request may take before its client is told to ask again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The REST interface.
pub fn router(state: HttpState) -> Router {
    let routes = Routes::new(state.clone());
    let routes = customers(routes);
    let routes = own_webhooks(routes);
    let routes = administration(routes);
    webhooks(routes).finish().merge(health(state))
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

/// Lets everything know who calls, REST and the hub alike.
pub fn with_caller(router: Router, proxies: TrustedProxies) -> Router {
    router.layer(from_fn_with_state(proxies, client_address::find))
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

/// What API keys may call: the contract's paths, and ours beside them.
fn customers(routes: Routes) -> Routes {
    const INVOICE: &str = "/v1/bitcoin/deposit/lightning-invoice";
    routes
        .key(Scope::Read, "/v1/events", get(events::list))
        .key(Scope::Read, "/v1/transactions/balance", get(balance::get))
        .key(Scope::Read, "/v1/transactions", get(transactions::list))
        .key(
            Scope::Read,
            "/v1/transactions/deposits/{id}",
            get(transactions::deposit),
        )
        .key(
            Scope::Read,
            "/v1/transactions/withdrawals/{id}",
            get(transactions::withdrawal),
        )
        .key(Scope::Receive, INVOICE, post(invoices::create))
        .key(
            Scope::Read,
            &format!("{INVOICE}/id/{{id}}"),
            get(invoices::get),
        )
        .key(
            Scope::Read,
            &format!("{INVOICE}/{{id}}"),
            get(invoices::get),
        )
        .key(
            Scope::Send,
            "/v1/bitcoin/withdraw/confirm",
            post(withdrawals::confirm),
        )
        .key(Scope::Admin, "/v1/keys", get(admin::keys::list))
        .key(
            Scope::Admin,
            "/v1/keys/{id}",
            get(admin::keys::get).delete(admin::keys::revoke),
        )
        .key(Scope::Admin, "/v1/approvals", get(admin::approvals::list))
        .key(
            Scope::Admin,
            "/v1/approvals/{id}/approve",
            post(admin::approvals::approve),
        )
        .key(
            Scope::Admin,
            "/v1/approvals/{id}/reject",
            post(admin::approvals::reject),
        )
}

fn administration(routes: Routes) -> Routes {
    use admin::{accounts, acts, approvals, audit, keys, reconciliation, resume, sessions};
    use admin::{suspense, users, withdrawals};
    let under = |path: &str| format!("/admin/v1{path}");
    let session = post(sessions::begin)
        .get(sessions::get)
        .delete(sessions::end);
    routes
        .open(&under("/session"), session)
        .operator(
            &under("/accounts"),
            post(accounts::create).get(accounts::list),
        )
        .operator(&under("/accounts/{id}/close"), post(accounts::close))
        .operator(&under("/keys"), post(keys::create).get(keys::list))
        .operator(
            &under("/keys/{id}"),
            get(keys::get).patch(keys::change).delete(keys::revoke),
        )
        .operator(&under("/users"), post(users::create).get(users::list))
        .operator(&under("/users/{name}"), delete(users::remove))
        .operator(&under("/users/{name}/password"), put(users::password))
        .operator(&under("/acts"), get(acts::list))
        .operator(&under("/approvals"), get(approvals::list))
        .operator(&under("/approvals/{id}/approve"), post(approvals::approve))
        .operator(&under("/approvals/{id}/reject"), post(approvals::reject))
        .operator(&under("/suspense"), get(suspense::list))
        .operator(&under("/suspense/{id}/assign"), post(suspense::assign))
        .operator(&under("/audit"), get(audit::get))
        .operator(&under("/reconciliation"), get(reconciliation::get))
        .operator(&under("/withdrawals/{id}"), get(withdrawals::get))
        .operator(&under("/resume"), post(resume::post))
        .operator(&under("/node"), get(admin::node::get))
        .operator(&under("/node/address"), post(admin::node::address))
        .operator(&under("/node/peers"), post(admin::node::connect))
        .operator(&under("/node/channels"), post(admin::node::open))
        .operator(
            &under("/node/channels/{id}/close"),
            post(admin::node::close),
        )
}

fn webhooks(routes: Routes) -> Routes {
    every_webhook()
        .into_iter()
        .fold(routes, |routes, (path, methods)| {
            routes.operator(&format!("/admin/v1/webhooks{path}"), methods)
        })
}

/// An account's own, by its keys.
fn own_webhooks(routes: Routes) -> Routes {
    every_webhook()
        .into_iter()
        .fold(routes, |routes, (path, methods)| {
            routes.key(Scope::Webhooks, &format!("/v1/webhooks{path}"), methods)
        })
}

fn every_webhook() -> [(&'static str, MethodRouter<HttpState>); 12] {
    use admin::webhooks::{self, deliveries, secrets, test_message};
    [
        ("", post(webhooks::create).get(webhooks::list)),
        (
            "/{id}",
            get(webhooks::get)
                .patch(webhooks::change)
                .delete(webhooks::delete),
        ),
        ("/{id}/pause", post(webhooks::pause)),
        ("/{id}/resume", post(webhooks::resume)),
        ("/{id}/disable", post(webhooks::disable)),
        ("/{id}/rotate", post(secrets::rotate)),
        ("/{id}/promote", post(secrets::promote)),
        ("/{id}/test", post(test_message::send)),
        ("/{id}/deliveries", get(deliveries::list)),
        ("/{id}/deliveries/{event}", get(deliveries::get)),
        (
            "/{id}/deliveries/{event}/redeliver",
            post(deliveries::redeliver),
        ),
        ("/{id}/replay", post(deliveries::replay_range)),
    ]
}
