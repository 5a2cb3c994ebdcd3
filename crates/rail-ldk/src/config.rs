//! [`NodeConfig`]: everything a node is told when it starts.
//!
//! It holds the seed, so its `Debug` output must never show it. Nothing is read from the
//! environment here.

use std::fmt;

use bitcoin::bip32::Xpriv;
use bitcoin::secp256k1::PublicKey;
use ldk_node::bip39::Mnemonic;
use ldk_node::config::{
    AnchorChannelsConfig, BackgroundSyncConfig, Config, EsploraSyncConfig, WALLET_KEYS_SEED_LEN,
};
use ldk_node::liquidity::LSPS2ServiceConfig;
use lightning::ln::msgs::SocketAddress;
use lightning::sign::{KeysManager, NodeSigner, Recipient};
use payments::network::Network;

/// What the node's keys are made from. The caller keeps it: whoever has it has the node's money.
#[derive(Clone)]
pub enum NodeSeed {
    /// 64 random bytes.
    Entropy(Box<[u8; WALLET_KEYS_SEED_LEN]>),
    /// The words of BIP 39.
    Mnemonic {
        /// 12 to 24 English words.
        words: Mnemonic,
        /// The passphrase of BIP 39, when there is one.
        passphrase: Option<String>,
    },
}

/// A seed from which no key can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key can be made from the node's seed")]
pub struct SeedError;

impl fmt::Debug for NodeSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeSeed(hidden)")
    }
}

/// How often the node looks at the chain by itself. ldk-node takes 10 seconds for anything less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncIntervals {
    /// Between two looks at the on-chain wallet.
    pub onchain_wallet_seconds: u64,
    /// Between two looks at the transactions of the channels.
    pub lightning_wallet_seconds: u64,
    /// Between two updates of the fee estimates.
    pub fee_rate_seconds: u64,
}

impl Default for SyncIntervals {
    fn default() -> Self {
        let defaults = BackgroundSyncConfig::default();
        Self {
            onchain_wallet_seconds: defaults.onchain_wallet_sync_interval_secs,
            lightning_wallet_seconds: defaults.lightning_wallet_sync_interval_secs,
            fee_rate_seconds: defaults.fee_rate_cache_update_interval_secs,
        }
    }
}

/// A node to be started. [`NodeConfig::new`] gives one that listens nowhere.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Which bitcoin.
    pub network: Network,
    /// The Esplora API that it reads the chain from, without a slash at the end.
    pub esplora_url: String,
    /// Its keys.
    pub seed: NodeSeed,
    /// Where it takes connections of peers; nowhere when empty. At most 100.
    pub listening_addresses: Vec<SocketAddress>,
    /// Its name in the gossip, at most 32 bytes; only for a node that listens.
    pub alias: Option<String>,
    /// Peers that are trusted to confirm the closing transactions of an anchor channel, so that no
    /// coins are kept in reserve for a channel with them.
    pub trusted_peers_no_reserve: Vec<PublicKey>,
    /// Whether it forwards payments to its private channels, and lets payments in flight fill a channel to it: what a
    /// Lightning service provider does. Otherwise it forwards to announced channels alone.
    pub is_service_provider: bool,
    /// `None`: it looks at the chain only when
    /// [`LdkNode::sync_wallets`](crate::LdkNode::sync_wallets) is called.
    pub background_sync: Option<SyncIntervals>,
}

impl NodeConfig {
    /// A node that listens nowhere, has no alias, trusts nobody, and looks at the chain in
    /// ldk-node's intervals.
    pub fn new(network: Network, esplora_url: impl Into<String>, seed: NodeSeed) -> Self {
        Self {
            network,
            esplora_url: esplora_url.into(),
            seed,
            listening_addresses: Vec::new(),
            alias: None,
            trusted_peers_no_reserve: Vec::new(),
            is_service_provider: false,
            background_sync: Some(SyncIntervals::default()),
        }
    }

    pub(crate) fn ldk(&self) -> Config {
        Config {
            network: self.network.bitcoin(),
            anchor_channels_config: Some(AnchorChannelsConfig {
                trusted_peers_no_reserve: self.trusted_peers_no_reserve.clone(),
                ..AnchorChannelsConfig::default()
            }),
            ..Config::default()
        }
    }

    /// The public key of the node with this seed, without starting it: as ldk-node derives it.
    ///
    /// # Errors
    /// [`SeedError`], for practically no seed.
    pub fn node_id(&self) -> Result<PublicKey, SeedError> {
        let seed = match &self.seed {
            NodeSeed::Entropy(bytes) => **bytes,
            NodeSeed::Mnemonic { words, passphrase } => {
                words.to_seed(passphrase.as_deref().unwrap_or_default())
            }
        };
        let master = Xpriv::new_master(self.network.bitcoin(), &seed).map_err(|_| SeedError)?;
        // The time only makes keys of channels that this one never opens.
        let keys = KeysManager::new(&master.private_key.secret_bytes(), 0, 0, false);
        keys.get_node_id(Recipient::Node).map_err(|()| SeedError)
    }

    /// ldk-node forwards to private channels only as a provider of LSPS2. Nobody has the token, so that no channel is
    /// ever bought of it.
    pub(crate) fn service(&self) -> Option<LSPS2ServiceConfig> {
        self.is_service_provider.then(|| LSPS2ServiceConfig {
            require_token: Some(String::new()),
            advertise_service: false,
            channel_opening_fee_ppm: 0,
            channel_over_provisioning_ppm: 0,
            min_channel_opening_fee_msat: 0,
            min_channel_lifetime: 0,
            max_client_to_self_delay: 0,
            min_payment_size_msat: 0,
            max_payment_size_msat: 0,
            client_trusts_lsp: true,
        })
    }

    pub(crate) fn esplora(&self) -> EsploraSyncConfig {
        let background_sync_config = self.background_sync.map(|intervals| BackgroundSyncConfig {
            onchain_wallet_sync_interval_secs: intervals.onchain_wallet_seconds,
            lightning_wallet_sync_interval_secs: intervals.lightning_wallet_seconds,
            fee_rate_cache_update_interval_secs: intervals.fee_rate_seconds,
        });
        EsploraSyncConfig {
            background_sync_config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_seed() {
        let seed = NodeSeed::Entropy(Box::new([7; WALLET_KEYS_SEED_LEN]));
        let config = NodeConfig::new(Network::Regtest, "http://127.0.0.1:1", seed);
        let text = format!("{config:?}");
        assert!(text.contains("hidden") && !text.contains("7, 7"), "{text}");
    }

    #[test]
    fn a_node_listens_nowhere_unless_told_to() {
        let seed = NodeSeed::Entropy(Box::new([7; WALLET_KEYS_SEED_LEN]));
        let config = NodeConfig::new(Network::Regtest, "http://127.0.0.1:1", seed);
        assert!(config.listening_addresses.is_empty());
        assert!(config.ldk().listening_addresses.is_none());
        assert!(config.ldk().announcement_addresses.is_none());
    }
}
