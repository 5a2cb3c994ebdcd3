//! Which database a store opens.

use std::path::PathBuf;

use postgres::config::Host;

/// Which database a store opens.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// A SQLite file, made if it is missing. Its folder must exist, on a disk of this machine.
    SqliteFile(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://user:password@host/database`. `sslmode` may be `disable`, `require` or
        /// `verify-full`; the last two are the same, and the rule for every host but this machine:
        /// the server must show a certificate for its name from a public authority.
        url: String,
        /// How many connections, with a thread each; at least 1.
        threads: usize,
    },
}

impl StoreConfig {
    /// The hosts and ports of the database's server, where it is reached over TCP.
    #[must_use]
    pub fn server_addresses(&self) -> Vec<(String, u16)> {
        let Self::Postgres { url, .. } = self else {
            return Vec::new();
        };
        let Ok(config) = url.parse::<postgres::Config>() else {
            return Vec::new();
        };
        let ports = config.get_ports();
        let hosts = config.get_hosts().iter().enumerate();
        hosts
            .filter_map(|(index, host)| {
                // One port may stand for all hosts, and none for the usual one.
                let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
                match host {
                    Host::Tcp(name) => Some((name.clone(), port)),
                    Host::Unix(_) => None,
                }
            })
            .collect()
    }
}

/// Shows no password.
impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SqliteFile(path) => f.debug_tuple("SqliteFile").field(path).finish(),
            Self::Postgres { threads, .. } => f
                .debug_struct("Postgres")
                .field("threads", threads)
                .finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_reached_over_tcp_has_addresses() {
        let of = |url: &str| {
            let (url, threads) = (url.to_owned(), 1);
            StoreConfig::Postgres { url, threads }.server_addresses()
        };
        let host = |name: &str, port| (name.to_owned(), port);
        assert_eq!(
            of("postgres://u:p@db.example.com/x"),
            [host("db.example.com", 5432)]
        );
        assert_eq!(
            of("postgres://u:p@127.0.0.1:5433,[::1]:5434/x"),
            [host("127.0.0.1", 5433), host("::1", 5434)]
        );
        assert_eq!(of("postgres:///x?host=/run/postgresql"), []);
        assert_eq!(
            StoreConfig::SqliteFile("x.db".into()).server_addresses(),
            []
        );
    }
}
