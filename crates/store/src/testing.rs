//! Throw-away databases for tests, on either database, with one set of cases for both.
//!
//! Behind the feature `test-support`; must never be part of a release.

mod faults;
mod held_file;
mod proxy;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Store, StoreConfig};

pub use faults::{CommitFate, CommitFaults, put_faults};
pub(crate) use faults::{commit_with, faults_of};
pub use held_file::HeldFile;
pub use proxy::Proxy;

/// The variable that names the PostgreSQL server for the tests, or says `none`.
pub const POSTGRES_URL: &str = "LEYDEN_TEST_POSTGRES_URL";

/// An empty database of its own, with an open store. Both are gone when it is dropped.
#[derive(Debug)]
pub struct Database {
    store: Store,
    config: StoreConfig,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sqlite {
        file: PathBuf,
        _folder: tempfile::TempDir,
    },
    Postgres {
        server: String,
        schema: String,
    },
}

/// A SQLite file in a temporary folder.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn sqlite() -> Database {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("leyden.sqlite");
    let config = StoreConfig::SqliteFile(file.clone());
    let store = Store::open(&config).expect("a new SQLite store");
    Database {
        store,
        config,
        kind: Kind::Sqlite {
            file,
            _folder: folder,
        },
    }
}

/// A schema of its own on the server that [`POSTGRES_URL`] names; `None` only when it says `none`,
/// so that nobody leaves PostgreSQL out by accident.
///
/// # Panics
/// When the variable is missing or the server cannot be used.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration file"
)]
pub fn postgres() -> Option<Database> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let server = std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
        panic!("{POSTGRES_URL} is not set: run scripts/with-postgres, or set it to `none`")
    });
    if server == "none" {
        return None;
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test_{}_{count}", std::process::id());
    administer(
        &server,
        &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"),
    );
    let joint = if server.contains('?') { '&' } else { '?' };
    let url =
        format!("{server}{joint}options=-c%20search_path%3D{schema}&application_name={schema}");
    let config = StoreConfig::Postgres { url, threads: 4 };
    let store = Store::open(&config).expect("a store in a new schema");
    Some(Database {
        store,
        config,
        kind: Kind::Postgres { server, schema },
    })
}

impl Database {
    /// The open store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How to open it again.
    #[must_use]
    pub fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// The SQLite file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Sqlite { file, .. } => Some(file),
            Kind::Postgres { .. } => None,
        }
    }

    /// How to open it through a proxy. PostgreSQL only.
    ///
    /// # Panics
    /// On SQLite, and when no port is free.
    #[must_use]
    pub fn through_a_proxy(&self) -> (StoreConfig, Proxy) {
        let StoreConfig::Postgres { url, threads } = self.config.clone() else {
            panic!("a file has no way to it");
        };
        let (url, proxy) = Proxy::before(&url);
        (StoreConfig::Postgres { url, threads }, proxy)
    }

    /// Closes the store and opens it again, as a restart of the program does.
    ///
    /// # Panics
    /// When it cannot be opened again.
    pub fn reopen(&mut self) {
        self.store.close();
        self.store = Store::open(&self.config).expect("the same database again");
    }

    /// Runs any SQL outside of the store's transactions: to make tables for a test, or to break
    /// things.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite { .. } => {
                let sql: &'static str = String::from(sql).leak();
                let done = self.store.write(move |tx| tx.execute(sql, &[]));
                done.expect("SQL of a test");
            }
            Kind::Postgres { server, schema } => {
                administer(server, &format!("SET search_path TO {schema}; {sql}"));
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.store.close();
        if let Kind::Postgres { server, schema } = &self.kind {
            administer(server, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "makes and removes the schema of a test"
)]
fn administer(server: &str, sql: &str) {
    let mut client = postgres::Client::connect(server, postgres::NoTls)
        .expect("the PostgreSQL server for the tests");
    client.batch_execute(sql).expect("SQL of a test");
}
