//! [`TestServer`]: the real server over a fake rail, on a loopback port, started and stopped by the test.
//!
//! Every stop audits the books. Nothing here may reach around the server's own interfaces, except to make accounts,
//! keys and opening balances.

mod books;
mod customer;
mod payments;
mod trouble;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::payments::fee_policy::FeePolicy;
use ::payments::ids::Ids;
use ::payments::network::Network;
use ::payments::onchain::ConfirmationPolicy;
use ::payments::ports::Clock;
use axum::Router;
use axum::http::Method;
use jiff::Timestamp;
use server::app::{App, NodeApp};
use server::http::client_address::TrustedProxies;
use server::own_addresses::without_database;
use server::roles::{Role, Roles};
use server::serving::{Clients, ServeOptions, Serving, serve};
use server::workers::onchain::{ChainWatcher, LookError};
use server::workers::reconciler::Pace;
use store::testing::Database;
use store::{Store, StoreConfig};
use tokio::net::TcpListener;
use webhooks::{EgressPolicy, SealingKey};
use wire::hercle::DataFormat;

pub use self::customer::{Customer, Webhook};
pub use self::trouble::LockedTable;
use crate::chain::FakeChain;
use crate::clock::FakeClock;
use crate::entropy::SeededEntropy;
use crate::rail::FakeRail;
use crate::rest::{Call, Http, http};

/// The admin token of every test server.
pub const ADMIN_TOKEN: &str = "the-admin-token-of-the-tests";

/// How a test server is set up; changed settings hold from the next start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the hub writes `data` for connections that do not choose.
    pub hub_format: DataFormat,
    /// Where webhooks may go.
    pub egress: EgressPolicy,
    /// The fees.
    pub fees: FeePolicy,
    /// What the process does.
    pub roles: Roles,
    /// How often the books are compared with the node; `None`: never, because most cases do not say what it has.
    pub reconcile: Option<Pace>,
    /// Whether a channel that a crash has closed is reopened.
    pub reopen: bool,
    /// The proxies in front whose word on who calls counts.
    pub trusted_proxies: TrustedProxies,
    /// How often a key may call in a second.
    pub requests_per_second: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hub_format: DataFormat::Object,
            egress: EgressPolicy::sandbox(),
            fees: FeePolicy::default(),
            roles: Roles::all(),
            reconcile: None,
            reopen: true,
            trusted_proxies: TrustedProxies::default(),
            requests_per_second: None,
        }
    }
}

/// A server that a test drives.
pub struct TestServer {
    /// The clock that the server goes by.
    pub clock: Arc<FakeClock>,
    /// The node under it.
    pub rail: Arc<FakeRail>,
    /// The chain under it.
    pub chain: Arc<FakeChain>,
    /// How the next start sets it up.
    pub settings: Settings,
    entropy: Arc<SeededEntropy>,
    config: StoreConfig,
    store: Store,
    serving: Option<Serving>,
    watcher: Option<Arc<ChainWatcher>>,
    http: Http,
}

impl TestServer {
    /// Serves on `database`.
    pub(crate) async fn start(database: &Database) -> Self {
        let clock = Arc::new(FakeClock::default());
        let mut server = Self::over(database.config().clone(), database.store().clone(), clock);
        server.serve().await;
        server
    }

    /// Serves on the database that `config` names.
    pub(crate) async fn start_with(config: StoreConfig) -> Self {
        let store = open(config.clone()).await;
        let mut server = Self::over(config, store, Arc::new(FakeClock::default()));
        server.serve().await;
        server
    }

    /// Another server on the same database and under the same clock, with a node of its own. PostgreSQL only.
    ///
    /// # Panics
    /// When the database cannot be opened twice.
    pub async fn beside(&self) -> Self {
        self.beside_as(self.settings.roles.clone()).await
    }

    /// As [`TestServer::beside`], a server that does this only.
    ///
    /// # Panics
    /// When the database cannot be opened twice.
    pub async fn beside_as(&self, roles: Roles) -> Self {
        let store = open(self.config.clone()).await;
        let mut server = Self::over(self.config.clone(), store, Arc::clone(&self.clock));
        server.settings = Settings {
            roles,
            ..self.settings.clone()
        };
        server.serve().await;
        server
    }

