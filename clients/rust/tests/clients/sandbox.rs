//! The real binary: `leyden sandbox` on a free port and a folder of its own, driven over HTTP.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long it may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox that runs. Dropped without [`Sandbox::end`], it is killed.
pub struct Sandbox {
    child: Child,
    stdout: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    http: reqwest::Client,
    /// Where its API is.
    pub api_url: String,
    /// The key of its account.
    pub api_key: String,
    admin_token: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "clients/run says here which binary is meant"
)]
fn leyden() -> PathBuf {
    std::env::var_os("LEYDEN_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/leyden"),
        PathBuf::from,
    )
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().expect("a field of the line").to_owned()
}

impl Sandbox {
    /// Starts it, and waits for its line.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("sandbox.stderr");
        let mut child = Command::new(leyden())
            .args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .kill_on_drop(true)
            .spawn()
            .expect("target/debug/leyden is built");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        let read = timeout(PATIENCE, stdout.read_line(&mut line));
        read.await.expect("ready in time").expect("a line");
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(
            !line.is_empty(),
            "the sandbox did not get ready: {}",
            said()
        );
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON");
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        Self {
            child,
            stdout,
            folder,
            http: http.expect("a client"),
            api_url: text(&ready, "api_url"),
            api_key: text(&ready, "api_key"),
            admin_token: text(&ready, "admin_token"),
        }
    }

    /// A POST with the admin token, which must succeed.
    pub async fn operator(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.api_url);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.admin_token)
            .json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// The counterparty pays one of our invoices.
    pub async fn pay(&self, payment_request: &str) {
        let request = serde_json::json!({ "payment_request": payment_request });
        let paid = self.operator("/sandbox/pay", &request).await;
        assert_eq!(paid["status"], "settled", "{paid}");
    }

    async fn audit(&self) {
        let mut audit = Command::new(leyden());
        audit
            .args(["audit", "--data-dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null());
        let status = audit.status().await.expect("the audit runs");
        assert!(status.success(), "the books do not balance");
    }

    /// A clean stop, nothing more on standard output, and balanced books before and after.
    pub async fn end(mut self) {
        self.audit().await;
        let id = self.child.id().expect("it runs").to_string();
        let signalled = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(signalled.expect("kill runs").success());
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("stops in time");
        assert!(status.expect("it was ours").success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).await.expect("text");
        assert_eq!(rest, "", "exactly one line on standard output");
        self.audit().await;
    }
}
