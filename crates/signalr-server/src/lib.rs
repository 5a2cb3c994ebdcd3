//! ASP.NET Core SignalR hubs on axum.
//!
//! Clients are the published SignalR clients (JavaScript, .NET, Python, …), unchanged: over
//! WebSockets, server-sent events and long polling, with the JSON and MessagePack protocols.
//!
//! ```no_run
//! use axum::serve::ListenerExt;
//! use signalr_server::Hub;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let hub = Hub::builder()
//!     .method("Echo", |_caller, (text,): (String,)| async move { Ok(text) })
//!     .build();
//!
//! let clients = hub.clients();
//! tokio::spawn(async move { clients.all().send("tick", &(1, "one")) });
//!
//! // Small frames leave at once; otherwise each may wait 40 ms for an acknowledgement.
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
//! axum::serve(listener, hub.router("/hub")).await
//! # }
//! ```
//!
//! Guarantees: calls of one connection run one after the other; what a method sends to its
//! caller before it returns arrives before its completion; messages queued for a connection
//! arrive in order, at most once. Sending never waits: a client that does not read is
//! disconnected when its bounded queue overflows. Tokens, ids and arguments are never logged.

mod arguments;
mod auth;
mod caller;
mod clients;
mod completion;
mod connection;
mod dispatch;
mod end;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod hub;
mod invoke;
mod lifetime;
mod options;
mod protocol;
mod query;
mod registry;
mod transport;
mod upload;
mod value;

pub use arguments::{ArgumentList, Arguments, BindError, FromArguments, NO_ARGUMENTS};
pub use auth::{AuthRequest, Unauthorized, User};
pub use caller::Caller;
pub use clients::{Clients, Recipients};
pub use completion::{Completion, IntoCompletion};
pub use connection::{RawConnection, RawMessage};
pub use end::DisconnectReason;
pub use error::{EncodeError, HubException};
pub use http::{Origins, Redirect};
pub use hub::{Hub, HubBuilder};
pub use invoke::InvokeError;
pub use lifetime::{HubLifetime, InProcess, LocalConnections, UnknownMessage};
pub use options::HubOptions;
pub use query::Query;
pub use transport::Transport;
pub use upload::{Upload, Uploads};
pub use value::{Binary, JsonText, Timestamp, Value};

/// The examples of the README and of the guides compile.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/authentication.md")]
    struct Authentication;
    #[doc = include_str!("../docs/deployment.md")]
    struct Deployment;
    #[doc = include_str!("../docs/scale-out.md")]
    struct ScaleOut;
}
