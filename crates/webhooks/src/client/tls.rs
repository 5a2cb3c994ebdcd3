//! The TLS side: TLS 1.2 and 1.3, certificates always verified.
//!
//! There must never be a switch that turns verification off.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The public certificate authorities, as Mozilla lists them.
#[must_use]
pub fn public_roots() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

/// A configuration without client certificates. No protocol is negotiated: HTTP/1.1 is spoken,
/// where one connection carries one request and can be dropped with it.
pub(super) fn config(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
