//! `GET /healthz` (the process answers) and `GET /readyz` (it can do its work).

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use store::acts::halt::halted;

use super::HttpState;
use super::answer::json;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Alive.
pub async fn healthz() -> Response {
    json(200, &Health { status: "ok" })
}

/// Ready: the database answers, and money moves.
pub async fn readyz(State(state): State<HttpState>) -> Response {
    let halted = state.app.store.read_async(halted).await;
    match halted {
        Ok(None) => json(200, &Health { status: "ready" }),
        Ok(Some(_)) => json(
            503,
            &Health {
                status: "read-only",
            },
        ),
        Err(_) => json(
            503,
            &Health {
                status: "database unavailable",
            },
        ),
    }
}
