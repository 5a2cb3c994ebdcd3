//! What can go wrong in the store.
//!
//! Errors carry the database's own code and message, and never the values of a row or a parameter.

use std::path::PathBuf;

use crate::Constraint;

/// What the database said: its code, and its message without the values that were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Cause {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

/// Why a transaction, or a statement in it, did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A statement broke a constraint of the schema.
    #[error("a constraint of the schema refused the statement: {0:?}")]
    Conflict(Constraint),
    /// The database cannot be reached or cannot write now. After a commit was sent its outcome is
    /// unknown: what was asked for may yet be found done.
    #[error("the database is not available now")]
    Unavailable(#[source] Cause),
    /// A stored row does not hold what the program put there.
    #[error("column {column} does not hold {expected}: {sql}")]
    Corrupt {
        /// The statement that read it.
        sql: &'static str,
        /// The column, counted from 0.
        column: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A statement was to find one row at most, and found more.
    #[error("more than one row: {sql}")]
    SeveralRows {
        /// The statement.
        sql: &'static str,
    },
    /// Rows that belong together do not: the database holds what this program never writes.
    #[error("the database is inconsistent: {what}")]
    Inconsistent {
        /// What was found.
        what: &'static str,
    },
    /// A write through a read-only store or in a reading transaction.
    #[error("this store, or this transaction, is read-only")]
    ReadOnly,
    /// Another process may run the node by now, and this write was for the node's process alone. Nothing was written.
    #[error("the node's lease is lost")]
    LeaseLost,
    /// The database does not accept the statement or its parameters: a mistake in the program.
    #[error("the database does not accept the statement: {sql}")]
    Statement {
        /// The statement.
        sql: &'static str,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The act went on after a statement in its transaction had failed. PostgreSQL lets no such
    /// transaction commit, so neither database does: a mistake in the program.
    #[error("the act went on after a statement in its transaction had failed")]
    Abandoned,
    /// The act panicked; nothing of it was kept.
    #[error("the act panicked")]
    Panicked,
    /// The store was closed before the act could run.
    #[error("the store is closed")]
    Closed,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle in this one, has the file open for writing.
    #[error("{} is in use by another process: stop it, or use its admin API", .path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The lock file beside the database cannot be made or locked.
    #[error("the lock file {} cannot be used", .path.display())]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The database was written by a newer version of the program.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer program"
    )]
    SchemaTooNew {
        /// The version in the database.
        found: i64,
        /// The last version that this program knows.
        known: i64,
    },
    /// The database was opened read-only and lacks migrations, which only a writing program
    /// applies.
    #[error(
        "the database has schema version {found}, this program needs {known}: start the server once"
    )]
    SchemaTooOld {
        /// The version in the database.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// The database's migrations have other names than this program's.
    #[error("migration {version} is {found:?} in the database and {known:?} in this program")]
    SchemaForeign {
        /// The migration's number.
        version: i64,
        /// Its name in the database.
        found: String,
        /// Its name in this program.
        known: String,
    },
    /// A migration failed; nothing of it was kept.
    #[error("migration {name} failed")]
    Migration {
        /// The migration's name.
        name: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The database's address is not one that can be used.
    #[error("the database's address cannot be used: {reason}")]
    Address {
        /// What is wrong with it, without the address, which may hold a password.
        reason: String,
    },
    /// The database cannot be opened or reached.
    #[error("the database cannot be opened")]
    Database(#[source] Cause),
    /// A thread for the store's connections could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}
