//! The sandbox: a whole Lightning economy in one process, in which payments are real.
//!
//! A regtest chain, our node under the real server, a counterparty node that can be told what to do, and a router with
//! two more nodes behind it. Nothing in it is shared with a server that moves real money, except the server itself.

mod channels;
mod counterparty;
mod credentials;
mod economy;
mod error;
mod funding;
mod held;
mod http;
mod invoice;
mod nodes;
mod router;
mod session;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use onchain::{OnchainWallet, WalletKeys};
use payments::fee_policy::FeePolicy;
use payments::network::Network;
use payments::onchain::ConfirmationPolicy;
use rail_ldk::LdkRail;
use store::acts::onchain::wallet::KeepWalletError;
use store::{OpenError, Store, StoreConfig};
use tokio::net::TcpListener;
use wire::sandbox::Ready;

use self::credentials::Credentials;
use self::economy::Economy;
use self::error::EconomyError;
use crate::app::App;
use crate::node_role::{self, NodeRoleError};
use crate::own_addresses::without_database;
use crate::roles::Roles;
use crate::sealing::{self, SealingError};
use crate::secret_file::SecretFileError;
use crate::serving::{ServeError, ServeOptions, Serving, serve};
use crate::workers::onchain::ChainWatcher;
use crate::workers::reconciler::Pace;

/// How often the wallet looks at the chain by itself; every call that changes the chain lets it look.
const CHAIN_LOOK: Duration = Duration::from_millis(500);

