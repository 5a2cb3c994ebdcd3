//! Timeouts and limits of a hub. The defaults are those of ASP.NET Core.

use std::time::Duration;

use crate::transport::Transport;

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
    /// How long a connection is kept without a transport: negotiated and not yet connected,
    /// between two polls, or while a client with stateful reconnect is away. Default 15 s.
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
    /// How many calls of one connection may run at once. A call that streams, in either
    /// direction, does not count. Default 1: one after the other.
    pub maximum_parallel_invocations: usize,
    /// How many calls and upload streams of one connection may be open at once; a call too
    /// many is answered with an error. Default 1000.
    pub maximum_open_calls: usize,
    /// How many items of an upload stream wait for the method before the client is held back.
    /// Default 10.
    pub stream_buffer: usize,
    /// How long a poll waits for something to deliver. Default 90 s.
    pub long_poll_timeout: Duration,
    /// The transports on offer, in the order in which clients try them. Default: all,
    /// WebSockets first.
    pub transports: Vec<Transport>,
    /// Let clients that ask for it come back to their connection when its WebSocket breaks,
    /// within the disconnect timeout and without losing a message. Default false.
    pub stateful_reconnect: bool,
    /// How many bytes are kept for a client that may come back; beyond, sending waits for it.
    /// Default 100 000.
    pub stateful_reconnect_bytes: usize,
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
            maximum_parallel_invocations: 1,
            maximum_open_calls: 1000,
            stream_buffer: 10,
            long_poll_timeout: Duration::from_secs(90),
            transports: vec![
                Transport::WebSockets,
                Transport::ServerSentEvents,
                Transport::LongPolling,
            ],
            stateful_reconnect: false,
            stateful_reconnect_bytes: 100_000,
            minimum_negotiate_version: 0,
            detailed_errors: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_asp_net_core() {
        let options = HubOptions::default();
        let seconds = |duration: Duration| duration.as_secs();
        assert_eq!(seconds(options.handshake_timeout), 15);
        assert_eq!(seconds(options.keep_alive_interval), 15);
        assert_eq!(seconds(options.client_timeout), 30);
        assert_eq!(seconds(options.disconnect_timeout), 15);
        assert_eq!(seconds(options.send_timeout), 10);
        assert_eq!(seconds(options.close_timeout), 5);
        assert_eq!(seconds(options.long_poll_timeout), 90);
        assert_eq!(options.maximum_message_bytes, 32_768);
        assert_eq!(options.maximum_parallel_invocations, 1);
        assert_eq!(options.stream_buffer, 10);
        assert_eq!(options.stateful_reconnect_bytes, 100_000);
        assert_eq!(options.minimum_negotiate_version, 0);
        assert!(!options.detailed_errors && !options.stateful_reconnect);
    }
}
