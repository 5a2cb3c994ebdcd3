//! The TLS side: TLS 1.2 and 1.3, certificates always verified.
//!
//! There must never be a switch that turns verification off.

use std::error::Error as StdError;
use std::sync::Arc;

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, PeerMisbehaved, RootCertStore,
};

use super::ErrorClass;

/// The public certificate authorities, as Mozilla lists them.
#[must_use]
pub fn public_roots() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

/// A configuration without client certificates. HTTP/2 is spoken where the receiver chooses it, else HTTP/1.1.
pub(super) fn config(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// What is wrong with a connection whose handshake failed.
pub(super) fn class(error: &(dyn StdError + 'static)) -> ErrorClass {
    use CertificateError as C;
    match cause(error) {
        Some(Error::InvalidCertificate(wrong)) => match wrong {
            C::Expired
            | C::ExpiredContext { .. }
            | C::NotValidYet
            | C::NotValidYetContext { .. } => ErrorClass::TlsExpired,
            C::NotValidForName | C::NotValidForNameContext { .. } => ErrorClass::TlsName,
            _ => ErrorClass::TlsUntrusted,
        },
        Some(
            Error::PeerIncompatible(_)
            | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite)
            | Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            ),
        ) => ErrorClass::TlsVersion,
        _ => ErrorClass::Tls,
    }
}

/// An I/O error hides what it was made of from `source`.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    if let Some(found) = error.downcast_ref::<Error>() {
        return Some(found);
    }
    match error.downcast_ref::<std::io::Error>() {
        Some(wrapped) => cause(wrapped.get_ref()?),
        None => cause(error.source()?),
    }
}
