//! The conformance hub in a process of its own.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A hub that runs. Dropped, it is killed.
pub struct TestHub {
    child: Child,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

#[expect(
    clippy::disallowed_methods,
    reason = "clients/run says here which binary is meant"
)]
fn binary() -> PathBuf {
    let built = "../../target/debug/examples/testhub";
    std::env::var_os("TESTHUB_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(built),
        PathBuf::from,
    )
}

impl TestHub {
    /// Starts one on a port of its own, or on `port`, and waits until it listens.
    pub async fn start(port: u16) -> Self {
        let mut child = Command::new(binary())
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the conformance hub is built");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).await.expect("a line");
        let port = line.trim().rsplit_once(':').expect("an address").1;
        Self {
            child,
            port: port.parse().expect("a port"),
        }
    }

    /// Kills it at once.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it ran");
    }
}
