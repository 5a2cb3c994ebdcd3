//! A TCP connection to a vetted address, with the times it took to set up.
//!
//! A receiver that stops reading must not keep the connection for ever: a write that makes no
//! progress ends it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

/// The times of a connection's set-up. They belong to the attempt that waited for them, so the
/// first answer on the connection claims them.
#[derive(Debug)]
pub(super) struct ConnectionTiming {
    pub(super) dns: Duration,
    pub(super) connect: Duration,
    pub(super) tls: OnceLock<Duration>,
    claimed: AtomicBool,
}

impl ConnectionTiming {
    pub(super) const fn new(dns: Duration, connect: Duration) -> Self {
        Self {
            dns,
            connect,
            tls: OnceLock::new(),
            claimed: AtomicBool::new(false),
        }
    }

    /// Whether this is the first answer on the connection.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }
}

/// The connection.
pub(super) struct GuardedStream {
    inner: Pin<Box<TimeoutStream<TcpStream>>>,
    timing: Arc<ConnectionTiming>,
}

impl GuardedStream {
    pub(super) fn new(tcp: TcpStream, write_limit: Duration, timing: ConnectionTiming) -> Self {
        let mut inner = TimeoutStream::new(tcp);
        inner.set_write_timeout(Some(write_limit));
        Self {
            inner: Box::pin(inner),
            timing: Arc::new(timing),
        }
    }
}

/// Connects to the first address that answers; the time is shared fairly between those left.
pub(super) async fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let deadline = tokio::time::Instant::now() + limit;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (index, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(tokio::time::Instant::now()) / left;
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // A body is one small write, and the receiver should see it at once.
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(last)
}

impl Connection for GuardedStream {
    fn connected(&self) -> Connected {
        Connected::new().extra(Arc::clone(&self.timing))
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
