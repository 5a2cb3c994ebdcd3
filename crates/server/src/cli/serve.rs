//! `leyden serve`.

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use bitcoin::secp256k1::PublicKey;
use clap::Args;
use jiff::SignedDuration;
use onchain::{OnchainWallet, WalletKeys};
use payments::ports::SystemEntropy;
use rail_ldk::{LdkRail, NodeConfig, NodeSeed, SyncIntervals};
use store::Store;
use store::queries::node::node_key;
use tokio::net::TcpListener;

use super::{CliError, ConfigArgs, print, shutdown};
use crate::app::{App, NodeApp};
use crate::compose::NODE;
use crate::config::{self, Config};
use crate::http::client_address::TrustedProxies;
use crate::node_role::RunningNode;
use crate::own_addresses::without_database;
use crate::roles::{Role, Roles};
use crate::sealing;
use crate::secret_file::{hex_or_new, private_folder};
use crate::serving::{ServeOptions, Serving, serve};
use crate::workers::onchain::ChainWatcher;
use crate::workers::reconciler::Pace;

/// How to serve.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What this process does, instead of what the configuration says: api, node, worker. Anything but all of them
    /// needs PostgreSQL.
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',')]
    roles: Option<Vec<Role>>,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, CliError> {
    let mut config = config::load(args.config.config.as_deref())?;
    if let Some(roles) = &args.roles {
        config = config.with_roles(Roles::only(roles))?;
    }
    private_folder(&config.data_dir)?;
    let listener = TcpListener::bind(config.server.listen).await?;
    let token: [u8; 32] = hex_or_new(&config.admin_token_file(), &SystemEntropy)?;
    let database = config.store();
    let store = tokio::task::spawn_blocking(move || Store::open(&database)).await??;
    let known = store.read_async(|tx| node_key(tx, NODE)).await?;
    let node_config = match config.roles.has(Role::Node) {
        true => Some(node_config(&config, known)?),
        false => None,
    };
    let app = App::new(store.clone(), config.network()?, config.fees.policy()?);
    let options = ServeOptions {
        roles: config.roles.clone(),
        hub_format: config.hub.format(),
        egress: without_database(config.webhooks.egress()?, &config.store()).await,
        admin_token: hex::encode(token),
        sealing: sealing::key(&store, &config.data_dir).await?,
        keep_node_records: SignedDuration::from_hours(config.lightning.keep_records_hours.into()),
        trusted_proxies: TrustedProxies::new(config.server.trusted_proxies.clone()),
        requests_per_second: Some(config.server.requests_per_second),
        is_sandbox: false,
    };
    let node = serve_until_told(app, options, listener, node_config, &config).await?;
    tokio::task::spawn_blocking(move || {
        if let Some(node) = node {
            node.stop();
        }
        store.close();
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal comes. Gives back the node, which outlives its workers.
async fn serve_until_told(
    app: App,
    options: ServeOptions,
    listener: TcpListener,
    node_config: Option<NodeConfig>,
    config: &Config,
) -> Result<Option<RunningNode>, CliError> {
    let waits = app.store.is_shared();
    let wallet = node_config.as_ref().map(|node| wallet(config, node));
    let wallet = wallet.transpose()?;
    let mut starting = std::pin::pin!(async {
        match node_config {
            Some(node) => RunningNode::start(&app, node).await.map(Some),
            None => Ok(None),
        }
    });
    // With SQLite nobody else can have the node, and nothing is served before it runs. With PostgreSQL another
    // process may run it for as long as it likes.
    let first = if waits {
        None
    } else {
        starting.as_mut().await?
    };
    let mut serving = serve(app.clone(), options, listener, |_| Router::new())?;
    announce(config, &serving.address.to_string());
    let node = if waits {
        tokio::select! {
            started = starting => started?,
            () = shutdown::requested() => {
                print::note("stopping");
                serving.stop().await;
                return Ok(None);
            }
        }
    } else {
        first
    };
    if let Some(node) = &node {
        watch_chain(&serving, &node.app, wallet, config).await?;
        print::note(&format!("  node         {}", node.node.node_id()));
        serving.run_node(node.app.clone())?;
        let view = LdkRail::new(Arc::clone(&node.node));
        let reopen = config.lightning.reopen_channels_after_crash;
        serving.operate(&node.app, Arc::new(view.clone()), reopen);
        serving.reconcile(&node.app, Arc::new(view), Pace::default());
    }
    shutdown::requested().await;
    print::note("stopping");
    serving.stop().await;
    Ok(node)
}

/// The customers' wallet, on a branch of the node's seed.
fn wallet(config: &Config, node: &NodeConfig) -> Result<OnchainWallet, CliError> {
    let NodeSeed::Entropy(seed) = &node.seed else {
        return Err("the node's seed is not 64 bytes".into());
    };
    let keys = WalletKeys::of_seed(node.network, seed.as_slice())?;
    let own = config.onchain.esplora_url();
    let url = own.map_or(node.esplora_url.as_str(), |own| own.trim_end_matches('/'));
    Ok(OnchainWallet::new(&keys, url)?)
}

/// Looks for the customers' coins from now on, beside the node.
async fn watch_chain(
    serving: &Serving,
    node: &NodeApp,
    wallet: Option<OnchainWallet>,
    config: &Config,
) -> Result<(), CliError> {
    let Some(wallet) = wallet else { return Ok(()) };
    let (app, policy) = (node.app.clone(), config.onchain.policy()?);
    let begun =
        tokio::task::spawn_blocking(move || ChainWatcher::begin(app, Arc::new(wallet), policy));
    serving.watch_chain(Arc::new(begun.await??), config.onchain.look_every());
    Ok(())
}

/// `known` is the node that has run on the database before: its seed is never made anew.
fn node_config(config: &Config, known: Option<PublicKey>) -> Result<NodeConfig, CliError> {
    let file = config.data_dir.join("node-seed");
    if let Some(known) = known
        && !file.exists()
    {
        let file = file.display();
        return Err(
            format!("the database is that of the node {known}: copy its seed to {file}").into(),
        );
    }
    let seed = hex_or_new(&file, &SystemEntropy)?;
    let esplora = config.lightning.esplora_url.trim_end_matches('/');
    let seed = NodeSeed::Entropy(Box::new(seed));
    let mut node = NodeConfig::new(config.network()?, esplora, seed);
    let sync_seconds = config.lightning.sync_seconds.into();
    node.background_sync = Some(SyncIntervals {
        onchain_wallet_seconds: sync_seconds,
        lightning_wallet_seconds: sync_seconds,
        ..SyncIntervals::default()
    });
    for address in &config.lightning.listen {
        let parsed = address.parse();
        node.listening_addresses
            .push(parsed.map_err(|_| format!("lightning.listen: {address} is not HOST:PORT"))?);
    }
    if !config.lightning.alias.is_empty() {
        node.alias = Some(config.lightning.alias.clone());
    }
    Ok(node)
}

fn announce(config: &Config, address: &str) {
    let token_file = config.admin_token_file();
    print::note(&format!(
        "Leyden serves http://{address}\n  roles        {}\n  hub          http://{address}{}\n  \
         admin token  {}\n  next         leyden account create NAME, then leyden key create NAME",
        config.roles,
        crate::hub::PATH,
        token_file.display()
    ));
}
