//! `leyden sandbox` as a child, and its REST calls.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::options::Options;

/// How long the sandbox may take until it is ready, and to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the sandbox refused.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the leyden binary {0} does not run; build it, or name it with --leyden")]
    NoBinary(PathBuf, #[source] std::io::Error),
    #[error("a file or process was refused")]
    Io(#[from] std::io::Error),
    #[error("it did not become ready; it said:\n{0}")]
    NotReady(String),
    #[error("its first line is not the one that is documented")]
    Line(#[from] serde_json::Error),
    #[error("a request failed")]
    Http(#[from] reqwest::Error),
    #[error("{path} was answered with {status}: {body}")]
    Refused {
        path: &'static str,
        status: u16,
        body: String,
    },
    #[error("the audit does not hold: {0}")]
    Audit(Value),
}

/// What it prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    api_url: String,
    hub_url: String,
    sandbox_url: String,
    api_key: String,
    admin_token: String,
}

#[derive(Deserialize)]
struct Invoice {
    payment_request: String,
}

/// A running sandbox on a folder of its own. Dropping it ends it.
pub struct Sandbox {
    child: Child,
    pid: u32,
    ready: Ready,
    http: Client,
    _folder: TempDir,
}

impl Sandbox {
    /// Starts one and waits until it is ready.
    pub async fn start(options: &Options) -> Result<Self, SandboxError> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let binary = options.leyden.clone().unwrap_or_else(beside_us);
        let stderr = if options.logs {
            Stdio::inherit()
        } else {
            Stdio::from(File::create(&log)?)
        };
        let mut child = Command::new(&binary)
            .args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| SandboxError::NoBinary(binary, error))?;
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let stdout = child.stdout.take();
        let (Some(stdout), Some(pid)) = (stdout, child.id()) else {
            return Err(SandboxError::NotReady(said()));
        };
        let mut lines = BufReader::new(stdout).lines();
        let line = match tokio::time::timeout(PATIENCE, lines.next_line()).await {
            Ok(Ok(Some(line))) => line,
            _ => return Err(SandboxError::NotReady(said())),
        };
        Ok(Self {
            child,
            pid,
            ready: serde_json::from_str(&line)?,
            http: Client::builder().timeout(PATIENCE).build()?,
            _folder: folder,
        })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its hub is (http).
    pub fn hub_url(&self) -> &str {
        &self.ready.hub_url
    }

    /// The key of its funded account.
    pub fn api_key(&self) -> &str {
        &self.ready.api_key
    }

    /// An invoice of its counterparty.
    pub async fn invoice(&self, amount_sat: u64) -> Result<String, SandboxError> {
        let url = format!("{}/invoice", self.ready.sandbox_url);
        let body = json!({"amount_sats": amount_sat});
        let invoice: Invoice = self.post("/sandbox/invoice", url, &body).await?;
        Ok(invoice.payment_request)
    }

    /// Has every event sent to `url`.
    pub async fn register_webhook(&self, url: &str) -> Result<(), SandboxError> {
        let at = format!("{}/admin/v1/webhooks", self.ready.api_url);
        let body = json!({"url": url});
        let _: Value = self.post("/admin/v1/webhooks", at, &body).await?;
        Ok(())
    }

    /// Fails unless every invariant of the books holds.
    pub async fn audit(&self) -> Result<(), SandboxError> {
        let url = format!("{}/admin/v1/audit", self.ready.api_url);
        let request = self.http.get(url).bearer_auth(&self.ready.admin_token);
        let report: Value = read("/admin/v1/audit", request.send().await?).await?;
        if report["holds"] != true {
            return Err(SandboxError::Audit(report));
        }
        Ok(())
    }

    /// Ends it at once: its folder goes as well.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        Ok(self.child.kill().await?)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &'static str,
        url: String,
        body: &Value,
    ) -> Result<T, SandboxError> {
        let request = self.http.post(url).bearer_auth(&self.ready.admin_token);
        read(path, request.json(body).send().await?).await
    }
}

async fn read<T: DeserializeOwned>(
    path: &'static str,
    answer: Response,
) -> Result<T, SandboxError> {
    let status = answer.status();
    if !status.is_success() {
        return Err(SandboxError::Refused {
            path,
            status: status.as_u16(),
            body: answer.text().await?,
        });
    }
    Ok(answer.json().await?)
}

/// The binary that the same build put beside this one.
fn beside_us() -> PathBuf {
    let us = std::env::current_exe().unwrap_or_default();
    us.with_file_name("leyden")
}
