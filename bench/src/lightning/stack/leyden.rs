//! The whole server in this process, over a node of its own, with the channel that the payee opened to it.
//!
//! It is started as `leyden serve` starts it, except that its webhooks may go to loopback and that it looks at the
//! chain when it is told to. Everything after the start goes over its sockets, as its users' calls do.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ldk_node::lightning_invoice::Bolt11Invoice;
use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::network::Network;
use payments::ports::{Entropy, SystemEntropy};
use rail_ldk::{LdkNode, NodeConfig, NodeSeed, SocketAddress};
use reqwest::{Client, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::app::App;
use server::compose::{NODE, compose};
use server::roles::Roles;
use server::serving::{ServeOptions, Serving, serve};
use store::{LeaseOptions, Store, StoreConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::StackError;
use crate::lightning::LightningError;
use crate::lightning::nodes::{PUSHED_SAT, Payee, wait_until};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the account begins with.
const FUNDS_SAT: u64 = 1_000_000;
/// LDK takes no payment in the first two seconds after its start.
const FORWARDING_DELAY: Duration = Duration::from_millis(2_500);
const ADMIN_TOKEN: &str = "the-admin-token-of-the-benchmark";

/// A running server with one funded account.
pub struct Leyden {
    /// Where it listens (http).
    pub url: String,
    /// The key of its account.
    pub api_key: String,
    http: Client,
    serving: Serving,
    node: Arc<LdkNode>,
    store: Store,
    runtime: Runtime,
    _folder: TempDir,
}

impl Leyden {
    /// Starts one on a fresh database, with a channel from `payee` and a deposit by it.
    pub fn start(payee: &Payee) -> Result<Self, LightningError> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("leyden.db");
        let store = Store::open(&StoreConfig::SqliteFile(file)).map_err(StackError::from)?;
        let app = App::new(store.clone(), Network::Regtest, FeePolicy::default());
        let leased = store
            .lease_node(NODE, LeaseOptions::default())
            .map_err(|error| StackError::Compose(Box::new(error)))?;
        let composed = compose(&app, leased, &node_config(payee))
            .map_err(|error| StackError::Compose(Box::new(error)))?;
        let node = composed.node;
        open_channel(payee, &node, &store, &app.acting())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let options = ServeOptions {
            roles: Roles::all(),
            hub_format: wire::hercle::DataFormat::Object,
            egress: webhooks::EgressPolicy::sandbox(),
            admin_token: ADMIN_TOKEN.to_owned(),
            sealing: webhooks::SealingKey::new(crate::books::SEALING_KEY),
            keep_node_records: jiff::SignedDuration::from_hours(24),
            trusted_proxies: Default::default(),
            requests_per_second: None,
            is_sandbox: false,
        };
        let mut serving = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let served = serve(composed.app.app.clone(), options, listener, |_| {
                Router::new()
            });
            served.map_err(|error| StackError::Serve(Box::new(error)))
        })?;
        let running = runtime.block_on(async { serving.run_node(composed.app) });
        running.map_err(|error| StackError::Serve(Box::new(error)))?;
        let http = Client::builder().timeout(PATIENCE).build();
        let mut leyden = Self {
            url: format!("http://{}", serving.address),
            api_key: String::new(),
            http: http.map_err(StackError::from)?,
            serving,
            node,
            store,
            runtime,
            _folder: folder,
        };
        leyden.make_account(payee)?;
        Ok(leyden)
    }

    /// Where its hub is (http).
    pub fn hub_url(&self) -> String {
        format!("{}{}", self.url, server::hub::PATH)
    }

    /// Has every event sent to `url`.
    pub async fn register_webhook(&self, url: &str) -> Result<(), StackError> {
        let body = json!({"url": url});
        let _: Value = self.post("/admin/v1/webhooks", ADMIN_TOKEN, &body).await?;
        Ok(())
    }

    /// Fails unless every invariant of the books holds.
    pub async fn audit(&self) -> Result<(), StackError> {
        let url = format!("{}/admin/v1/audit", self.url);
        let request = self.http.get(url).bearer_auth(ADMIN_TOKEN);
        let report: Value = read("/admin/v1/audit", request.send().await?).await?;
        if report["holds"] != true {
            return Err(StackError::Audit(report));
        }
        Ok(())
    }

    /// How many transactions its database has committed.
    pub fn commits(&self) -> u64 {
        self.store.commits()
    }

    /// Stops it in order.
    pub fn stop(self) -> Result<(), StackError> {
        self.runtime.block_on(self.serving.stop());
        self.node
            .stop()
            .map_err(|error| StackError::Compose(Box::new(error)))?;
        self.store.close();
        self.runtime.shutdown_background();
        Ok(())
    }

    fn make_account(&mut self, payee: &Payee) -> Result<(), LightningError> {
        let made = self.runtime.block_on(async {
            let name = json!({"name": "bench"});
            let _: Value = self.post("/admin/v1/accounts", ADMIN_TOKEN, &name).await?;
            let key: Value = self.post("/admin/v1/keys", ADMIN_TOKEN, &name).await?;
            let key = text(&key, "key")?;
            let path = "/v1/bitcoin/deposit/lightning-invoice";
            let body = json!({"amount": FUNDS_SAT, "currency": "sats", "description": "bench"});
            let invoice: Value = self.post(path, &key, &body).await?;
            tokio::time::sleep(FORWARDING_DELAY).await;
            Ok::<_, StackError>((key, text(&invoice["data"], "payment_request")?))
        });
        let (key, invoice) = made?;
        self.api_key = key;
        let invoice: Bolt11Invoice = invoice.parse().map_err(|_| LightningError::Address)?;
        payee.node.node.bolt11_payment().send(&invoice, None)?;
        wait_until("the first deposit", || {
            let balance = self.runtime.block_on(self.balance_sat());
            balance.is_ok_and(|balance| balance == FUNDS_SAT as f64)
        })
    }

    async fn balance_sat(&self) -> Result<f64, StackError> {
        let path = "/v1/transactions/balance";
        let request = self.http.get(format!("{}{path}", self.url));
        let body: Value = read(path, request.bearer_auth(&self.api_key).send().await?).await?;
        Ok(body["data"]["balance"].as_f64().unwrap_or_default())
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &'static str,
        token: &str,
        body: &Value,
    ) -> Result<T, StackError> {
        let request = self.http.post(format!("{}{path}", self.url));
        read(path, request.bearer_auth(token).json(body).send().await?).await
    }
}