    fn over(config: StoreConfig, store: Store, clock: Arc<FakeClock>) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        Self {
            rail: Arc::new(FakeRail::new(Arc::clone(&clock))),
            chain: Arc::default(),
            watcher: None,
            clock,
            settings: Settings::default(),
            entropy: Arc::new(SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed))),
            config,
            store,
            serving: None,
            http: http(),
        }
    }

    async fn serve(&mut self) {
        let network = Network::Regtest;
        let app = App {
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            ids: Ids::new(self.clock.clone(), self.entropy.clone()),
            ..App::new(self.store.clone(), network, self.settings.fees)
        };
        let options = ServeOptions {
            roles: self.settings.roles.clone(),
            hub_format: self.settings.hub_format,
            egress: without_database(self.settings.egress.clone(), &self.config).await,
            admin_token: ADMIN_TOKEN.to_owned(),
            sealing: SealingKey::new([9; 32]),
            keep_node_records: jiff::SignedDuration::from_hours(24),
            trusted_proxies: self.settings.trusted_proxies.clone(),
            requests_per_second: self.settings.requests_per_second,
            is_sandbox: false,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let served = serve(app.clone(), options, listener, |_| Router::new());
        let mut serving = served.unwrap_or_else(|error| panic!("{error}"));
        if self.settings.roles.has(Role::Node) {
            let rail = self.rail.clone();
            let node = NodeApp { app, rail };
            let started = serving.run_node(node.clone());
            started.unwrap_or_else(|error| panic!("{error}"));
            self.watcher = Some(self.begin_to_watch(&node).await);
            serving.operate(&node, self.rail.clone(), self.settings.reopen);
            if let Some(pace) = self.settings.reconcile {
                serving.reconcile(&node, self.rail.clone(), pace);
            }
        }
        self.serving = Some(serving);
    }

    /// The chain is looked at only when a case says so.
    async fn begin_to_watch(&self, node: &NodeApp) -> Arc<ChainWatcher> {
        let (app, chain) = (node.app.clone(), Arc::clone(&self.chain));
        let policy = ConfirmationPolicy::default();
        let begun = tokio::task::spawn_blocking(move || ChainWatcher::begin(app, chain, policy));
        let begun = begun.await.expect("no panic");
        Arc::new(begun.expect("the same wallet as before"))
    }

    /// Lets the wallet look at the chain.
    ///
    /// # Errors
    /// As the look has them.
    ///
    /// # Panics
    /// When the server runs no node.
    pub async fn look_at_the_chain(&self) -> Result<(), LookError> {
        let watcher = Arc::clone(self.watcher.as_ref().expect("a server with a node"));
        let looked = tokio::task::spawn_blocking(move || watcher.look());
        looked.await.expect("no panic")
    }

    fn serving(&self) -> &Serving {
        self.serving.as_ref().expect("a server that runs")
    }

    /// Stops in order and audits the books.
    ///
    /// # Panics
    /// When an invariant is broken.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop().await;
        }
        self.audit();
        let store = self.store.clone();
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed.expect("a store that closes");
    }

    /// Stops, and starts again on the same database with the settings as they stand now, on another port. The node
    /// under it goes on.
    ///
    /// # Panics
    /// When an invariant is broken, or it does not start.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.store = open(self.config.clone()).await;
        self.serve().await;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.serving().address
    }

    /// The clients of the hub, wherever they are connected.
    ///
    /// # Panics
    /// When it does not run, or has no hub.
    #[must_use]
    pub fn clients(&self) -> Clients {
        self.serving().clients().expect("a hub")
    }

    /// A call of `path`, which begins with `/`.
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url = format!("http://{}{path}", self.address());
        Call::new(self.http.clone(), method, &url)
    }

    /// A GET of `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST to `path`.
    #[must_use]
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Opening blocks, and the PostgreSQL client refuses to do so on a thread of the runtime.
async fn open(config: StoreConfig) -> Store {
    let opened = tokio::task::spawn_blocking(move || Store::open(&config)).await;
    opened
        .expect("a store that opens or says why not")
        .expect("the same database again")
}
