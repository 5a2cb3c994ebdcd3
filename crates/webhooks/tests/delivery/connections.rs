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
