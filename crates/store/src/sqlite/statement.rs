//! Running one statement on SQLite, and what its errors mean.

use std::cell::RefCell;
use std::collections::HashSet;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql, ffi};

use crate::tx::Failed;
use crate::{Cause, Constraint, Row, StoreError, Value};

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// Runs a statement and returns how many rows it changed.
pub(crate) fn execute(
    connection: &Connection,
    sql: &'static str,
    params: &[Value],
) -> Result<u64, Failed> {
    let failed = |error| Failed::from(store_error(&error, sql));
    let mut statement = prepare(connection, sql, params)?;
    let changed = statement.raw_execute().map_err(failed)?;
    Ok(u64::try_from(changed).expect("a usize fits into 64 bits"))
}

/// Runs a statement and returns its rows.
pub(crate) fn query(
    connection: &Connection,
    sql: &'static str,
    params: &[Value],
) -> Result<Vec<Row>, Failed> {
    let failed = |error| Failed::from(store_error(&error, sql));
    let mut statement = prepare(connection, sql, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = (0..columns).map(|column| {
            owned(row.get_ref(column).map_err(failed)?).ok_or_else(|| corrupt(sql, column).into())
        });
        found.push(Row::new(sql, values.collect::<Result<_, Failed>>()?));
    }
    Ok(found)
}

/// Prepares the statement and binds its parameters.
///
/// SQLite numbers `$1`, `$2`, … by their first use and not by their number, so a statement that
/// uses them in another order would silently mix them up: it is refused.
fn prepare<'c>(
    connection: &'c Connection,
    sql: &'static str,
    params: &[Value],
) -> Result<CachedStatement<'c>, Failed> {
    let failed = |error| Failed::from(store_error(&error, sql));
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    if statement.parameter_count() != params.len() {
        let message = format!(
            "{} parameters, {} given",
            statement.parameter_count(),
            params.len()
        );
        return Err(StoreError::Statement {
            sql,
            cause: Cause::new("parameters", message),
        }
        .into());
    }
    if !KNOWN_GOOD.with_borrow(|known| known.contains(&(sql.as_ptr(), sql.len()))) {
        check_order(&statement, sql)?;
        KNOWN_GOOD.with_borrow_mut(|known| known.insert((sql.as_ptr(), sql.len())));
    }
    for (index, value) in (1..).zip(params) {
        statement.raw_bind_parameter(index, value).map_err(failed)?;
    }
    Ok(statement)
}

thread_local! {
    /// The texts of statements, by their places, whose parameters were looked at before: they live for ever, and
    /// looking at every parameter every time costs as much as a look-up.
    static KNOWN_GOOD: RefCell<HashSet<(*const u8, usize)>> = RefCell::default();
}

/// Whether each parameter is first used in the order of its number.
fn check_order(statement: &CachedStatement<'_>, sql: &'static str) -> Result<(), Failed> {
    for index in 1..=statement.parameter_count() {
        let name = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'));
        if name.and_then(|number| number.parse().ok()) != Some(index) {
            let message = format!("parameter {index} is not first used as number {index}");
            let cause = Cause::new("parameters", message);
            return Err(StoreError::Statement { sql, cause }.into());
        }
    }
    Ok(())
}

fn owned(value: ValueRef<'_>) -> Option<Value> {
    match value {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(value) => Some(Value::Int(value)),
        ValueRef::Text(value) => String::from_utf8(value.to_vec()).ok().map(Value::Text),
        ValueRef::Blob(value) => Some(Value::Bytes(value.to_vec())),
        ValueRef::Real(_) => None,
    }
}

fn corrupt(sql: &'static str, column: usize) -> StoreError {
    StoreError::Corrupt {
        sql,
        column,
        expected: "an integer, a text or bytes",
    }
}

/// The error for the act that ran the statement.
fn store_error(error: &rusqlite::Error, sql: &'static str) -> StoreError {
    let cause = cause_of(error);
    let Some(code) = error.sqlite_error() else {
        return StoreError::Statement { sql, cause };
    };
    match code.code {
        ErrorCode::ConstraintViolation => match code.extended_code {
            // Overflowing arithmetic gives a REAL, which a STRICT column does not take.
            ffi::SQLITE_CONSTRAINT_DATATYPE if cause.message.starts_with("cannot store REAL") => {
                StoreError::Conflict(Constraint::IntegerRange)
            }
            ffi::SQLITE_CONSTRAINT_DATATYPE => StoreError::Statement { sql, cause },
            _ => StoreError::Conflict(Constraint::from_sqlite(&cause.message)),
        },
        ErrorCode::ReadOnly => StoreError::ReadOnly,
        ErrorCode::Unknown if cause.message == "integer overflow" => {
            StoreError::Conflict(Constraint::IntegerRange)
        }
        ErrorCode::Unknown
        | ErrorCode::ApiMisuse
        | ErrorCode::ParameterOutOfRange
        | ErrorCode::TooBig
        | ErrorCode::TypeMismatch => StoreError::Statement { sql, cause },
        _ => StoreError::Unavailable(cause),
    }
}

/// SQLite's code and message.
pub(crate) fn cause_of(error: &rusqlite::Error) -> Cause {
    let code = error.sqlite_error().map_or(0, |code| code.extended_code);
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    Cause::new(format!("SQLite {code}"), message)
}