fn node_config(payee: &Payee) -> NodeConfig {
    let mut seed = [0; 64];
    SystemEntropy.fill(&mut seed);
    let seed = NodeSeed::Entropy(Box::new(seed));
    let mut config = NodeConfig::new(Network::Regtest, &payee.chain.esplora_url, seed);
    config.background_sync = None;
    config.trusted_peers_no_reserve = vec![payee.node.node.node_id()];
    config
}

/// The channel, booked as the sandbox books it: what was pushed is the operator's own money.
fn open_channel(
    payee: &Payee,
    node: &LdkNode,
    store: &Store,
    act: &store::acts::ActContext,
) -> Result<(), LightningError> {
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| StackError::Compose(error);
    node.connect(
        payee.node.node.node_id(),
        SocketAddress::from(payee.address),
    )
    .map_err(|error| refused(Box::new(error)))?;
    payee.open_channel(
        node.node_id(),
        || {
            Ok(node
                .sync_wallets()
                .map_err(|error| refused(Box::new(error)))?)
        },
        || node.channels().iter().any(|channel| channel.is_usable),
    )?;
    let funding = node.channels().iter().find_map(|channel| channel.funding);
    let funding = funding.ok_or(LightningError::TimedOut("the funding output"))?;
    let id = bitcoin::consensus::serialize(&funding);
    let pushed = i64::try_from(PUSHED_SAT)
        .ok()
        .and_then(|sat| Msat::from_sat(sat).ok());
    let pushed = pushed.ok_or(LightningError::Address)?;
    let act = act.clone();
    store
        .write(move |tx| store::acts::capital::add_capital(tx, &act, id.clone(), pushed).map(drop))
        .map_err(|error: store::acts::posting::PostError| refused(Box::new(error)))?;
    Ok(())
}

fn text(body: &Value, name: &'static str) -> Result<String, StackError> {
    let text = body[name].as_str().map(str::to_owned);
    text.ok_or(StackError::Missing(name))
}

async fn read<T: DeserializeOwned>(path: &'static str, answer: Response) -> Result<T, StackError> {
    let status = answer.status();
    if !status.is_success() {
        return Err(StackError::Refused {
            path,
            status: status.as_u16(),
            body: answer.text().await?,
        });
    }
    Ok(answer.json().await?)
}
