//! The keys of the configuration, one small struct for each section.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use money::{BasisPoints, Msat};
use payments::fee_policy::FeePolicy;
use payments::network::Network;
use payments::onchain::ConfirmationPolicy;
use serde::{Deserialize, Serialize};
use store::StoreConfig;
use webhooks::EgressPolicy;
use wire::hercle::DataFormat;

use super::ConfigError;
use crate::roles::Roles;

/// ldk-node takes this for anything less.
const LEAST_SYNC_SECONDS: u16 = 10;

/// The whole configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The network's name.
    network: String,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// What the process does.
    pub roles: Roles,
    /// The HTTP listener.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The node.
    pub lightning: Lightning,
    /// The customers' on-chain wallet.
    pub onchain: Onchain,
    /// The fees.
    pub fees: Fees,
    /// The hub.
    pub hub: Hub,
    /// The webhooks.
    pub webhooks: Webhooks,
    /// The operator's access.
    pub admin: Admin,
}

/// The HTTP listener.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The proxies in front whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How often a key may call each process in a second; 0: as often as it likes.
    pub requests_per_second: u32,
}

/// The database.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    url: String,
    connections: u16,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &redacted(&self.url))
            .finish_non_exhaustive()
    }
}

/// The node.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lightning {
    /// The Esplora API.
    pub esplora_url: String,
    /// Where it takes connections.
    pub listen: Vec<String>,
    /// Its name in the gossip; empty for none.
    pub alias: String,
    /// How long it keeps its own record of a final payment, in hours.
    pub keep_records_hours: u16,
    /// How often it looks at the chain, in seconds.
    pub sync_seconds: u16,
    /// Whether a channel that a crash has closed is reopened.
    pub reopen_channels_after_crash: bool,
}

/// The customers' on-chain wallet.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Onchain {
    esplora_url: String,
    sync_seconds: u16,
    confirmations: [u32; 3],
}

/// The fees.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    withdrawal_bps: u16,
    deposit_bps: u16,
    reserve_bps: u16,
    reserve_base_sat: i64,
}

/// The hub.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    data_format: HubDataFormat,
}

/// How events carry their data.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HubDataFormat {
    /// A JSON object.
    Object,
    /// A JSON string with the object in it.
    String,
}

/// The webhooks.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    allow: Vec<String>,
}

/// The operator's access.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    token_file: PathBuf,
}

impl Config {
    /// The network.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that is none.
    pub fn network(&self) -> Result<Network, ConfigError> {
        self.network
            .parse()
            .map_err(|_| wrong("network is one of mainnet, testnet, signet, regtest"))
    }

    /// The database to open.
    #[must_use]
    pub fn store(&self) -> StoreConfig {
        if self.database.url.is_empty() {
            StoreConfig::SqliteFile(self.data_dir.join("leyden.db"))
        } else {
            let threads = usize::from(self.database.connections);
            StoreConfig::Postgres {
                url: self.database.url.clone(),
                threads,
            }
        }
    }

    /// The file with the admin token.
    #[must_use]
    pub fn admin_token_file(&self) -> PathBuf {
        if self.admin.token_file.as_os_str().is_empty() {
            self.data_dir.join("admin-token")
        } else {
            self.admin.token_file.clone()
        }
    }

    /// With other roles than the file's.
    ///
    /// # Errors
    /// [`ConfigError`] when the database does not allow them.
    pub fn with_roles(self, roles: Roles) -> Result<Self, ConfigError> {
        let config = Self { roles, ..self };
        config.check_roles()?;
        Ok(config)
    }

    fn check_roles(&self) -> Result<(), ConfigError> {
        if self.roles.is_empty() {
            return Err(wrong("roles names at least one of api, node, worker"));
        }
        if self.database.url.is_empty() && !self.roles.is_all() {
            return Err(wrong(
                "with SQLite one process has all the roles (api, node, worker): set database.url to a PostgreSQL \
                 database, or leave roles out",
            ));
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.network()?;
        self.check_roles()?;
        self.fees.policy()?;
        self.onchain.policy()?;
        if self.onchain.sync_seconds == 0 {
            return Err(wrong("onchain.sync_seconds is at least 1"));
        }
        self.webhooks.egress()?;
        if self.lightning.sync_seconds < LEAST_SYNC_SECONDS {
            return Err(wrong("lightning.sync_seconds is at least 10"));
        }
        if self.database.connections == 0 {
            return Err(wrong("database.connections is at least 1"));
        }
        Ok(())
    }

    /// The effective configuration as TOML, with secrets hidden.
    ///
    /// # Panics
    /// Never: every key can be written as TOML.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = self.clone();
        shown.database.url = redacted(&self.database.url);
        toml::to_string(&shown).expect("every key can be written as TOML")
    }
}

impl Onchain {
    /// How deep a deposit must be in the chain.
    ///
    /// # Errors
    /// [`ConfigError`] for numbers that ask less for more.
    pub fn policy(&self) -> Result<ConfirmationPolicy, ConfigError> {
        let [small, medium, large] = self.confirmations;
        ConfirmationPolicy::new(small, medium, large).ok_or_else(|| {
            wrong("onchain.confirmations are at least 1, and never fewer for a larger deposit")
        })
    }

    /// The Esplora API, when it is not the node's.
    #[must_use]
    pub fn esplora_url(&self) -> Option<&str> {
        (!self.esplora_url.is_empty()).then_some(&self.esplora_url)
    }

    /// How often the wallet looks at the chain.
    #[must_use]
    pub fn look_every(&self) -> Duration {
        Duration::from_secs(self.sync_seconds.into())
    }
}

impl Fees {
    /// The fee policy.
    ///
    /// # Errors
    /// [`ConfigError`] for a share above 10,000 or a negative amount.
    pub fn policy(&self) -> Result<FeePolicy, ConfigError> {
        let share = |points, name: &str| {
            BasisPoints::new(points).ok_or_else(|| wrong(&format!("fees.{name} is 0 to 10000")))
        };
        Ok(FeePolicy {
            withdrawal_fee: share(self.withdrawal_bps, "withdrawal_bps")?,
            deposit_fee: share(self.deposit_bps, "deposit_bps")?,
            reserve_share: share(self.reserve_bps, "reserve_bps")?,
            reserve_base_msat: Msat::from_sat(self.reserve_base_sat)
                .map_err(|_| wrong("fees.reserve_base_sat is not an amount"))?,
        })
    }
}

impl Webhooks {
    /// Where webhooks may go.
    ///
    /// # Errors
    /// [`ConfigError`] for a network that is none.
    pub fn egress(&self) -> Result<EgressPolicy, ConfigError> {
        self.allow
            .iter()
            .try_fold(EgressPolicy::public(), |policy, subnet| {
                let subnet = subnet.parse();
                let subnet =
                    subnet.map_err(|_| wrong("webhooks.allow holds networks like 10.1.0.0/16"))?;
                Ok(policy.allow(subnet))
            })
    }
}

impl Hub {
    /// How events carry their data.
    #[must_use]
    pub fn format(&self) -> DataFormat {
        match self.data_format {
            HubDataFormat::Object => DataFormat::Object,
            HubDataFormat::String => DataFormat::String,
        }
    }
}

fn wrong(reason: &str) -> ConfigError {
    ConfigError::Wrong {
        reason: reason.to_owned(),
    }
}

/// A database address without its password; one that is no URL is hidden whole.
fn redacted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    match url::Url::parse(text) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("hidden")).is_err() {
                return "hidden".to_owned();
            }
            url.to_string()
        }
        Err(_) => "hidden".to_owned(),
    }
}
