//! Server-sent events and long polling, byte by byte, and MessagePack over a WebSocket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, Response};
use signalr_server::{DisconnectReason, HubOptions};
use tokio::sync::mpsc::unbounded_channel;
use tokio_tungstenite::tungstenite::Message;

use super::support::{Server, guarded, methods};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A negotiated connection without a transport.
struct Http<'a> {
    server: &'a Server,
    path: String,
}

impl<'a> Http<'a> {
    async fn negotiate(server: &'a Server) -> Self {
        let negotiated = server.negotiate(1).await;
        let token = negotiated["connectionToken"].as_str().unwrap();
        Self {
            server,
            path: format!("/hub?id={token}"),
        }
    }

    async fn send(&self, method: Method, body: &str) -> (u16, String) {
        let request = self.server.request(method, &self.path);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, body: &str) -> (u16, String) {
        self.send(Method::POST, body).await
    }

    async fn poll(&self) -> (u16, String) {
        self.send(Method::GET, "").await
    }

    async fn events(&self) -> Response {
        let request = self.server.request(Method::GET, &self.path);
        let request = request.header("accept", "text/event-stream");
        request.send().await.unwrap()
    }

    /// A connection by long polling, after its handshake.
    async fn polling(server: &'a Server) -> Self {
        let http = Self::negotiate(server).await;
        assert_eq!(http.poll().await, (200, String::new()));
        assert_eq!(http.post(HANDSHAKE).await, (200, String::new()));
        assert_eq!(http.poll().await, (200, "{}\u{1e}".to_owned()));
        http
    }
}

