//! [`TestReceiver`]: somebody's webhook endpoint on loopback, which keeps what it got to the byte.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::patience::until;

/// One request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, to the byte.
    pub body: Bytes,
}

impl Received {
    /// A header.
    ///
    /// # Panics
    /// When it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("a readable header")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The event's name.
    ///
    /// # Panics
    /// When the body has none.
    #[must_use]
    pub fn event(&self) -> String {
        self.json()["event"]
            .as_str()
            .expect("an event's name")
            .to_owned()
    }
}

#[derive(Default)]
struct Desk {
    received: Vec<Received>,
    replies: VecDeque<u16>,
}

/// A webhook endpoint. It answers 200 unless it was told otherwise.
#[derive(Clone)]
pub struct TestReceiver {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

impl TestReceiver {
    /// Listens on a free port of loopback until the runtime ends.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let desk = Arc::new(Mutex::new(Desk::default()));
        let router = Router::new().fallback(take).with_state(Arc::clone(&desk));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next requests with these statuses, in order, and 200 afterwards.
    pub fn reply(&self, replies: impl IntoIterator<Item = u16>) {
        lock(&self.desk).replies.extend(replies);
    }

    /// What came, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.desk).received.clone()
    }

    /// The names of the events that came, in order.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.received().iter().map(Received::event).collect()
    }

    /// Waits until `count` requests came, and gives back all that came.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} webhooks"), async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(desk): State<Arc<Mutex<Desk>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut desk = lock(&desk);
    desk.received.push(Received { headers, body });
    let status = desk.replies.pop_front().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}
