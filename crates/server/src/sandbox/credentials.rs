//! `sandbox.json`: what the sandbox needs to go on where it was.
//!
//! The sandbox alone stores an API key and seeds in clear, with mode 0600: its money is worth nothing.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use payments::ports::{Entropy, SystemEntropy};
use rail_ldk::NodeSeed;
use serde::{Deserialize, Serialize};

use super::SandboxError;
use crate::secret_file;

/// The seed length that ldk-node takes.
const SEED_BYTES: usize = 64;

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

    /// Where our node and the counterparty listen for each other: the same ports as before, while they are free.
    pub(super) fn addresses(&mut self) -> Result<[SocketAddr; 2], SandboxError> {
        let node = loopback(self.node_port).map_err(SandboxError::Port)?;
        let counterparty = loopback(self.counterparty_port).map_err(SandboxError::Port)?;
        self.node_port = Some(node.port());
        self.counterparty_port = Some(counterparty.port());
        self.save()?;
        Ok([node, counterparty])
    }

    pub(super) fn node_seed(&self) -> Option<NodeSeed> {
        seed(&self.node_seed)
    }

    pub(super) fn counterparty_seed(&self) -> Option<NodeSeed> {
        seed(&self.counterparty_seed)
    }
}

/// A free loopback address, on the port that was used before if that is free.
fn loopback(port: Option<u16>) -> std::io::Result<SocketAddr> {
    let before = port.and_then(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    match before {
        Some(listener) => listener.local_addr(),
        None => TcpListener::bind(("127.0.0.1", 0))?.local_addr(),
    }
}

fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    SystemEntropy.fill(&mut bytes);
    hex::encode(bytes)
}

fn seed(text: &str) -> Option<NodeSeed> {
    let mut bytes = Box::new([0; SEED_BYTES]);
    hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
    Some(NodeSeed::Entropy(bytes))
}
