//! The numbered SQL files, and bringing a database up to the last of them.
//!
//! A migration that was released must never be changed. Each is applied in a transaction of its own
//! that also records it, and under a lock: on SQLite the writer's, on PostgreSQL row 0 of
//! `schema_migration` (an advisory lock would do on PostgreSQL alone, and CockroachDB has none).

use crate::differences::Statement;
use crate::{Cause, OpenError, StoreError, Tx};

/// One numbered step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Embeds the files of both folders; the numbers are counted from 1 in the order of the list.
macro_rules! embedded {
    ($($version:literal => $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

/// Every migration, in order. A new one is a file in each folder and a line here.
pub(crate) const ALL: &[Migration] = embedded! {
    1 => "0001_node_state",
    2 => "0002_books",
    3 => "0003_processes",
    4 => "0004_reconciliation",
    5 => "0005_access",
    6 => "0006_hub_messages",
    7 => "0007_onchain",
};

/// The version that this program works with.
pub(crate) const CURRENT: i64 = ALL[ALL.len() - 1].version;

/// The table that records the migrations. Row 0 stands for the lock.
pub(crate) const CREATE_TABLE: Statement = Statement {
    sqlite: "CREATE TABLE IF NOT EXISTS schema_migration (
        version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT",
    postgres: "CREATE TABLE IF NOT EXISTS schema_migration (
        version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
};

const CREATE_LOCK: &str =
    "INSERT INTO schema_migration (version, name) VALUES (0, 'lock') ON CONFLICT DO NOTHING";
const LOCK: Statement =
    crate::for_update!("SELECT version FROM schema_migration WHERE version = 0");
const APPLIED: &str =
    "SELECT version, name FROM schema_migration WHERE version > 0 ORDER BY version";
const RECORD: &str = "INSERT INTO schema_migration (version, name) VALUES ($1, $2)";

/// Puts the lock's row there, in a transaction of its own.
pub(crate) fn prepare(tx: &mut Tx<'_>) -> Result<(), OpenError> {
    tx.execute(CREATE_LOCK, &[]).map_err(refused)?;
    Ok(())
}

/// The first migration that the database lacks, after taking the lock. The caller runs its SQL,
/// then [`record`], in the same transaction.
pub(crate) fn next_missing(tx: &mut Tx<'_>) -> Result<Option<&'static Migration>, OpenError> {
    let dialect = tx.dialect();
    tx.query(LOCK.on(dialect), &[]).map_err(refused)?;
    let applied = applied(tx)?;
    Ok(ALL.get(applied))
}

pub(crate) fn record(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), OpenError> {
    tx.execute(RECORD, crate::params![migration.version, migration.name])
        .map_err(refused)?;
    Ok(())
}

/// Checks, without writing, that the database is exactly as this program needs it.
pub(crate) fn verify(tx: &mut Tx<'_>) -> Result<(), OpenError> {
    match ALL.get(applied(tx)?) {
        None => Ok(()),
        Some(missing) => Err(OpenError::SchemaTooOld {
            found: missing.version - 1,
            known: CURRENT,
        }),
    }
}

/// How many migrations the database has, all of which this program knows.
fn applied(tx: &mut Tx<'_>) -> Result<usize, OpenError> {
    let rows = tx.query(APPLIED, &[]).map_err(refused)?;
    if let Some(last) = rows.last() {
        let found = last.int(0).map_err(refused)?;
        if found > CURRENT {
            return Err(OpenError::SchemaTooNew {
                found,
                known: CURRENT,
            });
        }
    }
    for (row, migration) in rows.iter().zip(ALL) {
        let (version, found) = (row.int(0).map_err(refused)?, row.text(1).map_err(refused)?);
        if (version, found) != (migration.version, migration.name) {
            let (found, known) = (found.to_owned(), migration.name.to_owned());
            return Err(OpenError::SchemaForeign {
                version,
                found,
                known,
            });
        }
    }
    Ok(rows.len())
}

/// The database refused one of the statements of this module.
fn refused(error: StoreError) -> OpenError {
    match error {
        StoreError::Unavailable(cause) | StoreError::Statement { cause, .. } => {
            OpenError::Database(cause)
        }
        other => OpenError::Database(Cause::new("schema", other.to_string())),
    }
}
