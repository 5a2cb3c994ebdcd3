//! A sandbox as a child process, at a place that outlives it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::place::Place;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How many starts in a row may die before that is a failure.
const STARTS: u32 = 5;

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
    /// Starts it, and waits for its line. A start after a kill may die in LDK (one of the nodes finds the updates of a
    /// closed channel out of order), and the next one gets further, as it would under a supervisor.
    pub fn start(place: &Place) -> Self {
        let mut starts = (1..=STARTS).filter_map(|start| {
            let sandbox = Self::start_with(place, "");
            if sandbox.is_none() {
                eprintln!("start {start} of {STARTS} died");
            }
            sandbox
        });
        starts
            .next()
            .expect("a sandbox that is ready and says so in JSON")
    }

    /// Starts it with crash points, in the form that the crate `fail` reads; `None` when it died before it was ready.
    pub fn start_with(place: &Place, crash_points: &str) -> Option<Self> {
        let log = "error,store=off,ldk_node=off,server=off";
        Self::launch(place, crash_points, (log, Stdio::inherit()))
    }

    /// Starts it with everything logged, into a file.
    pub fn start_talking(place: &Place, file: std::fs::File) -> Self {
        Self::launch(place, "", ("trace", file.into())).expect("a sandbox that is ready")
    }

    fn launch(place: &Place, crash_points: &str, (log, words): (&str, Stdio)) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leyden"));
        command
            .args(["--log", log, "sandbox"])
            .args(["--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(place.folder())
            .env("FAILPOINTS", crash_points);
        if let Some(url) = place.url() {
            command.args(["--database", url]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(words)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its output is read");
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        let mut sandbox = Self {
            child,
            ready: Value::Null,
            http: http.expect("a client"),
        };
        sandbox.ready = serde_json::from_str(&line).ok()?;
        Some(sandbox)
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is gone");
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    pub fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text of the ready line")
    }

    /// A call with the admin token; `None` when the server is gone.
    pub async fn admin(&self, method: Method, path: &str, body: &Value) -> Option<Value> {
        self.call(method, path, body, self.text("admin_token"))
            .await
    }

    /// A call of the customer; `None` when the server is gone.
    pub async fn customer(&self, method: Method, path: &str, body: &Value) -> Option<Value> {
        self.call(method, path, body, self.text("api_key")).await
    }

    async fn call(&self, method: Method, path: &str, body: &Value, token: &str) -> Option<Value> {
        let url = format!("{}{path}", self.text("api_url"));
        let request = self.http.request(method, url).bearer_auth(token).json(body);
        request.send().await.ok()?.json().await.ok()
    }

    /// An invoice of the counterparty.
    pub async fn invoice(&self, amount_sat: i64, behaviour: &str) -> Option<String> {
        let body =
            json!({ "amount_sats": amount_sat, "behaviour": behaviour, "expiry_seconds": 86_400 });
        let made = self.admin(Method::POST, "/sandbox/invoice", &body).await?;
        Some(made["payment_request"].as_str()?.to_owned())
    }

    /// Asks `condition` until it holds.
    pub async fn until(&self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let started = Instant::now();
        while !condition(self).await {
            assert!(started.elapsed() < PATIENCE, "{what} did not come true");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every transaction of the account, newest first.
    pub async fn transactions(&self) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/transactions?limit=1000{cursor}");
            let page = self.customer(Method::GET, &path, &json!({})).await;
            let page = page.expect("the server answers");
            rows.extend(page["data"].as_array().expect("a list").iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else {
                return rows;
            };
            cursor = format!("&cursor={next}");
        }
    }

    /// Every withdrawal of the account.
    pub async fn withdrawals(&self) -> Vec<Value> {
        let mut rows = self.transactions().await;
        rows.retain(|row| row["type"] == "withdrawal");
        rows
    }
}
