//! Which database a store opens.

use std::path::PathBuf;

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
