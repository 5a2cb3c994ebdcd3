//! TLS: certificates are verified, and nothing is sent before they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::AsyncWriteExt;
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
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    let sink = Sink::start(move |stream| answer(acceptor.clone(), stream, Arc::clone(&seen))).await;
    (sink, requests, roots)
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
async fn s5_h4_an_unknown_or_misnamed_certificate_is_a_tls_error_and_nothing_is_sent() {
    let (unknown, unknown_requests, _) = secure("127.0.0.1").await;
    let attempt_unknown = attempt(&unknown, public_roots()).await;
    assert_eq!(attempt_unknown.error_class(), Some(ErrorClass::Tls));
    let (misnamed, misnamed_requests, roots) = secure("other.test").await;
    assert_eq!(
        attempt(&misnamed, roots).await.error_class(),
        Some(ErrorClass::Tls)
    );
    for requests in [unknown_requests, misnamed_requests] {
        assert_eq!(requests.load(Ordering::SeqCst), 0);
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
