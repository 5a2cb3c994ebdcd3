//! Hubs over real sockets: what a client on the wire sees.
#![expect(clippy::unwrap_used, reason = "test")]

mod calls;
mod endings;
mod hostile;
mod http;
mod raw;
mod reconnect;
mod scale;
mod sending;
mod streams;
mod support;
mod transports;
