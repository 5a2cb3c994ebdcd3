//! [`TestReceiver`]: somebody's webhook endpoint on loopback, which keeps what it got to the byte.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
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
    /// When it was there.
    pub at: Instant,
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

/// One answer.
#[derive(Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
}

#[derive(Default)]
struct Desk {
    received: Vec<Received>,
    /// Which of them were answered with 200.
    taken: Vec<usize>,
    replies: VecDeque<Reply>,
    always: Option<u16>,
    delay: Duration,
    at_once: usize,
    most_at_once: usize,
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
        let replies = replies.into_iter().map(|status| Reply {
            status,
            headers: Vec::new(),
        });
        lock(&self.desk).replies.extend(replies);
    }

    /// Answers the next request with this status and these headers.
    pub fn reply_with(&self, status: u16, headers: &[(&'static str, &'static str)]) {
        let headers = headers.to_vec();
        lock(&self.desk)
            .replies
            .push_back(Reply { status, headers });
    }

    /// Answers everything with this status from now on, where nothing else was said.
    pub fn always(&self, status: u16) {
        lock(&self.desk).always = Some(status);
    }

    /// Answers only after this time.
    pub fn answer_after(&self, delay: Duration) {
        lock(&self.desk).delay = delay;
    }

    /// How many requests were there at the same time, at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        lock(&self.desk).most_at_once
    }

    /// What came and was answered with 200, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Received> {
        let desk = lock(&self.desk);
        let taken = desk.taken.iter();
        taken
            .filter_map(|index| desk.received.get(*index).cloned())
            .collect()
    }

    /// What came, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.desk).received.clone()
    }

    /// How many came.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.desk).received.len()
    }

    /// The last one that came.
    #[must_use]
    pub fn last(&self) -> Option<Received> {
        lock(&self.desk).received.last().cloned()
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

async fn take(State(desk): State<Arc<Mutex<Desk>>>, headers: HeaderMap, body: Bytes) -> Response {
    let (reply, delay) = {
        let mut desk = lock(&desk);
        desk.received.push(Received {
            headers,
            body,
            at: Instant::now(),
        });
        let usual = Reply {
            status: desk.always.unwrap_or(200),
            headers: Vec::new(),
        };
        let reply = desk.replies.pop_front().unwrap_or(usual);
        if reply.status == 200 {
            let index = desk.received.len() - 1;
            desk.taken.push(index);
        }
        desk.at_once += 1;
        desk.most_at_once = desk.most_at_once.max(desk.at_once);
        (reply, desk.delay)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    lock(&desk).at_once -= 1;
    let mut response = StatusCode::from_u16(reply.status)
        .expect("a status")
        .into_response();
    for (name, value) in reply.headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
