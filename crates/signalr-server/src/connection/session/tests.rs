//! Sessions over a transport in memory, under a clock that jumps: every timeout is exact.

use std::future::pending;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::*;
use crate::connection::{Opening, Origin, serve};
use crate::query::Query;
use crate::transport::{Broken, Frame};
use crate::{Completion, Hub, HubBuilder, HubException, HubOptions};

/// What the client sees.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Text(String),
    Farewell,
}

struct Source(mpsc::UnboundedReceiver<Inbound>);

impl FrameSource for Source {
    async fn next(&mut self) -> Inbound {
        self.0.recv().await.unwrap_or(Inbound::Lost)
    }
}

struct Sink {
    seen: mpsc::UnboundedSender<Seen>,
    /// Takes bytes, but never gets rid of them.
    stuck: bool,
}

impl FrameSink for Sink {
    async fn feed(&mut self, frame: Frame) -> Result<(), Broken> {
        let text = String::from_utf8_lossy(&frame.bytes).replace('\u{1e}', ";");
        self.seen.send(Seen::Text(text)).map_err(|_| Broken)
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        if self.stuck { pending().await } else { Ok(()) }
    }

    async fn close(&mut self) -> Result<(), Broken> {
        self.seen.send(Seen::Farewell).map_err(|_| Broken)
    }
}

struct Client {
    to_server: Option<mpsc::UnboundedSender<Inbound>>,
    seen: mpsc::UnboundedReceiver<Seen>,
    ends: mpsc::UnboundedReceiver<DisconnectReason>,
    session: JoinHandle<()>,
    hub: Hub,
}

impl Client {
    fn open(hub: HubBuilder, stuck: bool) -> Self {
        let (to_server, from_client) = mpsc::unbounded_channel();
        let (to_client, seen) = mpsc::unbounded_channel();
        let (end, ends) = mpsc::unbounded_channel();
        let hub = hub
            .on_disconnected(move |_, reason| {
                let end = end.clone();
                async move { end.send(reason).expect("the test waits for the end") }
            })
            .build();
        let origin = Box::new(Origin {
            number: 1,
            id: "c1".into(),
            user: None,
            query: Query::default(),
            headers: HeaderMap::new(),
            transport: Transport::WebSockets,
        });
        let sink = Sink {
            seen: to_client,
            stuck,
        };
        let core = hub.core_for_tests();
        let opening = Opening {
            source: Source(from_client),
            sink,
            again: None,
        };
        let session = tokio::spawn(serve(core, origin, opening));
        Self {
            to_server: Some(to_server),
            seen,
            ends,
            session,
            hub,
        }
    }

