//! The guarded HTTP client: one attempt to deliver one body.
//!
//! It follows no redirect, uses no proxy, sends no cookie and inflates nothing. The status line
//! decides; a body that is slow, endless or broken never turns a success into a failure. Nothing
//! that a receiver does can make an attempt outlast its deadline.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::egress::{EgressPolicy, UrlError};
use crate::resolve::Resolver;

mod connector;
mod stream;
mod tls;

use connector::{ConnectFailure, Connector};
use stream::ConnectionTiming;
pub use tls::public_roots;

/// The most that the headers of an answer may take, in bytes.
const HEADER_BYTES: u32 = 64 * 1024;
/// How often a connection that carries several attempts is asked whether it lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(5);

/// How long and how much an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the addresses of the name: 3 s.
    pub dns: Duration,
    /// For the TCP connection, over all addresses: 5 s.
    pub connect: Duration,
    /// For all of it, from the name to the end of the body: 15 s.
    pub total: Duration,
    /// How much of the answer's body is read, in bytes: 16 KiB.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(3),
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            body_bytes: 16 * 1024,
        }
    }
}

/// Why an attempt got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The URL cannot be called under the policy.
    Url,
    /// The name has no address, or the name servers did not answer in time.
    Dns,
    /// An address of the host must not be called.
    BlockedAddress,
    /// No address took the connection in time.
    Connect,
    /// The certificate is not that of the host.
    TlsName,
    /// The certificate has run out, or is not valid yet.
    TlsExpired,
    /// Nobody who is trusted has signed the certificate.
    TlsUntrusted,
    /// There is no version or cipher that both sides speak.
    TlsVersion,
    /// The encrypted connection could not be set up for another reason, such as that the other side speaks no TLS.
    Tls,
    /// The attempt reached its deadline before a status came.
    Timeout,
    /// The connection broke, or the answer was not HTTP.
    Protocol,
}

impl ErrorClass {
    /// The name under which it is shown and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Dns => "dns",
            Self::BlockedAddress => "blocked_address",
            Self::Connect => "connect",
            Self::TlsName => "tls_name",
            Self::TlsExpired => "tls_expired",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsVersion => "tls_version",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
        }
    }
}

/// Where the time of an attempt went. The first three are absent on a connection used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// For the addresses of the name; zero for a literal.
    pub dns: Option<Duration>,
    /// For the TCP connection.
    pub connect: Option<Duration>,
    /// For the TLS handshake; zero on plain http.
    pub tls: Option<Duration>,
    /// From the start until the status came.
    pub first_byte: Option<Duration>,
    /// From the start to the end.
    pub total: Duration,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; it alone decides.
    pub status: u16,
    /// The `Retry-After` header as it came; [`crate::schedule::retry_after`] reads it.
    pub retry_after: Option<String>,
    /// The beginning of the body as it came: untrusted bytes.
    pub body_excerpt: Vec<u8>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The answer, or why there is none.
    pub result: Result<Answer, ErrorClass>,
    /// Where the time went.
    pub latency: Latency,
    /// Whether a connection of an earlier attempt was used.
    pub reused_connection: bool,
}

impl Attempt {
    /// The HTTP status, where there is one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.result.as_ref().ok().map(|answer| answer.status)
    }

    /// Why there is no answer, where there is none.
    #[must_use]
    pub fn error_class(&self) -> Option<ErrorClass> {
        self.result.as_ref().err().copied()
    }

    const fn failed(class: ErrorClass, total: Duration) -> Self {
        let latency = Latency {
            dns: None,
            connect: None,
            tls: None,
            first_byte: None,
            total,
        };
        Self {
            result: Err(class),
            latency,
            reused_connection: false,
        }
    }
}

/// Sends webhooks. One for the process: it keeps connections and shares them between attempts.
#[derive(Clone)]
pub struct WebhookClient {
    http: Client<Connector, Full<Bytes>>,
    policy: Arc<EgressPolicy>,
    limits: Limits,
}