/// What the sandbox is told.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The database of the books and of our node's state.
    pub database: StoreConfig,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The database.
    #[error("the database of the sandbox cannot be opened")]
    Open(#[from] OpenError),
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] SecretFileError),
    /// The credentials' file is not what the sandbox wrote.
    #[error("sandbox.json is not what the sandbox wrote: move it away to begin anew")]
    NotCredentials(#[source] serde_json::Error),
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on: choose another with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The seeds are not what the sandbox wrote.
    #[error("sandbox.json holds no seeds: move the folder away to begin anew")]
    Seeds,
    /// No port of this machine is free for a node.
    #[error("no port is free for a node of the sandbox")]
    Port(#[source] std::io::Error),
    /// The chain or the nodes.
    #[error(transparent)]
    Economy(#[from] EconomyError),
    /// The lease of our node.
    #[error(transparent)]
    Lease(#[from] NodeRoleError),
    /// The on-chain wallet.
    #[error(transparent)]
    Wallet(#[from] onchain::StartError),
    /// The books of the on-chain wallet.
    #[error(transparent)]
    KeepWallet(#[from] KeepWalletError),
    /// The key of the webhooks' secrets.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The server.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A part of the start panicked.
    #[error("a part of the start failed")]
    Panicked(#[from] tokio::task::JoinError),
    /// The account could not be made or funded.
    #[error("the sandbox's account could not be made: {what}")]
    Account {
        /// At which step.
        what: &'static str,
    },
}

/// A sandbox that runs.
pub struct Sandbox {
    /// What clients need to know.
    pub ready: Ready,
    economy: Arc<Economy>,
    serving: Serving,
    esplora: tokio::task::JoinHandle<()>,
}

/// Starts the sandbox; `progress` is told of each step.
///
/// # Errors
/// [`SandboxError`].
pub async fn start(
    options: SandboxOptions,
    progress: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Sandbox, SandboxError> {
    let progress = Arc::new(progress);
    let (data_dir, database) = (options.data_dir.clone(), options.database.clone());
    let listener = listen(options.listen).await?;
    let esplora_listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let esplora_address = local(&esplora_listener)?;

    progress("opening the chain and the books");
    let (chain, store, mut credentials, places) = tokio::task::spawn_blocking(move || {
        // The chain's lock comes first: two sandboxes on one folder must not mix their credentials.
        let chain = economy::open_chain(&data_dir)?;
        let mut credentials = Credentials::open(&data_dir)?;
        let places = credentials.places()?;
        let store = Store::open(&database)?;
        Ok::<_, SandboxError>((chain, store, credentials, places))
    })
    .await??;
    let esplora = serve_esplora(esplora_listener, chain.clone());
    let keys = places.node.wallet_keys().ok_or(SandboxError::Seeds)?;

    let app = App::new(store.clone(), Network::Regtest, FeePolicy::default());
    let sealing = sealing::key(&store, &options.data_dir).await?;
    // A sandbox on PostgreSQL that was killed has left its lease behind.
    let leased = node_role::lease(&store).await?;
    progress("starting the nodes");
    let node_progress = Arc::clone(&progress);
    let data_dir = options.data_dir.clone();
    let (economy, node) = tokio::task::spawn_blocking(move || {
        let url = format!("http://{esplora_address}");
        let (economy, node) = economy::start(&data_dir, (&app, leased), chain, &url, places)?;
        economy.settle_channels(&node, node_progress.as_ref())?;
        economy.is_settled();
        Ok::<_, SandboxError>((economy, node))
    })
    .await??;
    let economy = Arc::new(economy);
    funding::account(&node, &mut credentials).await?;
    let egress = without_database(webhooks::EgressPolicy::sandbox(), &options.database).await;
    let serve_options = how_to_serve(&credentials, egress, sealing);
    let watcher = watcher(&node.app, &keys, &format!("http://{esplora_address}")).await?;
    let mut serving = {
        let (economy, watcher) = (Arc::clone(&economy), Arc::clone(&watcher));
        serve(node.app.clone(), serve_options, listener, |state| {
            http::router(economy, watcher, state)
        })?
    };
    let node_app = node.clone();
    serving.run_node(node)?;
    funding::deposit(&serving.app, &economy, &credentials, progress.as_ref()).await?;
    let view = LdkRail::new(Arc::clone(&economy.node));
    // The sandbox opens its channels itself.
    serving.operate(&node_app, Arc::new(view.clone()), false);
    serving.reconcile(&node_app, Arc::new(view), Pace::default());
    serving.watch_chain(watcher, CHAIN_LOOK);
    let ready = ready(serving.address, esplora_address, &credentials);
    Ok(Sandbox {
        ready,
        economy,
        serving,
        esplora,
    })
}

fn how_to_serve(
    credentials: &Credentials,
    egress: webhooks::EgressPolicy,
    sealing: webhooks::SealingKey,
) -> ServeOptions {
    ServeOptions {
        roles: Roles::all(),
        hub_format: wire::hercle::DataFormat::Object,
        egress,
        admin_token: credentials.admin_token().to_owned(),
        sealing,
        keep_node_records: jiff::SignedDuration::from_hours(24),
        trusted_proxies: Default::default(),
        requests_per_second: None,
        is_sandbox: true,
    }
}

/// The customers' on-chain wallet, over the sandbox's chain.
async fn watcher(
    app: &App,
    keys: &WalletKeys,
    url: &str,
) -> Result<Arc<ChainWatcher>, SandboxError> {
    let wallet = Arc::new(OnchainWallet::new(keys, url)?);
    let app = app.clone();
    let begun = tokio::task::spawn_blocking(move || {
        ChainWatcher::begin(app, wallet, ConfirmationPolicy::default())
    });
    Ok(Arc::new(begun.await??))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, SandboxError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| SandboxError::Listen { address, source })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, SandboxError> {
    listener
        .local_addr()
        .map_err(|source| SandboxError::Serve(ServeError::Listener(source)))
}

fn serve_esplora(listener: TcpListener, chain: devchain::Chain) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, devchain::esplora::router(chain)).await {
            tracing::error!(%error, "the chain's API ended");
        }
    })
}

fn ready(address: SocketAddr, esplora: SocketAddr, credentials: &Credentials) -> Ready {
    let api_url = format!("http://{address}");
    Ready {
        hub_url: format!("{api_url}{}", crate::hub::PATH),
        console_url: format!("{api_url}/"),
        sandbox_url: format!("{api_url}/sandbox"),
        esplora_url: format!("http://{esplora}"),
        api_key: credentials.api_key().unwrap_or_default().to_owned(),
        account_id: credentials.account_id().unwrap_or_default().to_owned(),
        admin_token: credentials.admin_token().to_owned(),
        network: "regtest",
        api_url,
    }
}

impl Sandbox {
    /// Stops in order: the server, our node, the counterparty, the books.
    pub async fn stop(self) {
        let store = self.serving.app.store.clone();
        self.serving.stop().await;
        let economy = self.economy;
        let stopped = tokio::task::spawn_blocking(move || {
            economy.stop();
            store.close();
        });
        if stopped.await.is_err() {
            tracing::error!("the sandbox did not stop cleanly");
        }
        self.esplora.abort();
    }
}
