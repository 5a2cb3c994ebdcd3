//! Where the database is, and whether TLS is spoken with it.
//!
//! Must never send a password in clear to another machine unless `sslmode=disable` was written
//! down.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// After how long without an answer from the other machine a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(20);

/// How to reach the database. Holds its password, so it is never printed.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads a `postgres://` URL.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        // The driver knows `require` alone; with rustls that verifies the certificate and the name.
        let verified = url.replace("sslmode=verify-full", "sslmode=require");
        let mut config = Config::from_str(&verified).map_err(|error| OpenError::Address {
            reason: std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), |source| source.to_string()),
        })?;
        config
            .connect_timeout(CONNECT_PATIENCE)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("leyden");
        }
        let local = config.get_hosts().iter().all(is_local);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            SslMode::Prefer if local => None,
            _ => Some(connector()?),
        };
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self { config, tls })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that connects to PostgreSQL"
    )]
    pub(super) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn connector() -> Result<MakeRustlsConnect, OpenError> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| OpenError::Address {
                reason: error.to_string(),
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaks_tls(url: &str) -> bool {
        Address::parse(url).expect("a good URL").tls.is_some()
    }

    #[test]
    fn another_machine_is_reached_by_tls_unless_it_was_switched_off() {
        assert!(speaks_tls("postgres://u:p@db.example.com/leyden"));
        assert!(speaks_tls("postgres://u:p@10.0.0.7/leyden"));
        assert!(speaks_tls("postgres://u:p@127.0.0.1,db.example.com/leyden"));
        assert!(!speaks_tls(
            "postgres://u:p@db.example.com/leyden?sslmode=disable"
        ));
    }

    #[test]
    fn this_machine_is_reached_in_clear_unless_tls_was_asked_for() {
        assert!(!speaks_tls("postgres://u:p@127.0.0.1:5432/leyden"));
        assert!(!speaks_tls("postgres://u:p@[::1]/leyden"));
        assert!(!speaks_tls("postgres://u:p@localhost/leyden"));
        assert!(speaks_tls(
            "postgres://u:p@localhost/leyden?sslmode=require"
        ));
        assert!(speaks_tls(
            "postgres://u:p@localhost/leyden?sslmode=verify-full"
        ));
    }

    #[test]
    fn an_address_that_cannot_be_read_is_refused_without_showing_its_password() {
        let refused = Address::parse("postgres://u:hunter2@host:notaport/leyden").err();
        let shown = format!("{refused:?}");
        assert!(
            matches!(refused, Some(OpenError::Address { .. })),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