    async fn connected(hub: HubBuilder) -> Self {
        let mut client = Self::open(hub, false);
        client.say(r#"{"protocol":"json","version":1}"#);
        client.sees("{};").await;
        client
    }

    fn say(&self, text: &str) {
        let bytes = Bytes::from(format!("{text}\u{1e}"));
        let to_server = self.to_server.as_ref().expect("not hung up");
        to_server
            .send(Inbound::Data(bytes))
            .expect("the session listens");
    }

    async fn next(&mut self) -> Option<Seen> {
        self.seen.recv().await
    }

    async fn sees(&mut self, text: &str) {
        assert_eq!(self.next().await, Some(Seen::Text(text.to_owned())));
    }

    /// The reason given to the disconnect callback.
    async fn reason(&mut self) -> DisconnectReason {
        self.ends.recv().await.expect("the callback is called")
    }
}

fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_handshake_is_refused_after_fifteen_seconds() {
    let start = Instant::now();
    let mut client = Client::open(Hub::builder(), false);
    client.sees(r#"{"error":"Handshake was canceled."};"#).await;
    assert_eq!(seconds(start), 15);
    assert_eq!(client.next().await, Some(Seen::Farewell));
    assert_eq!(client.hub.clients().connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_server_pings_when_it_sent_nothing_for_fifteen_seconds() {
    let start = Instant::now();
    let mut client = Client::connected(Hub::builder()).await;
    for expected in [15, 30] {
        client.sees(r#"{"type":6};"#).await;
        assert_eq!(seconds(start), expected);
    }
    sleep(Duration::from_secs(10)).await;
    let sent = client.hub.clients().all().send("m", &["x"]);
    assert_eq!(sent.expect("a string serializes"), 1);
    client
        .sees(r#"{"type":1,"target":"m","arguments":["x"]};"#)
        .await;
    client.sees(r#"{"type":6};"#).await;
    assert_eq!(seconds(start), 55);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_only_after_the_first_ping() {
    let mut client = Client::connected(quiet()).await;
    sleep(Duration::from_secs(300)).await;
    let start = Instant::now();
    client.say(r#"{"type":6}"#);
    sleep(Duration::from_secs(29)).await;
    client.say(r#"{"type":3,"invocationId":"unknown"}"#);
    assert_eq!(client.reason().await, DisconnectReason::ClientTimeout);
    assert_eq!(seconds(start), 59);
    let close = r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true};"#;
    client.sees(close).await;
    assert_eq!(client.next().await, Some(Seen::Farewell));
}

#[tokio::test(start_paused = true)]
async fn silence_does_not_count_while_a_call_runs() {
    let hub = quiet().method("Slow", |_, _: ()| async {
        sleep(Duration::from_secs(100)).await;
        Ok(Completion::void())
    });
    let start = Instant::now();
    let mut client = Client::connected(hub).await;
    client.say(r#"{"type":6}"#);
    client.say(r#"{"type":1,"invocationId":"0","target":"slow","arguments":[]}"#);
    client.sees(r#"{"type":3,"invocationId":"0"};"#).await;
    assert_eq!(seconds(start), 100);
    assert_eq!(client.reason().await, DisconnectReason::ClientTimeout);
    assert_eq!(seconds(start), 130);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up_and_costs_no_memory() {
    let hub = quiet_with(HubOptions {
        send_queue_messages: 3,
        send_timeout: Duration::from_secs(3600),
        ..HubOptions::default()
    });
    let mut client = Client::open(hub, true);
    client.say(r#"{"protocol":"json","version":1}"#);
    client.sees("{};").await;
    let clients = client.hub.clients();
    assert_eq!(
        clients.connection_count(),
        1,
        "who has seen the handshake is listed"
    );
    // The answer to the handshake is still being written and counts as one.
    for queued in [1, 1, 0, 0] {
        let sent = clients
            .all()
            .send("m", &["x"])
            .expect("a string serializes");
        assert_eq!(sent, queued);
    }
    let start = Instant::now();
    assert_eq!(client.reason().await, DisconnectReason::SlowClient);
    assert_eq!(clients.connection_count(), 0);
    client.session.await.expect("the session ends");
    assert_eq!(seconds(start), 5, "the close timeout");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_stuck_ends_the_connection_after_ten_seconds() {
    let start = Instant::now();
    let mut client = Client::open(quiet(), true);
    client.say(r#"{"protocol":"json","version":1}"#);
    assert_eq!(client.reason().await, DisconnectReason::TransportLost);
    assert_eq!(seconds(start), 10);
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_to_its_end_and_what_arrived_before_the_hangup_is_served() {
    let (done, mut calls) = mpsc::unbounded_channel();
    let hub = quiet().method("Slow", move |caller, _: ()| {
        let done = done.clone();
        async move {
            sleep(Duration::from_secs(5)).await;
            done.send(caller.is_disconnected())
                .expect("the test counts calls");
            Ok(Completion::void())
        }
    });
    let mut client = Client::connected(hub).await;
    for _ in 0..2 {
        client.say(r#"{"type":1,"target":"Slow","arguments":[]}"#);
    }
    sleep(Duration::from_secs(1)).await;
    client.to_server = None;
    assert_eq!(client.reason().await, DisconnectReason::TransportLost);
    assert_eq!((calls.try_recv(), calls.try_recv()), (Ok(true), Ok(true)));
}

#[tokio::test(start_paused = true)]
async fn a_refusing_connect_callback_closes_without_leave_to_reconnect() {
    let hub = quiet().on_connected(|_| async { Err(HubException::new("full")) });
    let mut client = Client::connected(hub).await;
    let close = r#"{"type":7,"error":"Connection closed with an error. HubException: full"};"#;
    client.sees(close).await;
    assert_eq!(client.next().await, Some(Seen::Farewell));
    client.to_server = None;
    client.session.await.expect("the session ends");
    assert!(client.ends.try_recv().is_err(), "it never was connected");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_a_call_answer_first_and_cuts_one_that_does_not_end() {
    for (call_seconds, orderly) in [(3, true), (1000, false)] {
        let hub = quiet().method("Slow", move |_, _: ()| async move {
            sleep(Duration::from_secs(call_seconds)).await;
            Ok(Completion::void())
        });
        let mut client = Client::connected(hub).await;
        client.say(r#"{"type":1,"invocationId":"0","target":"Slow","arguments":[]}"#);
        sleep(Duration::from_secs(1)).await;
        let (start, hub) = (Instant::now(), client.hub.clone());
        let session = client.session;
        let tracked = hub.core_for_tests().connections.track_future(session);
        let tracked = tokio::spawn(tracked);
        let shutdown = tokio::spawn(async move { hub.shutdown(Duration::from_secs(20)).await });
        if orderly {
            let answer = Some(Seen::Text(r#"{"type":3,"invocationId":"0"};"#.to_owned()));
            assert_eq!(client.seen.recv().await, answer);
        }
        let close = Some(Seen::Text(
            r#"{"type":7,"allowReconnect":true};"#.to_owned(),
        ));
        assert_eq!(client.seen.recv().await, close);
        assert_eq!(seconds(start), if orderly { 2 } else { 15 });
        assert_eq!(client.seen.recv().await, Some(Seen::Farewell));
        client.to_server = None;
        assert_eq!(shutdown.await.expect("no panic"), orderly);
        assert!(seconds(start) <= 20);
        tracked.await.expect("no panic").expect("no panic");
    }
}

/// A hub that does not ping, so that tests see only what they caused.
fn quiet() -> HubBuilder {
    quiet_with(HubOptions::default())
}

fn quiet_with(options: HubOptions) -> HubBuilder {
    Hub::builder().options(HubOptions {
        keep_alive_interval: Duration::from_secs(86_400),
        ..options
    })
}
