//! What receivers answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::routing::any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use webhooks::{EgressPolicy, ErrorClass, SigningKeys};

use super::sink::{Sink, read_request};
use super::{DEADLINE, client, post};

#[tokio::test]
async fn s9_h4_a_redirect_is_a_failure_and_is_never_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let mut app = Router::new().route(
        "/target",
        any(move || async move {
            counter.fetch_add(1, Ordering::SeqCst);
        }),
    );
    let codes = [301_u16, 302, 303, 307, 308];
    for code in codes {
        let status = StatusCode::from_u16(code).unwrap();
        let answer = move || async move { (status, [(header::LOCATION, "/target")]) };
        app = app.route(&format!("/{code}"), any(answer));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let client = client(EgressPolicy::sandbox());
    for code in codes {
        let attempt = post(&client, &format!("http://{address}/{code}")).await;
        assert_eq!(attempt.status(), Some(code));
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    assert_eq!(
        post(&client, &format!("http://{address}/target"))
            .await
            .status(),
        Some(200)
    );
    assert_eq!(visits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s1_h4_a_receiver_that_never_answers_is_left_at_the_deadline() {
    let sink =
        Sink::start(|mut stream| async move { while read_request(&mut stream).await.is_some() {} })
            .await;
    let started = Instant::now();
    let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
    assert_eq!(attempt.error_class(), Some(ErrorClass::Timeout));
    let took = started.elapsed();
    assert!(took >= DEADLINE && took < DEADLINE * 3, "{took:?}");
}

#[tokio::test]
async fn s11_endless_interim_answers_do_not_outlast_the_deadline() {
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        while stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let started = Instant::now();
    let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
    assert_eq!(attempt.error_class(), Some(ErrorClass::Timeout));
    assert!(started.elapsed() < DEADLINE * 3);
}

#[tokio::test]
async fn s10_h4_a_huge_body_is_read_to_the_cap_and_its_connection_is_closed() {
    let (sender, mut closed) = tokio::sync::mpsc::channel(4);
    let sink = Sink::start(move |mut stream| {
        let sender = sender.clone();
        async move {
            read_request(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
            stream.write_all(head).await.unwrap();
            let mut written = 0_usize;
            while let Ok(more) = stream.write(&[b'x'; 64 * 1024]).await {
                written += more;
            }
            sender.send(written).await.unwrap();
        }
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    for round in 1..=2 {
        let attempt = post(&client, &sink.url()).await;
        assert_eq!(attempt.status(), Some(200));
        assert_eq!(attempt.result.unwrap().body_excerpt.len(), 16 * 1024);
        assert!(!attempt.reused_connection);
        assert_eq!(sink.connections(), round);
        let written = closed.recv().await.unwrap();
        assert!(written < 1_073_741_824, "the whole body was taken");
    }
}

#[tokio::test]
async fn s2_a_body_that_drips_ends_at_the_deadline_and_the_status_stands() {
    for head in [
        "HTTP/1.1 204 Fine\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
    ] {
        let sink = Sink::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            // Says nothing more until the client has left.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let started = Instant::now();
        let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
        assert!(matches!(attempt.status(), Some(200 | 204)), "{attempt:?}");
        let first_byte = attempt.latency.first_byte.unwrap();
        assert!(first_byte <= attempt.latency.total);
        assert!(started.elapsed() < DEADLINE * 3);
    }
}

#[tokio::test]
async fn s2_a_body_that_never_ends_ends_at_the_deadline_and_the_status_stands() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let is_chunked = head.contains("chunked");
        let sink = Sink::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            let drop: &[u8] = if is_chunked { b"1\r\nx\r\n" } else { b"x" };
            // Always something, and never much.
            while stream.write_all(drop).await.is_ok() {
                tokio::time::sleep(DEADLINE / 20).await;
            }
        })
        .await;
        let started = Instant::now();
        let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
        assert_eq!(attempt.status(), Some(200), "{attempt:?}");
        assert!(attempt.latency.total >= DEADLINE, "{attempt:?}");
        assert!(started.elapsed() < DEADLINE * 3);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status() {
    let sink = Sink::start(|mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\nabc")
            .await
            .unwrap();
    })
    .await;
    let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
    let answer = attempt.result.unwrap();
    assert_eq!(
        (answer.status, answer.body_excerpt.as_slice()),
        (500, b"abc".as_slice())
    );
}

#[tokio::test]
async fn s11_what_is_not_http_or_has_headers_without_end_is_a_protocol_error() {
    let bomb = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for answer in [
        "",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 20",
        bomb.as_str(),
        many.as_str(),
    ] {
        let answer: Arc<str> = answer.into();
        let sink = Sink::start(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await;
        let attempt = post(&client(EgressPolicy::sandbox()), &sink.url()).await;
        assert_eq!(attempt.error_class(), Some(ErrorClass::Protocol));
    }
}

#[tokio::test]
async fn s4_a_receiver_that_answers_without_reading_cannot_keep_the_connection() {
    const BODY_BYTES: usize = 50 << 20;
    let (sender, mut received) = tokio::sync::mpsc::channel(1);
    let sink = Sink::start(move |mut stream| {
        let sender = sender.clone();
        async move {
            assert_eq!(stream.read(&mut [0; 4]).await.unwrap(), 4);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            // A close shows only behind what the kernel still holds, and reading that would let
            // the client write on. So the time in which it has to give up must pass first.
            tokio::time::sleep(DEADLINE * 3).await;
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes).await;
            sender.send(bytes.len()).await.unwrap();
        }
    })
    .await;
    let client = client(EgressPolicy::sandbox());
    let body = vec![b'x'; BODY_BYTES];
    let attempt = client
        .deliver(&sink.url(), HeaderMap::new(), body.into())
        .await;
    assert_eq!(attempt.status(), Some(200));
    assert!(attempt.latency.total < DEADLINE * 3, "{attempt:?}");
    // The client was still there if the whole body comes now.
    assert!(received.recv().await.unwrap() < BODY_BYTES);
}

#[tokio::test]
async fn s12_the_request_is_what_was_given_and_asks_for_no_compression() {
    let (sender, mut requests) = tokio::sync::mpsc::channel(1);
    let sink = Sink::start(move |mut stream| {
        let sender = sender.clone();
        async move {
            sender
                .send(read_request(&mut stream).await.unwrap())
                .await
                .unwrap();
            let answer = b"HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-encoding: gzip\r\n\
                content-length: 4\r\n\r\n\x1f\x8b\x08\x00";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let secret = webhooks::Secret::generate([1; 32]);
    let id = webhooks::MessageId::new("msg_1".to_owned()).unwrap();
    let body = br#"{"event":"deposit.lightning.completed","data":{}}"#;
    let mut headers =
        webhooks::sign::headers(SigningKeys::single(&secret), &id, 1_700_000_000, body);
    headers.insert("x-extra", HeaderValue::from_static("1"));
    let client = client(EgressPolicy::sandbox());
    let attempt = client
        .deliver(&sink.url(), headers, body.to_vec().into())
        .await;

    let request = requests.recv().await.unwrap();
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.as_bytes(), body);
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hook HTTP/1.1"));
    let mut names: Vec<_> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "bitvora-signature",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "webhook-timestamp",
            "x-extra",
        ]
    );
    let answer = attempt.result.unwrap();
    assert_eq!(answer.retry_after.as_deref(), Some("120"));
    assert_eq!(answer.body_excerpt, b"\x1f\x8b\x08\x00");
}
