//! What PostgreSQL's errors mean (Appendix A of its manual).

use postgres::error::{DbError, SqlState};

use crate::tx::{Failed, Fate};
use crate::{Cause, Constraint, StoreError};

/// The code and message, without the detail, which quotes the values of rows.
pub(crate) fn cause_of(error: &postgres::Error) -> Cause {
    match error.as_db_error() {
        Some(db) => Cause::new(db.code().code(), db.message()),
        None => Cause::new(
            "connection",
            std::error::Error::source(error)
                .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
        ),
    }
}

/// Whether the database itself ended the transaction so that it be run again.
pub(crate) fn asks_again(error: &postgres::Error) -> bool {
    let again = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| again.contains(code))
}

/// A statement that failed.
pub(crate) fn failed(error: &postgres::Error, sql: &'static str) -> Failed {
    let cause = cause_of(error);
    match error.as_db_error() {
        // Without a word from the database, the connection has ended.
        None => Failed {
            error: StoreError::Unavailable(cause),
            fate: Fate::Lost,
        },
        Some(_) if asks_again(error) => Failed {
            error: StoreError::Unavailable(cause),
            fate: Fate::Again,
        },
        Some(db) => refused(db, sql, cause),
    }
}

fn refused(db: &DbError, sql: &'static str, cause: Cause) -> Failed {
    if *db.code() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE {
        return StoreError::Conflict(Constraint::IntegerRange).into();
    }
    if *db.code() == SqlState::READ_ONLY_SQL_TRANSACTION {
        return StoreError::ReadOnly.into();
    }
    if *db.code() == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT {
        let error = StoreError::Unavailable(cause);
        let fate = Fate::Lost;
        return Failed { error, fate };
    }
    match db.code().code().get(..2) {
        Some("23") => {
            let name = db.constraint().unwrap_or(db.message());
            StoreError::Conflict(Constraint::from_postgres(name)).into()
        }
        // Connection exceptions, operator intervention: the server ends the session.
        Some("08" | "57") => Failed {
            error: StoreError::Unavailable(cause),
            fate: Fate::Lost,
        },
        // Insufficient resources, system and internal errors.
        Some("53" | "58" | "XX") => StoreError::Unavailable(cause).into(),
        _ => StoreError::Statement { sql, cause }.into(),
    }
}
