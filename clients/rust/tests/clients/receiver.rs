//! A merchant's webhook receiver: answers 200, and keeps headers and raw bytes.

use axum::body::Bytes;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

/// A receiver on a free loopback port.
pub struct Receiver {
    /// Where deliveries go.
    pub url: String,
    deliveries: UnboundedReceiver<(HeaderMap, Bytes)>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Starts it.
    pub async fn start() -> Self {
        let (sender, deliveries) = unbounded_channel();
        let hook = move |headers: HeaderMap, body: Bytes| {
            let sender = sender.clone();
            async move { sender.send((headers, body)).expect("the test still waits") }
        };
        let router = axum::Router::new().route("/hook", axum::routing::post(hook));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("it serves until it is dropped");
        });
        Self {
            url,
            deliveries,
            server,
        }
    }

    /// The next delivery.
    pub async fn next(&mut self) -> (HeaderMap, Bytes) {
        let next = timeout(Duration::from_secs(10), self.deliveries.recv()).await;
        next.expect("a delivery in time").expect("the server runs")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
