//! A database, the world around it, and what its customers ask of any of the processes.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use store::queries::audit::audit;
use store::queries::reopening::closed_by_crash;
use store::{StoreConfig, StoreError};
use testkit::Database;
use tokio::time::Instant;

use super::economy::Economy;
use super::process::Process;
use crate::sandbox::PATIENCE;

const SEED: [u8; 64] = [7; 64];
const CUSTOMERS: &str = "SELECT CAST(COALESCE(SUM(cr_posted - dr_posted), 0) AS BIGINT)
    FROM ledger_account WHERE bounded = 1";

pub struct Cluster {
    pub economy: Economy,
    database: Database,
    folder: tempfile::TempDir,
    http: reqwest::Client,
}

/// An account with a key.
#[derive(Debug, Clone)]
pub struct Account {
    pub key: String,
}

impl Cluster {
    /// A database whose node has a channel, and no process yet.
    pub fn new(database: Database) -> Self {
        let economy = Economy::on(database.store(), SEED);
        let folder = tempfile::tempdir().expect("a folder");
        let StoreConfig::Postgres { url, .. } = database.config() else {
            panic!("a PostgreSQL database");
        };
        let config = format!(
            "network = \"regtest\"\ndata_dir = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [database]\nurl = {url:?}\n[lightning]\nesplora_url = {:?}\nsync_seconds = 10\n",
            folder.path().display().to_string(),
            economy.esplora_url
        );
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("leyden.toml", &config).expect("a file");
        write("node-seed", &hex::encode(SEED)).expect("a file");
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        Self {
            economy,
            database,
            folder,
            http: http.expect("a client"),
        }
    }

    /// One more process.
    pub async fn start(&self, roles: &'static str) -> Process {
        self.start_with(roles, String::new()).await
    }

    /// One more process, with crash points in the form that the crate `fail` reads.
    pub async fn start_with(&self, roles: &'static str, crash_points: String) -> Process {
        let config: PathBuf = self.folder.path().join("leyden.toml");
        let started =
            tokio::task::spawn_blocking(move || Process::start(&config, roles, &crash_points));
        started.await.expect("a process that serves")
    }

    /// A call; `None` when the process is gone.
    pub async fn call(
        &self,
        process: &str,
        (method, path): (Method, &str),
        key: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let url = format!("{process}{path}");
        let request = self.http.request(method, url).bearer_auth(key).json(body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    async fn admin(&self, process: &str, path: &str, body: &Value) -> Value {
        let token = std::fs::read_to_string(self.folder.path().join("admin-token"));
        let token = token.expect("the admin token");
        let answer = self.call(process, (Method::POST, path), token.trim(), body);
        let (status, body) = answer.await.expect("an answer");
        assert_eq!(status, 201, "{body}");
        body
    }

    /// A fresh comparison of the books with the node. `None` while the process that runs the node does not answer.
    pub async fn verdict(&self, process: &str) -> Option<Value> {
        let path = "/admin/v1/reconciliation?everything=true";
        let token = std::fs::read_to_string(self.folder.path().join("admin-token"));
        let token = token.expect("the admin token");
        let nothing = json!({});
        let asked = self.call(process, (Method::GET, path), token.trim(), &nothing);
        asked
            .await
            .filter(|(status, _)| *status == 200)
            .map(|(_, verdict)| verdict)
    }

    /// How many channels crashes have closed, and how many of them are reopened, by the metrics.
    pub async fn crashed_channels(&self) -> (i64, i64) {
        let counted = self.database.store().read_async(closed_by_crash).await;
        counted.expect("a count")
    }

    /// An account with a key, without money.
    pub async fn account(&self, process: &str, name: &str) -> Account {
        let body = json!({ "name": name });
        let made = self.admin(process, "/admin/v1/accounts", &body).await;
        let id = made["id"].as_str().expect("an id").to_owned();
        let body = json!({ "name": name, "account_id": id });
        let key = self.admin(process, "/admin/v1/keys", &body).await;
        Account {
            key: key["key"].as_str().expect("a key").to_owned(),
        }
    }

    /// An invoice of ours for `account`; `None` when it was not made.
    pub async fn invoice(&self, process: &str, account: &Account, sats: i64) -> Option<String> {
        let body = json!({ "amount": sats, "currency": "sats", "description": "x" });
        let path = (Method::POST, "/v1/bitcoin/deposit/lightning-invoice");
        let (status, answer) = self.call(process, path, &account.key, &body).await?;
        (status == 201).then(|| {
            let invoice = answer["data"]["payment_request"].as_str();
            invoice.expect("an invoice").to_owned()
        })
    }

    /// Pays `sats` to an account by Lightning, and waits until it has them.
    pub async fn fund(&self, process: &str, account: &Account, sats: i64) {
        let invoice = self.invoice(process, account, sats).await;
        let invoice = invoice.expect("an invoice");
        // A node takes no payment in its first two seconds.
        let paid = until("the payment is under way", async || {
            tokio::task::block_in_place(|| self.economy.pay(&invoice)).then_some(())
        });
        paid.await;
        until("the money", async || {
            (self.balance_sat(process, account).await == sats).then_some(())
        })
        .await;
    }

    /// What an account can spend.
    pub async fn balance_sat(&self, process: &str, account: &Account) -> i64 {
        let path = (Method::GET, "/v1/transactions/balance");
        let answer = self.call(process, path, &account.key, &json!({})).await;
        let (_, answer) = answer.expect("an answer");
        answer["data"]["balance_msat"].as_i64().expect("a balance") / 1_000
    }

    /// Asks for a withdrawal; `None` when the process is gone.
    pub async fn withdraw(
        &self,
        process: &str,
        account: &Account,
        destination: &str,
        sats: i64,
    ) -> Option<(u16, Value)> {
        let body = json!({ "destination": destination, "amount": sats, "currency": "sats" });
        let path = (Method::POST, "/v1/bitcoin/withdraw/confirm");
        self.call(process, path, &account.key, &body).await
    }

    /// Every withdrawal of an account: its destination, and where it stands.
    pub async fn withdrawals(&self, process: &str, account: &Account) -> Vec<(String, String)> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/transactions?limit=1000{cursor}");
            let (of_page, nothing) = ((Method::GET, path.as_str()), json!({}));
            let page = self.call(process, of_page, &account.key, &nothing).await;
            let (_, page) = page.expect("an answer");
            for row in page["data"].as_array().expect("a list") {
                if row["type"] == "withdrawal" {
                    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                    rows.push((text("recipient"), text("status")));
                }
            }
            let Some(next) = page["next_cursor"].as_str() else {
                return rows;
            };
            cursor = format!("&cursor={next}");
        }
    }

    /// What all customers have together, held or not, in one snapshot.
    pub async fn customers_msat(&self) -> i64 {
        let sum = self.database.store().read_async(|tx| {
            let rows = tx.query(CUSTOMERS, &[])?;
            rows[0].int(0)
        });
        let sum: Result<i64, StoreError> = sum.await;
        sum.expect("a sum")
    }

    /// Audits the books in one snapshot.
    pub async fn audit(&self) {
        let verdict = self.database.store().read_async(audit).await;
        let verdict = verdict.expect("the books can be read");
        assert!(verdict.holds(), "{verdict:#?}");
    }
}

/// Looks until `look` finds something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs a case on a database of its own.
pub fn run(case: impl AsyncFnOnce(&Cluster)) {
    let Some(database) = testkit::postgres() else {
        return;
    };
    let cluster = Cluster::new(database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // Nodes and databases cannot be dropped on a runtime.
    runtime.block_on(case(&cluster));
}
