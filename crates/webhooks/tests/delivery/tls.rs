//! TLS: certificates are verified, and nothing is sent before they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use webhooks::client::public_roots;
use webhooks::{Attempt, EgressPolicy, ErrorClass, WebhookClient};

use super::sink::{Sink, read_request};
use super::{NoNames, limits, post};

/// A TLS receiver with a certificate for `name`, the requests it saw, and its certificate.
async fn secure(name: &str) -> (Sink, Arc<AtomicUsize>, RootCertStore) {
    let (config, roots) = certified(CertificateParams::new(vec![name.to_owned()]).unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    let sink = Sink::start(move |stream| answer(acceptor.clone(), stream, Arc::clone(&seen))).await;
    (sink, requests, roots)
}

/// A server with a certificate of its own, and who trusts it.
fn certified(params: CertificateParams) -> (ServerConfig, RootCertStore) {
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (config, roots)
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, seen: Arc<AtomicUsize>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    while read_request(&mut stream).await.is_some() {
        seen.fetch_add(1, Ordering::SeqCst);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        stream.flush().await.unwrap();
    }
}

async fn attempt(sink: &Sink, roots: RootCertStore) -> Attempt {
    let policy = EgressPolicy::sandbox();
    let client = WebhookClient::with_roots(policy, Arc::new(NoNames), limits(), roots);
    post(&client, &format!("https://{}/hook", sink.address)).await
}

#[tokio::test]
async fn a_trusted_certificate_is_taken_and_the_handshake_is_timed() {
    let (sink, requests, roots) = secure("127.0.0.1").await;
    let attempt = attempt(&sink, roots).await;
    assert_eq!(attempt.status(), Some(200), "{attempt:?}");
    assert!(attempt.latency.tls.unwrap() > std::time::Duration::ZERO);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s5_h4_each_wrong_certificate_has_its_error_and_nothing_is_sent() {
    let (unknown, unknown_requests, _) = secure("127.0.0.1").await;
    let (misnamed, misnamed_requests, named) = secure("other.test").await;
    let mut old = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    old.not_after = date_time_ymd(2020, 1, 1);
    let (config, expired_roots) = certified(old);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let expired_requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&expired_requests);
    let expired =
        Sink::start(move |stream| answer(acceptor.clone(), stream, Arc::clone(&seen))).await;
    for (sink, roots, class) in [
        (&unknown, public_roots(), ErrorClass::TlsUntrusted),
        (&misnamed, named, ErrorClass::TlsName),
        (&expired, expired_roots, ErrorClass::TlsExpired),
    ] {
        assert_eq!(attempt(sink, roots).await.error_class(), Some(class));
    }
    for requests in [unknown_requests, misnamed_requests, expired_requests] {
        assert_eq!(requests.load(Ordering::SeqCst), 0);
    }
}

/// A server hello in a record of its own: the version and the cipher suite that it chooses.
fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    // RFC 5246 section 7.4.1.3: the version, 32 random bytes, no session, the suite, no compression.
    let hello = [&version[..], &[7; 32], &[0], &suite, &[0]].concat();
    let handshake = [&[2, 0, 0, 38][..], &hello].concat();
    [&[22][..], &version, &[0, 42], &handshake].concat()
}

#[tokio::test]
async fn s5_a_receiver_with_old_versions_or_ciphers_alone_is_a_version_error_and_nothing_is_sent() {
    // TLS 1.0; RSA key exchange only; and the alerts of servers that give up themselves.
    for said in [
        server_hello([3, 1], [0x00, 0x2f]),
        server_hello([3, 3], [0x00, 0x9c]),
        vec![21, 3, 1, 0, 2, 2, 70],
        vec![21, 3, 3, 0, 2, 2, 40],
    ] {
        let (sender, mut after) = tokio::sync::mpsc::channel(1);
        let answer = said.clone();
        let sink = Sink::start(move |mut stream| {
            let (sender, answer) = (sender.clone(), answer.clone());
            async move {
                let mut hello = [0; 4_096];
                assert!(stream.read(&mut hello).await.unwrap() > 0);
                stream.write_all(&answer).await.unwrap();
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                sender.send(rest).await.unwrap();
            }
        })
        .await;
        let attempt = attempt(&sink, public_roots()).await;
        assert_eq!(
            attempt.error_class(),
            Some(ErrorClass::TlsVersion),
            "{said:?}"
        );
        let rest = after.recv().await.unwrap();
        assert!(
            rest.is_empty() || rest[0] == 21,
            "nothing but an alert: {rest:?}"
        );
    }
}

#[tokio::test]
async fn s5_plain_http_where_tls_is_expected_is_a_tls_error() {
    let sink = Sink::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    assert_eq!(
        attempt(&sink, public_roots()).await.error_class(),
        Some(ErrorClass::Tls)
    );
}

#[tokio::test]
async fn s5_a_handshake_that_stalls_ends_at_the_deadline() {
    let sink =
        Sink::start(|mut stream| async move { while read_request(&mut stream).await.is_some() {} })
            .await;
    assert_eq!(
        attempt(&sink, public_roots()).await.error_class(),
        Some(ErrorClass::Timeout)
    );
}

#[tokio::test]
async fn a_receiver_that_speaks_http_2_gets_many_attempts_over_one_connection() {
    let (mut config, roots) =
        certified(CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let sink = Sink::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let tls = acceptor.accept(stream).await.unwrap();
            let mut connection = h2::server::handshake(tls).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                tokio::spawn(async move {
                    let mut body = request.into_body();
                    let sent = body.data().await.unwrap().unwrap();
                    let taken = http::Response::builder().status(202).body(()).unwrap();
                    let mut answer = respond.send_response(taken, false).unwrap();
                    answer.send_data(sent, true).unwrap();
                });
            }
        }
    })
    .await;
    let policy = EgressPolicy::sandbox();
    let client = WebhookClient::with_roots(policy, Arc::new(NoNames), limits(), roots);
    let url = format!("https://{}/hook", sink.address);
    let first = post(&client, &url).await;
    assert!(!first.reused_connection, "{first:?}");
    let at_once = (0..20).map(|_| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move { post(&client, &url).await })
    });
    for attempt in at_once.collect::<Vec<_>>() {
        let attempt = attempt.await.unwrap();
        assert!(attempt.reused_connection, "{attempt:?}");
        let answer = attempt.result.unwrap();
        assert_eq!((answer.status, answer.body_excerpt), (202, b"{}".to_vec()));
    }
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn s10_a_huge_body_over_http_2_is_read_to_the_cap() {
    let (mut config, roots) =
        certified(CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let sink = Sink::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let tls = acceptor.accept(stream).await.unwrap();
            let mut connection = h2::server::handshake(tls).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let head = http::Response::builder().status(200).body(()).unwrap();
                let mut answer = respond.send_response(head, false).unwrap();
                // More than the receiver's window: the rest waits for room that never comes.
                answer.send_data(vec![b'x'; 8 << 20].into(), true).unwrap();
            }
        }
    })
    .await;
    let policy = EgressPolicy::sandbox();
    let client = WebhookClient::with_roots(policy, Arc::new(NoNames), limits(), roots);
    let attempt = post(&client, &format!("https://{}/hook", sink.address)).await;
    assert_eq!(attempt.status(), Some(200), "{attempt:?}");
    assert_eq!(attempt.result.unwrap().body_excerpt.len(), 16 * 1024);
}
