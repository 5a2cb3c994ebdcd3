//! An open transaction, as the business acts see it.
//!
//! After a statement has failed the transaction answers nothing but errors and cannot be committed,
//! on both databases alike. Must never offer anything that waits for a network other than the
//! database's.

use crate::differences::Dialect;
use crate::postgresql::Session;
use crate::signal::{Signal, SignalSet};
use crate::{Row, StoreError, Value, sqlite};

/// An open transaction. Nothing of it lasts unless the act that it was given to returns `Ok`.
pub struct Tx<'a> {
    backend: Backend<'a>,
    failed: Option<Fate>,
    signals: SignalSet,
}

enum Backend<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut Session),
}

/// What a failed statement means for the transaction that it failed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Running the act once more would fail in the same way.
    Final,
    /// The database chose this transaction as the victim of a conflict: running it again may
    /// succeed.
    Again,
    /// The connection is gone, and with it the transaction, of which nothing was kept.
    Lost,
}

/// A statement that failed: the error for the act, and what is to be done.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: StoreError,
    pub(crate) fate: Fate,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            fate: Fate::Final,
        }
    }
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("dialect", &self.dialect())
            .finish_non_exhaustive()
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn on_sqlite(connection: &'a rusqlite::Connection) -> Self {
        let backend = Backend::Sqlite(connection);
        Self {
            backend,
            failed: None,
            signals: SignalSet::default(),
        }
    }

    pub(crate) fn on_postgres(session: &'a mut Session) -> Self {
        let backend = Backend::Postgres(session);
        Self {
            backend,
            failed: None,
            signals: SignalSet::default(),
        }
    }

    /// What the first failed statement means, if one failed.
    pub(crate) fn failed(&self) -> Option<Fate> {
        self.failed
    }

    pub(crate) fn signals(&self) -> SignalSet {
        self.signals
    }
}

impl Tx<'_> {
    /// Runs a statement and returns how many rows it changed.
    ///
    /// `sql` is one statement for both databases ([`differences`](crate::differences) says what to
    /// mind).
    ///
    /// # Errors
    /// [`StoreError`]; the transaction cannot go on after it.
    pub fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        self.usable()?;
        let result = match &mut self.backend {
            Backend::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Backend::Postgres(session) => session.execute(sql, params),
        };
        self.noted(result)
    }

    /// Runs a statement and returns its rows (`SELECT`, or anything with `RETURNING`).
    ///
    /// # Errors
    /// [`StoreError`]; the transaction cannot go on after it.
    pub fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.usable()?;
        let result = match &mut self.backend {
            Backend::Sqlite(connection) => sqlite::query(connection, sql, params),
            Backend::Postgres(session) => session.query(sql, params),
        };
        self.noted(result)
    }

    /// Runs a statement that finds one row at most.
    ///
    /// # Errors
    /// [`StoreError`]; the transaction cannot go on after it.
    pub fn query_opt(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let mut rows = self.query(sql, params)?;
        if rows.len() > 1 {
            return self.noted(Err(StoreError::SeveralRows { sql }.into()));
        }
        Ok(rows.pop())
    }

    /// Which database this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Wakes the subscribers of `signal` once this transaction is durable, and not at all if it is
    /// undone.
    pub fn after_commit(&mut self, signal: Signal) {
        self.signals.insert(signal);
    }

    fn usable(&self) -> Result<(), StoreError> {
        if self.failed.is_some() {
            Err(StoreError::Abandoned)
        } else {
            Ok(())
        }
    }

    fn noted<T>(&mut self, result: Result<T, Failed>) -> Result<T, StoreError> {
        result.map_err(|failed| {
            self.failed = Some(failed.fate);
            failed.error
        })
    }
}
