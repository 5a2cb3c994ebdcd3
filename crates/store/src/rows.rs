//! Rows as domain types: one module for each table, with its columns in one place.
//!
//! A column that does not hold what the program put there is corruption: never a default, never a panic.

pub mod account;
pub mod deposit;
pub mod endpoint;
pub mod invoice;
pub mod onchain;
pub mod suspense;
pub mod withdrawal;

use jiff::Timestamp;
use ledger::AccountNumber;
use money::Msat;
use payments::metadata::Metadata;

use crate::{Row, StoreError};

/// A time as both databases keep it: microseconds since 1970.
#[must_use]
pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(crate) fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(row.int(column)?).map_err(|_| row.corrupt(column, "a time"))
}

pub(crate) fn opt_time(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    row.opt_int(column)?.map(|_| time(row, column)).transpose()
}

pub(crate) fn msat(row: &Row, column: usize) -> Result<Msat, StoreError> {
    Msat::new(row.int(column)?).map_err(|_| row.corrupt(column, "an amount"))
}

pub(crate) fn opt_msat(row: &Row, column: usize) -> Result<Option<Msat>, StoreError> {
    row.opt_int(column)?.map(|_| msat(row, column)).transpose()
}

pub(crate) fn ledger_account(row: &Row, column: usize) -> Result<AccountNumber, StoreError> {
    AccountNumber::stored(row.int(column)?).ok_or_else(|| row.corrupt(column, "a ledger account"))
}

pub(crate) fn metadata(row: &Row, column: usize) -> Result<Option<Metadata>, StoreError> {
    Ok(row
        .opt_text(column)?
        .map(|text| Metadata::from_json(text.to_owned())))
}
