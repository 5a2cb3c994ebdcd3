//! `sandbox.json`: what the sandbox needs to go on where it was.
//!
//! The sandbox alone stores an API key and seeds in clear, with mode 0600: its money is worth nothing.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use onchain::WalletKeys;
use payments::network::Network;
use payments::ports::{Entropy, SystemEntropy};
use rail_ldk::NodeSeed;
use serde::{Deserialize, Serialize};

use super::SandboxError;
use crate::secret_file;

/// The seed length that ldk-node takes.
const SEED_BYTES: usize = 64;

/// What one node is made from.
#[derive(Clone)]
pub(super) struct Place {
    /// Its keys.
    pub(super) seed: NodeSeed,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Place {
    /// The keys of the on-chain wallet beside the node.
    pub(super) fn wallet_keys(&self) -> Option<WalletKeys> {
        match &self.seed {
            NodeSeed::Entropy(seed) => WalletKeys::of_seed(Network::Regtest, seed.as_slice()).ok(),
            NodeSeed::Mnemonic { .. } => None,
        }
    }
}

/// The places of all nodes.
#[derive(Clone)]
pub(super) struct Places {
    /// Our node.
    pub(super) node: Place,
    /// The counterparty.
    pub(super) counterparty: Place,
    /// The node that routes.
    pub(super) router: Place,
    /// Who is behind the router, for its usual fee and for its greedy one.
    pub(super) payees: [Place; 2],
}

/// What is kept of a node behind the counterparty.
#[derive(Clone, Serialize, Deserialize)]
struct FurtherNode {
    seed: String,
    port: Option<u16>,
}

/// The sandbox's credentials.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Credentials {
    admin_token: String,
    node_seed: String,
    counterparty_seed: String,
    account_id: Option<String>,
    api_key: Option<String>,
    node_port: Option<u16>,
    counterparty_port: Option<u16>,
    /// The router and those behind it, by name.
    #[serde(default)]
    further_nodes: BTreeMap<String, FurtherNode>,
    #[serde(skip)]
    path: PathBuf,
}

impl Credentials {
    /// Reads the credentials of a folder, or makes them.
    pub(super) fn open(data_dir: &Path) -> Result<Self, SandboxError> {
        let path = data_dir.join("sandbox.json");
        if let Some(text) = secret_file::read(&path)? {
            let mut known: Self =
                serde_json::from_str(&text).map_err(SandboxError::NotCredentials)?;
            known.path = path;
            return Ok(known);
        }
        let fresh = Self {
            admin_token: random_hex::<32>(),
            node_seed: random_hex::<SEED_BYTES>(),
            counterparty_seed: random_hex::<SEED_BYTES>(),
            account_id: None,
            api_key: None,
            node_port: None,
            counterparty_port: None,
            further_nodes: BTreeMap::new(),
            path,
        };
        fresh.save()?;
        Ok(fresh)
    }

    fn save(&self) -> Result<(), SandboxError> {
        let text = serde_json::to_string_pretty(self).map_err(SandboxError::NotCredentials)?;
        secret_file::write(&self.path, &text)?;
        Ok(())
    }

    pub(super) fn admin_token(&self) -> &str {
        &self.admin_token
    }

    pub(super) fn api_key(&self) -> Option<&str> {
        self.api_key.as_deref()
    }

    pub(super) fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    /// Keeps the account and its key.
    pub(super) fn set_account(&mut self, id: String, api_key: String) -> Result<(), SandboxError> {
        self.account_id = Some(id);
        self.api_key = Some(api_key);
        self.save()
    }

    /// The nodes, as they were before: each on the port that it had, while that is free.
    pub(super) fn places(&mut self) -> Result<Places, SandboxError> {
        let places = Places {
            node: Place {
                seed: seed(&self.node_seed)?,
                address: loopback(&mut self.node_port)?,
            },
            counterparty: Place {
                seed: seed(&self.counterparty_seed)?,
                address: loopback(&mut self.counterparty_port)?,
            },
            router: self.further("router")?,
            payees: [self.further("payee")?, self.further("greedy-payee")?],
        };
        self.save()?;
        Ok(places)
    }

    fn further(&mut self, name: &str) -> Result<Place, SandboxError> {
        let fresh = || FurtherNode {
            seed: random_hex::<SEED_BYTES>(),
            port: None,
        };
        let known = self.further_nodes.entry(name.to_owned());
        let node = known.or_insert_with(fresh);
        Ok(Place {
            seed: seed(&node.seed)?,
            address: loopback(&mut node.port)?,
        })
    }
}

/// A free loopback address, on the port that was used before if that is free; the port is kept.
fn loopback(port: &mut Option<u16>) -> Result<SocketAddr, SandboxError> {
    let before = port.and_then(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let listener = match before {
        Some(listener) => listener,
        None => TcpListener::bind(("127.0.0.1", 0)).map_err(SandboxError::Port)?,
    };
    let address = listener.local_addr().map_err(SandboxError::Port)?;
    *port = Some(address.port());
    Ok(address)
}

fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    SystemEntropy.fill(&mut bytes);
    hex::encode(bytes)
}

fn seed(text: &str) -> Result<NodeSeed, SandboxError> {
    let mut bytes = Box::new([0; SEED_BYTES]);
    hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| SandboxError::Seeds)?;
    Ok(NodeSeed::Entropy(bytes))
}
