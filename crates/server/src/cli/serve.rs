//! `leyden serve`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use payments::ports::SystemEntropy;
use rail_ldk::{LdkNode, NodeConfig, NodeSeed};
use store::Store;
use tokio::net::TcpListener;
use webhooks::EgressPolicy;

use super::{CliError, ConfigArgs, print, shutdown};
use crate::compose::compose;
use crate::config::{self, Config};
use crate::secret_file::{hex_or_new, private_folder};
use crate::serving::{ServeOptions, serve};

/// How often peers that are away are connected to.
const RECONNECT: Duration = Duration::from_secs(5);

pub(super) async fn run(args: ConfigArgs) -> Result<ExitCode, CliError> {
    let config = config::load(args.config.as_deref())?;
    private_folder(&config.data_dir)?;
    let listener = TcpListener::bind(config.server.listen).await?;
    let token: [u8; 32] = hex_or_new(&config.admin_token_file(), &SystemEntropy)?;
    let node_config = node_config(&config)?;
    let (network, fees) = (config.network()?, config.fees.policy()?);
    let store_config = config.store();
    let (store, composed) = tokio::task::spawn_blocking(move || {
        let store = Store::open(&store_config).map_err(|error| -> SendError { error.into() })?;
        let composed = compose(&store, network, fees, &node_config)
            .map_err(|error| -> SendError { error.into() })?;
        Ok::<_, SendError>((store, composed))
    })
    .await?
    .map_err(|error| -> CliError { error })?;
    let options = ServeOptions {
        hub_format: config.hub.format(),
        egress: EgressPolicy::public(),
        admin_token: hex::encode(token),
    };
    let node = composed.node;
    let peers = tokio::spawn(keep_connected(Arc::clone(&node)));
    let serving = serve(composed.app, options, listener, Router::new())?;
    announce(&config, &node, &serving.address.to_string());
    shutdown::requested().await;
    print::note("stopping");
    peers.abort();
    serving.stop().await;
    tokio::task::spawn_blocking(move || {
        if let Err(error) = node.stop() {
            tracing::error!(%error, "the node did not stop cleanly");
        }
        store.close();
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

type SendError = Box<dyn std::error::Error + Send + Sync>;

fn node_config(config: &Config) -> Result<NodeConfig, CliError> {
    let seed = hex_or_new(&config.data_dir.join("node-seed"), &SystemEntropy)?;
    let esplora = config.lightning.esplora_url.trim_end_matches('/');
    let seed = NodeSeed::Entropy(Box::new(seed));
    let mut node = NodeConfig::new(config.network()?, esplora, seed);
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

/// ldk-node alone takes a minute to find its peers again.
async fn keep_connected(node: Arc<LdkNode>) {
    loop {
        let node = Arc::clone(&node);
        if tokio::task::spawn_blocking(move || node.reconnect_peers())
            .await
            .is_err()
        {
            tracing::error!("peers could not be connected to");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

fn announce(config: &Config, node: &LdkNode, address: &str) {
    let token_file = config.admin_token_file();
    print::note(&format!(
        "Leyden serves http://{address}\n  hub          http://{address}{}\n  node         {}\n  \
         admin token  {}\n  next         leyden account create NAME, then leyden key create NAME",
        crate::hub::PATH,
        node.node_id(),
        token_file.display()
    ));
}
