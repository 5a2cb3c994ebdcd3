//! Where connections go, and when they are used again.

use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use webhooks::resolve::{Resolver, Resolving, SystemResolver};
use webhooks::{EgressPolicy, ErrorClass, WebhookClient};

use super::sink::{Sink, read_request};
use super::{DEADLINE, client, limits, post};

/// A listener that tells whether anybody connected.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn is_untouched(&self) -> bool {
        self.0
            .accept()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Gives one answer after another, and then the last one for ever.
struct Rebinding(Mutex<Vec<Vec<IpAddr>>>);

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().rev().map(parse).collect())))
    }
}

impl Resolver for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop()
        } else {
            answers.last().cloned()
        };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    }
}

/// Never answers.
struct Silent;

impl Resolver for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn s8_a_forbidden_literal_is_refused_without_a_connection() {
    let trap = Trap::set();
    let client = client(EgressPolicy::public());
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
    ] {
        let attempt = post(&client, &format!("https://{host}:{}/", trap.port())).await;
        assert_eq!(
            attempt.error_class(),
            Some(ErrorClass::BlockedAddress),
            "{host}"
        );
    }
    assert!(trap.is_untouched());
}

#[tokio::test]
async fn s7_a_name_for_a_forbidden_address_is_refused_without_a_connection() {
    let trap = Trap::set();
    for answer in [
        &["127.0.0.1"][..],
        &["93.184.216.34", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
    ] {
        let resolver = Rebinding::new(&[answer]);
        let client = WebhookClient::new(EgressPolicy::public(), resolver, limits());
        let attempt = post(&client, &format!("https://evil.test:{}/", trap.port())).await;
        assert_eq!(
            attempt.error_class(),
            Some(ErrorClass::BlockedAddress),
            "{answer:?}"
        );
    }
    assert!(trap.is_untouched());
}

#[tokio::test]
async fn s6_a_name_that_changes_to_a_forbidden_address_is_refused_at_the_next_connection() {
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let resolver = Rebinding::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let client = WebhookClient::new(EgressPolicy::sandbox(), resolver, limits());
    let url = format!("http://evil.test:{}/", sink.address.port());
    assert_eq!(post(&client, &url).await.status(), Some(200));
    assert_eq!(
        post(&client, &url).await.error_class(),
        Some(ErrorClass::BlockedAddress)
    );
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn s3_name_servers_that_are_silent_or_know_nothing_are_a_dns_error_in_time() {
    let started = Instant::now();
    let silent = WebhookClient::new(EgressPolicy::public(), Arc::new(Silent), limits());
    let attempt = post(&silent, "https://example.com/").await;
    assert_eq!(attempt.error_class(), Some(ErrorClass::Dns));
    assert!(
        started.elapsed() < DEADLINE,
        "the budget for names is a quarter of the deadline"
    );

    let empty = WebhookClient::new(EgressPolicy::public(), Rebinding::new(&[&[]]), limits());
    assert_eq!(
        post(&empty, "https://example.com/").await.error_class(),
        Some(ErrorClass::Dns)
    );
    let unknown = client(EgressPolicy::public());
    assert_eq!(
        post(&unknown, "https://example.com/").await.error_class(),
        Some(ErrorClass::Dns)
    );
}

/// A listener whose queue is full: a connection to it is neither taken nor refused.
async fn black_hole() -> (tokio::net::TcpListener, Vec<tokio::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    loop {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(DEADLINE / 4, connecting).await {
            Ok(stream) => queued.push(stream.unwrap()),
            Err(_) => return (listener, queued),
        }
    }
}

#[tokio::test]
async fn s3_a_connection_that_nobody_takes_is_given_up_in_time_and_others_are_not_held_up() {
    let (listener, _queued) = black_hole().await;
    let hole = format!("http://{}/", listener.local_addr().unwrap());
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 OK\r\n\r\n").await.unwrap();
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    let hanging: Vec<_> = (0..50)
        .map(|_| {
            let (client, hole) = (client.clone(), hole.clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                (post(&client, &hole).await, begun.elapsed())
            })
        })
        .collect();
    assert_eq!(post(&client, &sink.url()).await.status(), Some(204));
    for one in hanging {
        let (attempt, took) = one.await.unwrap();
        assert_eq!(attempt.error_class(), Some(ErrorClass::Connect));
        assert!(took >= DEADLINE / 2 && took < DEADLINE * 3, "{took:?}");
    }
}

#[test]
fn s1_s3_the_usual_limits_are_those_that_are_promised() {
    let usual = webhooks::Limits::default();
    let seconds = [usual.dns, usual.connect, usual.total].map(|limit| limit.as_secs());
    assert_eq!((seconds, usual.body_bytes), ([3, 5, 15], 16 * 1024));
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_error_and_the_next_address_is_tried() {
    let port = Trap::set().port();
    let client = client(EgressPolicy::sandbox());
    let attempt = post(&client, &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(attempt.error_class(), Some(ErrorClass::Connect));

    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 OK\r\n\r\n").await.unwrap();
    })
    .await;
    // Nobody listens on 127.0.0.2; the sink listens on 127.0.0.1.
    let resolver = Rebinding::new(&[&["127.0.0.2", "127.0.0.1"]]);
    let client = WebhookClient::new(EgressPolicy::sandbox(), resolver, limits());
    let attempt = post(
        &client,
        &format!("http://two.test:{}/", sink.address.port()),
    )
    .await;
    assert_eq!(attempt.status(), Some(204));
}

#[tokio::test]
async fn a_url_that_cannot_be_called_is_a_url_error() {
    let client = client(EgressPolicy::public());
    for url in [
        "http://example.com/",
        "https://a:b@example.com/",
        "nonsense",
        "",
    ] {
        assert_eq!(
            post(&client, url).await.error_class(),
            Some(ErrorClass::Url),
            "{url}"
        );
    }
}

#[tokio::test]
async fn s35_a_connection_is_used_again_and_its_set_up_is_counted_once() {
    let sink = Sink::start(|mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await
                .unwrap();
        }
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    let first = post(&client, &sink.url()).await;
    assert!(!first.reused_connection && first.latency.connect.is_some());
    for _ in 0..20 {
        let next = post(&client, &sink.url()).await;
        assert_eq!(next.result.clone().unwrap().body_excerpt, b"ok");
        assert!(
            next.reused_connection && next.latency.connect.is_none(),
            "{next:?}"
        );
    }
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn s35_a_connection_that_was_closed_while_idle_costs_no_attempt() {
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        // Says nothing of the close that follows.
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    for round in 1..=30 {
        let attempt = post(&client, &sink.url()).await;
        // The close may be seen before a byte is written, or with a request on its way: then it counts, once.
        match attempt.error_class() {
            None => assert_eq!(attempt.status(), Some(200)),
            Some(class) => assert_eq!(class, ErrorClass::Protocol),
        }
        assert!(sink.connections() <= round, "never more than one each");
    }
}

#[tokio::test]
async fn s35_a_request_that_was_begun_is_not_made_again_in_secret() {
    let (sender, mut begun) = tokio::sync::mpsc::channel(8);
    let sink = Sink::start(move |mut stream| {
        let sender = sender.clone();
        async move {
            read_request(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            // The second request on the connection is read, and the connection closed without a word.
            let second = read_request(&mut stream).await;
            sender.send(second.is_some()).await.unwrap();
        }
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    assert_eq!(post(&client, &sink.url()).await.status(), Some(200));
    let second = post(&client, &sink.url()).await;
    assert_eq!(second.error_class(), Some(ErrorClass::Protocol));
    assert!(begun.recv().await.unwrap());
    assert_eq!(sink.connections(), 1, "no second connection for it");
}

#[tokio::test]
async fn localhost_is_found_by_the_resolver_of_this_machine() {
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 OK\r\n\r\n").await.unwrap();
    })
    .await;
    let resolver = Arc::new(SystemResolver::new().unwrap());
    let client = WebhookClient::new(EgressPolicy::sandbox(), resolver, limits());
    let attempt = post(
        &client,
        &format!("http://localhost:{}/", sink.address.port()),
    )
    .await;
    assert_eq!(attempt.status(), Some(204), "{attempt:?}");
}
