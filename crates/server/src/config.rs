//! Configuration: one TOML file, then environment variables, then flags, each stronger than the one before.
//!
//! The documented defaults are the defaults: [`DEFAULTS`] is the file that the documentation shows, and it is what
//! an empty file means. Unknown keys are errors. Secrets are never printed.

mod environment;
mod file;

use std::path::{Path, PathBuf};

pub use file::{
    Admin, Config, Database, Fees, Hub, HubDataFormat, Lightning, Onchain, Server, Webhooks,
};

/// The configuration file with every key at its default.
pub const DEFAULTS: &str = include_str!("config/defaults.toml");

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration is wrong: {reason}")]
    Wrong {
        /// Where and why; never a value.
        reason: String,
    },
}

/// Reads the configuration: the defaults, then the file, then the environment.
///
/// # Errors
/// [`ConfigError`].
pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    let mut merged: toml::Table = toml::from_str(DEFAULTS).map_err(|error| ConfigError::Wrong {
        reason: error.to_string(),
    })?;
    if let Some(path) = path {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let file: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::Wrong {
            reason: error.message().to_owned(),
        })?;
        merge(&mut merged, file);
    }
    merge(&mut merged, environment::overrides());
    let config: Config =
        toml::Value::Table(merged)
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Wrong {
                reason: error.message().to_owned(),
            })?;
    config.check()?;
    Ok(config)
}

/// Lays `over` on `base`, table by table.
fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{Role, Roles};

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("leyden.toml");
        std::fs::write(&path, text).expect("a file");
        load(Some(&path))
    }

    #[test]
    fn an_empty_file_means_the_documented_defaults() {
        let config = parse("").expect("the defaults are a configuration");
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:3080");
        assert_eq!(
            config.fees.policy().expect("sound"),
            payments::fee_policy::FeePolicy::default()
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = parse("[server]\nlissten = \"127.0.0.1:1\"").expect_err("a misspelt key");
        assert!(error.to_string().contains("lissten"), "{error}");
    }

    #[test]
    fn an_impossible_value_is_an_error() {
        for text in [
            "network = \"testnet4\"",
            "[fees]\nwithdrawal_bps = 10001",
            "[lightning]\nsync_seconds = 9",
            "[fees]\nreserve_base_sat = -1",
            "[onchain]\nconfirmations = [0, 3, 6]",
            "[onchain]\nconfirmations = [3, 2, 6]",
            "[onchain]\nsync_seconds = 0",
            "[server]\nlisten = \"everywhere\"",
            "[webhooks]\nallow = [\"10.0.0.0/33\"]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn webhooks_go_to_public_addresses_and_where_the_operator_allows() {
        let usual = parse("").expect("the defaults").webhooks.egress();
        assert_eq!(usual.expect("sound"), webhooks::EgressPolicy::public());
        let own = parse("[webhooks]\nallow = [\"10.1.0.0/16\"]").expect("a configuration");
        let policy = own.webhooks.egress().expect("sound");
        assert!(policy.vet_url("http://10.1.2.3/").is_ok());
        assert!(policy.vet_url("http://10.2.2.3/").is_err());
    }

    #[test]
    fn only_a_database_that_can_be_shared_takes_a_part_of_the_roles() {
        let shared = "[database]\nurl = \"postgres://localhost/leyden\"";
        for (roles, with_sqlite, with_postgres) in [
            (r#"["worker", "api", "node"]"#, true, true),
            (r#"["api"]"#, false, true),
            (r#"["api", "worker"]"#, false, true),
            ("[]", false, false),
            (r#"["miner"]"#, false, false),
        ] {
            let line = format!("roles = {roles}\n");
            assert_eq!(parse(&line).is_ok(), with_sqlite, "{roles}");
            assert_eq!(
                parse(&format!("{line}{shared}")).is_ok(),
                with_postgres,
                "{roles}"
            );
        }
        let alone = parse("").expect("the defaults");
        let refused = alone
            .with_roles(Roles::only(&[Role::Api]))
            .expect_err("SQLite");
        assert!(refused.to_string().contains("database.url"), "{refused}");
    }

    #[test]
    fn the_effective_configuration_hides_the_password_of_the_database() {
        let config = parse("[database]\nurl = \"postgres://leyden:hunter2@localhost/leyden\"")
            .expect("a configuration");
        let shown = config.shown();
        assert!(
            shown.contains("localhost/leyden") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
