//! Timeouts and limits of a hub. The defaults are those of ASP.NET Core.

use std::time::Duration;

/// Timeouts and limits. `HubOptions::default()` behaves like ASP.NET Core.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// How long a client may take for its handshake. Default 15 s.
    pub handshake_timeout: Duration,
    /// The server sends a Ping when it sent nothing for this long. Default 15 s.
    pub keep_alive_interval: Duration,
    /// A client that sends nothing for this long is disconnected; only clients that have
    /// sent a Ping once, and not while one of their calls runs. Default 30 s.
    pub client_timeout: Duration,
    /// How long a negotiated connection waits for its transport. Default 15 s.
    pub disconnect_timeout: Duration,
    /// A write that makes no progress for this long ends the connection. Default 10 s.
    pub send_timeout: Duration,
    /// How long the server waits for the client's side of the close. Default 5 s.
    pub close_timeout: Duration,
    /// The largest message accepted, in bytes, framing included; also for the handshake.
    /// Default 32 768.
    pub maximum_message_bytes: usize,
    /// How many messages may wait for one client. One more, and that client is disconnected:
    /// sending never waits. Default 1024.
    pub send_queue_messages: usize,
    /// How many bytes may wait for one client; also the largest single message to a client.
    /// Default 1 MiB.
    pub send_queue_bytes: usize,
    /// The lowest `negotiateVersion` answered, 0 or 1. Default 0.
    pub minimum_negotiate_version: i64,
    /// Send names and messages of internal errors to clients. Default false; errors made by
    /// [`HubException::new`](crate::HubException::new) are always sent.
    pub detailed_errors: bool,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(15),
            keep_alive_interval: Duration::from_secs(15),
            client_timeout: Duration::from_secs(30),
            disconnect_timeout: Duration::from_secs(15),
            send_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            maximum_message_bytes: 32 * 1024,
            send_queue_messages: 1024,
            send_queue_bytes: 1024 * 1024,
            minimum_negotiate_version: 0,
            detailed_errors: false,
        }
    }
}
