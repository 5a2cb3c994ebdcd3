//! The optional filters of the transaction list (extension; no published client sends them).
//!
//! Unknown names are ignored, as the rest of the query is; a known one with a value that is none is refused.

use jiff::Timestamp;

use super::names::{RailType, TransactionStatus, TransactionType};
use super::transaction::Transaction;
use crate::fields::invalid;
use crate::{Metadata, Problem};

/// Which transactions are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    status: Option<TransactionStatus>,
    kind: Option<TransactionType>,
    rail: Option<RailType>,
    /// Made at this time or later, in microseconds since 1970.
    pub from: Option<i64>,
    /// Made before this time, in microseconds since 1970.
    pub to: Option<i64>,
    metadata: Vec<(String, String)>,
}

impl TransactionFilter {
    /// Reads the decoded pairs of a query string.
    ///
    /// # Errors
    ///
    /// [`Problem::InvalidParameter`] for a value that is none.
    pub fn from_pairs<'a, I>(pairs: I) -> Result<Self, Problem>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut filter = Self::default();
        for (name, value) in pairs {
            match name {
                "status" => filter.status = Some(known("status", value)?),
                "type" => filter.kind = Some(known("type", value)?),
                "rail_type" => filter.rail = Some(known("rail_type", value)?),
                "from" => filter.from = Some(time("from", value)?),
                "to" => filter.to = Some(time("to", value)?),
                "metadata" => {
                    let pair = value.split_once('=');
                    let (key, value) =
                        pair.ok_or_else(|| invalid("metadata", "it must be key=value"))?;
                    filter.metadata.push((key.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether a transaction with this metadata is among them.
    #[must_use]
    pub fn takes(&self, transaction: &Transaction, metadata: &Metadata) -> bool {
        let made = transaction.created_at.unix_micros();
        self.status
            .is_none_or(|status| status == transaction.status)
            && self.kind.is_none_or(|kind| kind == transaction.kind)
            && self.rail.is_none_or(|rail| rail == transaction.rail_type)
            && self.from.is_none_or(|from| made >= from)
            && self.to.is_none_or(|to| made < to)
            && self
                .metadata
                .iter()
                .all(|(key, value)| metadata.get(key) == Some(value))
    }
}

fn known<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|_| invalid(name, "it is none of the known values"))
}

/// A time of RFC 3339, in microseconds since 1970.
///
/// # Errors
///
/// [`Problem::InvalidParameter`] for anything else.
pub fn time(name: &'static str, value: &str) -> Result<i64, Problem> {
    let parsed: Result<Timestamp, _> = value.parse();
    parsed
        .map(Timestamp::as_microsecond)
        .map_err(|_| invalid(name, "it must be a time such as 2026-01-31T12:00:00Z"))
}
