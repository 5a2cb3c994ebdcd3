//! The endpoints around the hubs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{Path, Query, Request};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use signalr_server::{Clients, InvokeError, NO_ARGUMENTS};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::hub::Hubs;
use crate::jwt;

#[derive(Deserialize)]
struct RedirectQuery {
    #[serde(rename = "baseUrl")]
    base_url: String,
}

/// Everything that this server answers.
pub fn router(hubs: &Hubs) -> Router {
    let redirects = Arc::new(AtomicU32::new(0));
    let redirect = move |Query(query): Query<RedirectQuery>| async move {
        let count = redirects.fetch_add(1, Ordering::Relaxed) + 1;
        let url = format!("{}/testHub?numRedirects={count}", query.base_url);
        Json(serde_json::json!({ "url": url }))
    };
    let clients = hubs.main.clients();
    let app = Router::new()
        .route("/redirect/negotiate", post(redirect))
        .route(
            "/generateJwtToken",
            get(|| async { jwt::issue("testuser") }),
        )
        .route(
            "/clientresult/{connection_id}",
            get(move |Path(id): Path<String>| client_result(clients.clone(), id)),
        )
        .layer(
            CorsLayer::new()
                .allow_origin(AllowOrigin::mirror_request())
                .allow_methods([Method::GET, Method::POST])
                .allow_headers(AllowHeaders::mirror_request())
                .allow_credentials(true),
        );
    let app = hubs.authorized.mount("/authorizedhub", app);
    let app = hubs.echo.mount("/echo", app);
    let app = hubs.no_websockets.mount("/testhub-nowebsockets", app);
    hubs.main.mount("/testhub", app).layer(from_fn(cookies))
}

async fn client_result(clients: Clients, id: String) -> String {
    let client = clients.connection(&id);
    match client.invoke::<i64>("Result", &NO_ARGUMENTS).await {
        Ok(number) => number.to_string(),
        Err(InvokeError::Client(text)) => text,
        Err(error) => error.to_string(),
    }
}

/// Every negotiation sets the cookies that the tests ask the hub for.
async fn cookies(request: Request, next: Next) -> Response {
    let negotiates = request.uri().path().ends_with("/negotiate");
    let mut response = next.run(request).await;
    if negotiates {
        for cookie in [
            "testCookie=testValue; path=/",
            "testCookie2=testValue2; path=/",
            "expiredCookie=doesntmatter; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/",
        ] {
            let value = HeaderValue::from_static(cookie);
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}