impl WebhookClient {
    /// A client that trusts the public certificate authorities.
    #[must_use]
    pub fn new(policy: EgressPolicy, resolver: Arc<dyn Resolver>, limits: Limits) -> Self {
        Self::with_roots(policy, resolver, limits, public_roots())
    }

    /// A client that trusts the given certificate authorities, for receivers with a private one.
    #[must_use]
    pub fn with_roots(
        policy: EgressPolicy,
        resolver: Arc<dyn Resolver>,
        limits: Limits,
        roots: rustls::RootCertStore,
    ) -> Self {
        let policy = Arc::new(policy);
        let connector = Connector::new(Arc::clone(&policy), resolver, limits, tls::config(roots));
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // Shorter than servers keep theirs, so that few requests meet a closing connection.
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(32)
            .http1_max_buf_size(HEADER_BYTES as usize)
            .http2_max_header_list_size(HEADER_BYTES)
            // What a receiver may send before it is read, for an answer and for all of a connection.
            .http2_initial_stream_window_size(64 * 1024)
            .http2_initial_connection_window_size(1024 * 1024)
            // Many attempts share a connection: one that is dead has to be found out, or all of them wait for it.
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_EVERY)
            .build(connector);
        Self {
            http,
            policy,
            limits,
        }
    }

    /// Makes one attempt: POST `body` with `headers` to `url`.
    ///
    /// It always returns within the total limit, and never fails: what went wrong is the result.
    pub async fn deliver(&self, url: &str, headers: HeaderMap, body: Bytes) -> Attempt {
        let started = Instant::now();
        let request = match self.request(url, headers, body) {
            Ok(request) => request,
            Err(class) => return Attempt::failed(class, started.elapsed()),
        };
        let deadline = started + self.limits.total;
        let response = match timeout_at(deadline, self.http.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Attempt::failed(classify(&error), started.elapsed()),
            Err(_) => return Attempt::failed(ErrorClass::Timeout, started.elapsed()),
        };
        let first_byte = Some(started.elapsed());
        let timing = response
            .extensions()
            .get::<Arc<ConnectionTiming>>()
            .cloned();
        let fresh = timing.as_deref().filter(|timing| timing.claim());
        let answer = self.read(response, deadline).await;
        Attempt {
            result: Ok(answer),
            latency: Latency {
                dns: fresh.map(|timing| timing.dns),
                connect: fresh.map(|timing| timing.connect),
                tls: fresh.and_then(|timing| timing.tls.get().copied()),
                first_byte,
                total: started.elapsed(),
            },
            reused_connection: timing.is_some() && fresh.is_none(),
        }
    }

    fn request(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ErrorClass> {
        let url = self.policy.vet_url(url).map_err(|error| match error {
            UrlError::Forbidden => ErrorClass::BlockedAddress,
            _ => ErrorClass::Url,
        })?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .body(Full::new(body))
            .map_err(|_| ErrorClass::Url)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn read(&self, response: Response<Incoming>, deadline: Instant) -> Answer {
        let status: StatusCode = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = response.into_body();
        let mut body_excerpt = Vec::new();
        while body_excerpt.len() < self.limits.body_bytes {
            // The deadline, the end, or a broken body: whatever it is, the status stands.
            let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else {
                break;
            };
            if let Some(data) = frame.data_ref() {
                let room = self.limits.body_bytes - body_excerpt.len();
                body_excerpt.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        // A body that was not read to its end is dropped here, and its connection with it.
        Answer {
            status: status.as_u16(),
            retry_after,
            body_excerpt,
        }
    }
}

fn classify(error: &hyper_util::client::legacy::Error) -> ErrorClass {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(failure) = current.downcast_ref::<ConnectFailure>() {
            return failure.class();
        }
        cause = current.source();
    }
    ErrorClass::Protocol
}