/// Reads events until the text ends like that.
async fn read_until(response: &mut Response, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let chunk = response.chunk().await.unwrap().expect("events go on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

#[tokio::test]
async fn events_begin_with_a_comment_and_each_message_is_an_event() {
    let server = Server::start(methods()).await;
    let http = Http::negotiate(&server).await;
    let mut events = http.events().await;
    assert_eq!(events.status(), 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache,no-store"),
        ("pragma", "no-cache"),
        ("content-encoding", "identity"),
    ] {
        assert_eq!(events.headers()[name], value);
    }
    assert_eq!(read_until(&mut events, "\r\n").await, ":\r\n");
    assert_eq!(http.post(HANDSHAKE).await, (200, String::new()));
    let event = read_until(&mut events, "\r\n\r\n").await;
    assert_eq!(event, "data: {}\u{1e}\r\n\r\n");
    http.post("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"argu")
        .await;
    http.post("ments\":[\"x\"]}\u{1e}{\"type\":7}\u{1e}").await;
    let rest = events.text().await.unwrap();
    assert_eq!(
        rest,
        "data: {\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}\u{1e}\r\n\r\n\
         data: {\"type\":7}\u{1e}\r\n\r\n"
    );
}

#[tokio::test]
async fn messagepack_over_events_is_refused_with_its_text() {
    let server = Server::start(methods()).await;
    let http = Http::negotiate(&server).await;
    let events = http.events().await;
    http.post("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}")
        .await;
    let text = events.text().await.unwrap();
    let expected = "{\"error\":\"Cannot use the 'messagepack' protocol on the current transport. \
                    The transport does not support 'Binary' transfer format.\"}\u{1e}";
    assert_eq!(text, format!(":\r\ndata: {expected}\r\n\r\n"));
}

#[tokio::test]
async fn a_poll_has_everything_that_waits_and_delete_ends_the_connection() {
    let server = Server::start(methods()).await;
    let http = Http::polling(&server).await;
    let call = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Count\",\"arguments\":[2]}\u{1e}";
    http.post(call).await;
    let mut text = String::new();
    while !text.contains("\"type\":3") {
        let answer = http.server.request(Method::GET, &http.path);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.headers()["cache-control"], "no-cache, no-store");
        text.push_str(&answer.text().await.unwrap());
    }
    assert!(text.starts_with("{\"type\":1,\"target\":\"number\",\"arguments\":[0]}\u{1e}"));
    let waiting = http.poll();
    let deleted = http.send(Method::DELETE, "");
    let (waiting, deleted) = tokio::join!(waiting, deleted);
    assert_eq!(deleted, (202, String::new()));
    assert!([204, 404].contains(&waiting.0), "{waiting:?}");
    let unknown = (404, "No Connection with that ID".to_owned());
    assert_eq!(http.poll().await, unknown);
    assert_eq!(http.post("{\"type\":7}\u{1e}").await, unknown);
    assert_eq!(http.send(Method::DELETE, "").await, unknown);
}

#[tokio::test]
async fn posts_that_overlap_are_served_one_after_the_other() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Server::start(methods()).await;
    let http = Http::polling(&server).await;
    let call = |id: u8| {
        format!(
            "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Null\",\"arguments\":[]}}\u{1e}"
        )
    };
    let first = call(1);
    let (begin, rest) = first.split_at(30);
    let mut socket = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{begin}",
        http.path,
        first.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // The second is whole before the first; were it served first, it would end up inside of it.
    let finish = async {
        tokio::task::yield_now().await;
        socket.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    let body = call(2);
    let (second, ()) = tokio::join!(http.post(&body), finish);
    assert_eq!(second, (200, String::new()));
    let mut text = String::new();
    while text.matches("\"type\":3").count() < 2 {
        let (status, part) = http.poll().await;
        assert_eq!(status, 200);
        text.push_str(&part);
    }
    assert!(!text.contains("error"), "{text}");
}

#[tokio::test]
async fn a_handshake_before_the_first_poll_is_kept() {
    let server = Server::start(methods()).await;
    let http = Http::negotiate(&server).await;
    assert_eq!(http.post(HANDSHAKE).await, (200, String::new()));
    assert_eq!(http.poll().await, (200, String::new()));
    assert_eq!(http.poll().await, (200, "{}\u{1e}".to_owned()));
}

#[tokio::test]
async fn a_newer_poll_ends_the_older_and_an_idle_one_comes_back_empty() {
    let options = HubOptions {
        long_poll_timeout: Duration::from_millis(300),
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let http = Http::polling(&server).await;
    let (older, newer) = tokio::join!(http.poll(), async {
        tokio::task::yield_now().await;
        http.poll().await
    });
    // Either may have arrived first.
    let mut statuses = [older.0, newer.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 204]);
    assert_eq!((older.1, newer.1), (String::new(), String::new()));
}

#[tokio::test]
async fn a_close_is_delivered_before_the_end_of_polling() {
    let server = Server::start(methods()).await;
    let http = Http::polling(&server).await;
    let clients = server.hub.clients();
    assert_eq!(clients.all().send("m", &["last"]).unwrap(), 1);
    clients.all().abort();
    let mut text = String::new();
    loop {
        match http.poll().await {
            (200, part) => text.push_str(&part),
            end => break assert_eq!(end, (204, String::new())),
        }
    }
    let expected = "{\"type\":1,\"target\":\"m\",\"arguments\":[\"last\"]}\u{1e}{\"type\":7}\u{1e}";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_client_that_stops_polling_is_given_up() {
    let options = HubOptions {
        disconnect_timeout: Duration::from_millis(500),
        ..HubOptions::default()
    };
    let (end, mut ends) = unbounded_channel();
    let hub = methods()
        .options(options)
        .on_disconnected(move |_, reason| {
            let end = end.clone();
            async move { end.send(reason).unwrap() }
        });
    let server = Server::start(hub).await;
    let http = Http::polling(&server).await;
    assert_eq!(ends.recv().await, Some(DisconnectReason::TransportLost));
    assert_eq!(server.hub.clients().connection_count(), 0);
    drop(http);
}

#[tokio::test]
async fn an_events_client_that_hangs_up_is_noticed() {
    let (end, mut ends) = unbounded_channel();
    let hub = methods().on_disconnected(move |_, reason| {
        let end = end.clone();
        async move { end.send(reason).unwrap() }
    });
    let server = Server::start(hub).await;
    let http = Http::negotiate(&server).await;
    let mut events = http.events().await;
    http.post(HANDSHAKE).await;
    read_until(&mut events, "{}\u{1e}\r\n\r\n").await;
    drop(events);
    assert_eq!(ends.recv().await, Some(DisconnectReason::TransportLost));
}

#[tokio::test]
async fn a_transport_is_neither_changed_nor_doubled() {
    let server = Server::start(methods()).await;
    let changed = (400, "Cannot change transports mid-connection".to_owned());
    let http = Http::negotiate(&server).await;
    let _events = http.events().await;
    assert_eq!(http.poll().await, changed);
    assert_eq!(http.events().await.status(), 409);
    assert_eq!(http.send(Method::DELETE, "").await.0, 400);
    let refused = server.open(server.upgrade(&http.path)).await.err();
    assert_eq!(refused, Some(changed.clone()));
    let http = Http::polling(&server).await;
    assert_eq!(http.events().await.status(), 400);
    let refused = server.open(server.upgrade(&http.path)).await.err();
    assert_eq!(refused, Some(changed));
}

#[tokio::test]
async fn polls_and_posts_without_a_token_stand_for_whoever_negotiated() {
    let server = Server::start(guarded()).await;
    let negotiate = server.request(Method::POST, "/hub/negotiate?negotiateVersion=1");
    let negotiated = negotiate.header("authorization", "Bearer token-ann");
    let negotiated: serde_json::Value = negotiated.send().await.unwrap().json().await.unwrap();
    let token = negotiated["connectionToken"].as_str().unwrap();
    let http = Http {
        server: &server,
        path: format!("/hub?id={token}"),
    };
    assert_eq!(http.post(HANDSHAKE).await.0, 200);
    assert_eq!(http.poll().await.0, 200);
    assert_eq!(http.poll().await, (200, "{}\u{1e}".to_owned()));
    let clients = server.hub.clients();
    assert_eq!(clients.user("ann").send("m", &["x"]).unwrap(), 1);
    // A token that is brought is looked at.
    let wrong = server.request(Method::GET, &http.path);
    let wrong = wrong.header("authorization", "Bearer wrong").send().await;
    assert_eq!(wrong.unwrap().status(), 401);
}

#[tokio::test]
async fn messagepack_travels_in_binary_frames_after_a_handshake_in_text() {
    let server = Server::start(methods()).await;
    let mut wire = server.open(server.upgrade("/hub")).await.unwrap();
    wire.send("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}".to_owned())
        .await;
    // Two calls, the second without its last elements, cut in the middle.
    let call = [&[12, 0x96, 1, 0x80, 0xa1, b'1', 0xa4][..], b"Echo"].concat();
    let mut bytes = [&call[..], &[0x91, 7, 0x90]].concat();
    bytes[0] = u8::try_from(bytes.len() - 1).unwrap();
    let null = [&[11, 0x95, 1, 0x80, 0xa1, b'2', 0xa4][..], b"Null", &[0x90]].concat();
    bytes.extend(null);
    for part in bytes.chunks(9) {
        let part = Message::binary(part.to_vec());
        wire.socket.send(part).await.unwrap();
    }
    let mut seen = Vec::new();
    let failed = "Failed to invoke 'Echo' due to an error on the server.";
    let answer = [
        &[0x95, 3, 0x80, 0xa1, b'1', 1, 0xd9, 54][..],
        failed.as_bytes(),
    ]
    .concat();
    let length = u8::try_from(answer.len()).unwrap();
    let second = [7, 0x95, 3, 0x80, 0xa1, b'2', 3, 0xc0];
    let expected = [&b"{}\x1e"[..], &[length], &answer, &second].concat();
    while seen.len() < expected.len() {
        match wire.socket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => seen.extend_from_slice(&bytes),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, expected);
}
