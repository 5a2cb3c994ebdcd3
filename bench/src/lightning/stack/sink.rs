//! An endpoint on loopback that takes every webhook and counts them by their ids.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::watch;

/// What has come.
#[derive(Default)]
struct Taken {
    ids: HashSet<String>,
    repeated: usize,
}

#[derive(Clone)]
struct Shelf {
    taken: Arc<Mutex<Taken>>,
    count: watch::Sender<usize>,
}

/// A running endpoint.
pub struct Sink {
    /// Where it listens.
    pub url: String,
    shelf: Shelf,
}

impl Sink {
    /// Listens on a free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/webhooks", listener.local_addr()?);
        let shelf = Shelf {
            taken: Arc::default(),
            count: watch::Sender::new(0),
        };
        let router = Router::new()
            .route("/webhooks", post(take))
            .with_state(shelf.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shelf })
    }

    /// Waits until `expected` different ones have come, and answers how many have.
    pub async fn until(&self, expected: usize, patience: Duration) -> usize {
        let mut count = self.shelf.count.subscribe();
        let reached = count.wait_for(|count| *count >= expected);
        // Late or not, the number says what happened.
        let _ = tokio::time::timeout(patience, reached).await;
        *self.shelf.count.borrow()
    }

    /// How many came with an id that had come before.
    pub fn repeated(&self) -> usize {
        let taken = &self.shelf.taken;
        taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .repeated
    }
}

async fn take(State(shelf): State<Shelf>, headers: HeaderMap) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let Some(id) = id else {
        return StatusCode::BAD_REQUEST;
    };
    let mut taken = shelf.taken.lock().unwrap_or_else(PoisonError::into_inner);
    if !taken.ids.insert(id.to_owned()) {
        taken.repeated += 1;
    }
    shelf.count.send_replace(taken.ids.len());
    StatusCode::OK
}
