//! The hub library beside a bare axum WebSocket echo: calls, idle connections, broadcasts and streams.
//!
//! Server and load client are processes of their own. The bare echo sends back the very bytes of each call, parses
//! nothing and keeps no connection; both have the same buffers and the same runtime. Both sides of a comparison get
//! the same load from the same client, so what the client costs is in both figures.

mod crowd;
mod echo;
mod peer;
mod server;
mod streams;

pub use server::{Served, serve};

use std::io::Write;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::options::Options;
use crate::verdict::Verdicts;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A process, a pipe or a socket.
    #[error("the system refused")]
    System(#[from] std::io::Error),
    /// A WebSocket.
    #[error("a WebSocket failed")]
    Socket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// It does not come.
    #[error("nothing came in time")]
    Silent(#[from] tokio::time::error::Elapsed),
    /// The other side said something else.
    #[error("unexpected: {0}")]
    Surprise(&'static str),
}

impl From<tokio_tungstenite::tungstenite::Error> for HubError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// Measures everything.
pub fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), HubError> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        echo::run(out, options, verdicts).await?;
        streams::run(out, options, verdicts).await?;
        crowd::run(out, options, verdicts).await
    })
}
