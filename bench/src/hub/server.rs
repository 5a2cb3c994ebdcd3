//! The measured process: this binary once more, as a hub or as a bare echo.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt as _;
use futures_util::stream;
use signalr_server::{Hub, HubException, HubOptions};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, Command};

use super::HubError;

/// The hub's buffers, so that memory is compared and not settings.
const BUFFER_BYTES: usize = 4096;

/// What a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Served {
    /// The hub.
    Hub,
    /// Axum's WebSocket, which sends back what it gets.
    Bare,
}

impl Served {
    /// As it is told to the process.
    const fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Bare => "bare",
        }
    }
}

/// Serves until standard input ends. Prints its address in one line.
pub fn serve(served: Served) -> Result<(), HubError> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
        let router = match served {
            Served::Hub => hub().router("/hub"),
            Served::Bare => Router::new().route("/hub", any(upgrade)),
        };
        let mut out = std::io::stdout();
        writeln!(out, "{address}")?;
        out.flush()?;
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        drop(ended.await);
        serving.abort();
        Ok(())
    })
}

fn hub() -> Hub {
    let options = HubOptions {
        // Clients that only wait are not worth a ping a second.
        keep_alive_interval: Duration::from_secs(600),
        ..HubOptions::default()
    };
    Hub::builder()
        .options(options)
        .method("Echo", |_, (text,): (String,)| async move { Ok(text) })
        .method("Broadcast", |caller, (text,): (String,)| async move {
            let all = caller.clients().all();
            let sent = all.send("Told", &[text]);
            sent.map_err(|error| HubException::new(error.to_string()))
        })
        .stream("Count", |_, (to, text): (u32, String)| async move {
            Ok(stream::iter((0..to).map(move |_| Ok(text.clone()))))
        })
        .build()
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

/// A process that serves. It ends with this.
pub struct Process {
    child: Child,
    _stdin: ChildStdin,
    /// Where it listens.
    pub address: String,
}

impl Process {
    /// Starts one.
    pub async fn start(served: Served) -> Result<Self, HubError> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--serve", served.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = pipes else {
            return Err(HubError::Surprise("a process without pipes"));
        };
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address).await?;
        Ok(Self {
            child,
            _stdin: stdin,
            address: address.trim().to_owned(),
        })
    }

    /// Its number.
    pub fn id(&self) -> Result<u32, HubError> {
        self.child.id().ok_or(HubError::Surprise("it has ended"))
    }

    /// What it holds of the machine's memory, in bytes.
    pub fn resident_bytes(&self) -> Result<u64, HubError> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or(HubError::Surprise("no VmRSS"))
    }
}
