//! Opens connections, to vetted addresses only.
//!
//! It resolves, vets and connects in one step: no address is ever connected to that was not vetted
//! in the same step, whether it came from a name or stood in the URL.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};
use tower::Service;

use super::stream::{ConnectionTiming, GuardedStream, connect};
use super::{ErrorClass, Limits, tls};
use crate::egress::{BlockedAddress, EgressPolicy};
use crate::resolve::{ResolveError, Resolver};

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    #[error("the URL has no host")]
    NoHost,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("the name servers did not answer in time")]
    ResolveTimeout,
    #[error(transparent)]
    Blocked(#[from] BlockedAddress),
    #[error("no connection: {0}")]
    Tcp(std::io::Error),
    #[error("no encrypted connection: {0}")]
    Tls(Box<dyn std::error::Error + Send + Sync>),
    #[error("the connection was not ready in time")]
    Timeout,
}

impl ConnectFailure {
    pub(super) fn class(&self) -> ErrorClass {
        match self {
            Self::NoHost => ErrorClass::Url,
            Self::Resolve(_) | Self::ResolveTimeout => ErrorClass::Dns,
            Self::Blocked(_) => ErrorClass::BlockedAddress,
            Self::Tcp(_) => ErrorClass::Connect,
            Self::Tls(error) => tls::class(error.as_ref()),
            Self::Timeout => ErrorClass::Timeout,
        }
    }
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ConnectFailure>> + Send>>;

/// TCP to a vetted address, and TLS on it for https.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<TcpConnector>,
    limits: Limits,
}

impl Connector {
    pub(super) fn new(
        policy: Arc<EgressPolicy>,
        resolver: Arc<dyn Resolver>,
        limits: Limits,
        tls: ClientConfig,
    ) -> Self {
        let tcp = TcpConnector {
            policy,
            resolver,
            limits,
        };
        Self {
            https: HttpsConnector::from((tcp, tls)),
            limits,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<GuardedStream>>;
    type Error = ConnectFailure;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        let total = self.limits.total;
        Box::pin(async move {
            let started = Instant::now();
            // The pool may go on with this after its attempt has ended, so it has its own end.
            let stream = match timeout(total, connecting).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    return Err(match error.downcast::<ConnectFailure>() {
                        Ok(failure) => *failure,
                        Err(error) => ConnectFailure::Tls(error),
                    });
                }
                Err(_) => return Err(ConnectFailure::Timeout),
            };
            let mut extensions = http::Extensions::new();
            stream.connected().get_extras(&mut extensions);
            if let Some(timing) = extensions.get::<Arc<ConnectionTiming>>() {
                let before = timing.dns + timing.connect;
                // It is set once, here, before the pool has the connection.
                let _ = timing.tls.set(started.elapsed().saturating_sub(before));
            }
            Ok(stream)
        })
    }
}

/// TCP to a vetted address.
#[derive(Clone)]
pub(super) struct TcpConnector {
    policy: Arc<EgressPolicy>,
    resolver: Arc<dyn Resolver>,
    limits: Limits,
}

impl TcpConnector {
    async fn open(self, uri: Uri) -> Result<TokioIo<GuardedStream>, ConnectFailure> {
        let started = Instant::now();
        let plain = uri.scheme() != Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let host = uri.host().ok_or(ConnectFailure::NoHost)?;
        let addresses = self.addresses(host).await?;
        let dns = started.elapsed();
        self.policy.vet_addresses(plain, port, &addresses)?;
        let vetted: Vec<_> = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect();
        let tcp = connect(&vetted, self.limits.connect)
            .await
            .map_err(ConnectFailure::Tcp)?;
        let timing = ConnectionTiming::new(dns, started.elapsed().saturating_sub(dns));
        Ok(TokioIo::new(GuardedStream::new(
            tcp,
            self.limits.total,
            timing,
        )))
    }

    /// The address that stands in the URL, or all addresses of the name; at least one.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ConnectFailure> {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(literal) = bare.parse::<IpAddr>() {
            return Ok(vec![literal]);
        }
        let answer = timeout(self.limits.dns, self.resolver.resolve(host)).await;
        let addresses = answer.map_err(|_| ConnectFailure::ResolveTimeout)??;
        if addresses.is_empty() {
            let reason = "it has no address".to_owned();
            return Err(ResolveError {
                name: host.to_owned(),
                reason,
            }
            .into());
        }
        Ok(addresses)
    }
}

impl Service<Uri> for TcpConnector {
    type Response = TokioIo<GuardedStream>;
    type Error = ConnectFailure;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().open(uri))
    }
}
