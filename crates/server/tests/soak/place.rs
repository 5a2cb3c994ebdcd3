//! Where a sandbox keeps everything, so that the next process goes on there.

use std::path::Path;
use std::process::Command;

use store::testing::Database;
use store::{Store, StoreConfig, StoreError};
use tempfile::TempDir;

/// A folder, and the database of the books: a file in the folder, or a schema on PostgreSQL.
pub struct Place {
    folder: TempDir,
    database: Option<Database>,
}

impl Drop for Place {
    /// What a failure leaves behind is what tells why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("everything is kept in {}", self.folder().display());
            // Its schema too: and the client of PostgreSQL must not be used on a thread of the runtime.
            std::mem::forget(self.database.take());
        }
    }
}

impl Place {
    /// With the books on SQLite.
    pub fn sqlite() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            database: None,
        }
    }

    /// With the books on PostgreSQL; `None` where the tests are told that there is none.
    pub fn postgres() -> Option<Self> {
        let database = store::testing::postgres()?;
        let mut place = Self::sqlite();
        place.database = Some(database);
        Some(place)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the books are, when they are on PostgreSQL.
    pub fn url(&self) -> Option<&str> {
        match self.database.as_ref()?.config() {
            StoreConfig::Postgres { url, .. } => Some(url),
            StoreConfig::SqliteFile(_) => None,
        }
    }

    /// How many of our node's channels were closed, while no process runs.
    pub fn channels_closed(&self) -> i64 {
        self.ask(|tx| {
            let rows = tx.query("SELECT COUNT(*) FROM channel WHERE state <> 'open'", &[])?;
            rows[0].int(0)
        })
    }

    /// The invoices that were not paid, and why.
    pub fn failures(&self) -> Vec<(String, String)> {
        self.ask(|tx| {
            let sql = "SELECT bolt11, failure FROM withdrawal WHERE state = 'failed'";
            let rows = tx.query(sql, &[])?;
            let failure = |row: &store::Row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()));
            rows.iter().map(failure).collect()
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnMut(&mut store::Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let config = match &self.database {
            None => StoreConfig::SqliteFile(self.folder().join("leyden.db")),
            Some(database) => database.config().clone(),
        };
        let store = Store::open(&config).expect("the books open");
        let answer = store.read(question);
        store.close();
        answer.expect("an answer")
    }

    /// Whether `leyden audit` says that the books balance.
    pub fn books_balance(&self) -> bool {
        let mut audit = Command::new(env!("CARGO_BIN_EXE_leyden"));
        match self.url() {
            None => audit.args(["audit", "--data-dir"]).arg(self.folder()),
            Some(url) => {
                let config = self.folder().join("audit.toml");
                let text = format!("[database]\nurl = \"{url}\"\n");
                std::fs::write(&config, text).expect("a file");
                audit.args(["audit", "--config"]).arg(config)
            }
        };
        let audit = audit.output().expect("the audit runs");
        if !audit.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&audit.stdout));
            eprintln!("{}", String::from_utf8_lossy(&audit.stderr));
        }
        audit.status.success()
    }
}
