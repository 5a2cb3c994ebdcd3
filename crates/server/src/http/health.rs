//! `GET /healthz` (the process answers) and `GET /readyz` (it can do its work).

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use store::StoreError;
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

/// Ready: the database answers, money moves, and where requests are taken a node runs, here or in another process.
pub async fn readyz(State(state): State<HttpState>) -> Response {
    let (status, text) = match look(&state).await {
        Ok(Readiness::Ready) => (200, "ready"),
        Ok(Readiness::ReadOnly) => (503, "read-only"),
        Ok(Readiness::NoNode) => (503, "no Lightning node runs"),
        Err(_) => (503, "database unavailable"),
    };
    json(status, &Health { status: text })
}

enum Readiness {
    Ready,
    ReadOnly,
    NoNode,
}

async fn look(state: &HttpState) -> Result<Readiness, StoreError> {
    if state.app.store.read_async(halted).await?.is_some() {
        return Ok(Readiness::ReadOnly);
    }
    if state.needs_node && !state.app.node.is_running().await? {
        return Ok(Readiness::NoNode);
    }
    Ok(Readiness::Ready)
}
