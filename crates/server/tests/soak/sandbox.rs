//! A sandbox as a child process, on a folder that outlives it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `leyden sandbox`.
pub struct Sandbox {
    child: Child,
    ready: Value,
    http: reqwest::Client,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Sandbox {
    /// Starts it on `folder`, and waits for its line.
    pub fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leyden"))
            .args([
                "--log",
                "error,ldk_node=off",
                "sandbox",
                "--json",
                "--listen",
                "127.0.0.1:0",
            ])
            .arg("--data-dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its output is read");
        let ready = serde_json::from_str(&line).expect("the sandbox is ready and says so in JSON");
        Self {
            child,
            ready,
            http: client(),
        }
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is gone");
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text of the ready line")
    }

    /// A call with the admin token.
    pub async fn admin(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        self.call(method, path, body, self.text("admin_token"))
            .await
            .expect("an answer")
    }

    /// A call of the customer; `None` when the server is gone.
    pub async fn customer(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> Option<Value> {
        self.call(method, path, body, self.text("api_key")).await
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &Value,
        token: &str,
    ) -> Option<Value> {
        let url = format!("{}{path}", self.text("api_url"));
        let request = self.http.request(method, url).bearer_auth(token).json(body);
        request.send().await.ok()?.json().await.ok()
    }

    /// An invoice of the counterparty.
    pub async fn invoice(&self, behaviour: &str) -> String {
        let body = json!({ "amount_sats": 100, "behaviour": behaviour, "expiry_seconds": 86_400 });
        let made = self
            .admin(reqwest::Method::POST, "/sandbox/invoice", &body)
            .await;
        made["payment_request"]
            .as_str()
            .expect("an invoice")
            .to_owned()
    }

    /// Asks `condition` until it holds; mines a block between two looks when `mine` is set.
    pub async fn until(&self, what: &str, mine: bool, condition: impl AsyncFn(&Self) -> bool) {
        let started = Instant::now();
        while !condition(self).await {
            assert!(started.elapsed() < PATIENCE, "{what} did not come true");
            if mine {
                let body = json!({ "blocks": 10 });
                self.admin(reqwest::Method::POST, "/sandbox/mine", &body)
                    .await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every withdrawal of the account.
    pub async fn withdrawals(&self) -> Vec<Value> {
        let answer = self
            .customer(reqwest::Method::GET, "/v1/transactions", &json!({}))
            .await;
        let rows = answer.expect("the server answers")["data"]
            .as_array()
            .expect("a list")
            .clone();
        rows.into_iter()
            .filter(|row| row["type"] == "withdrawal")
            .collect()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}

/// Whether `leyden audit` says that the books of a folder balance.
pub fn books_balance(folder: &Path) -> bool {
    let audit = Command::new(env!("CARGO_BIN_EXE_leyden"))
        .args(["audit", "--data-dir"])
        .arg(folder)
        .output()
        .expect("the audit runs");
    if !audit.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&audit.stdout));
    }
    audit.status.success()
}
