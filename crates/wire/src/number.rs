//! Amounts written as JSON numbers, from integer millisatoshis.
//!
//! What it writes must be a fixed point of `JSON.stringify(JSON.parse(x))` wherever JavaScript
//! writes plain decimals, because the documented Bitvora webhook check hashes the parsed body
//! again. So it never writes `1.0`, `-0` or an exponent, and never a number that a double cannot
//! hold. It must never be used to calculate: it is the last step before the wire.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The largest integer that JavaScript keeps exactly, 2^53 − 1.
pub const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// An amount in satoshis as a JSON number: an integer if whole, else with up to 3 decimals.
///
/// Equality is that of the millisatoshis. Above 10 000 BTC a fraction may not fit a double; the
/// nearest double is written then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sats {
    amount_msat: i64,
}

impl Sats {
    /// Takes an amount in millisatoshis.
    #[must_use]
    pub const fn from_msat(amount_msat: i64) -> Self {
        Self { amount_msat }
    }
}

impl std::fmt::Display for Sats {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&plain(self.amount_msat, 3))
    }
}

impl Serialize for Sats {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        raw_number(plain(self.amount_msat, 3), out)
    }
}

/// An amount in bitcoin as a JSON number in plain decimals, the nearest double to the exact value.
///
/// One millisatoshi is `0.00000000001`. JavaScript would write such a number (below 0.000001) with
/// an exponent, so this type has no place in a Bitvora webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Btc {
    amount_msat: i64,
}

impl Btc {
    /// Takes an amount in millisatoshis.
    #[must_use]
    pub const fn from_msat(amount_msat: i64) -> Self {
        Self { amount_msat }
    }

    /// The amount in BTC, rounded once, to the nearest double.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        nearest(&exact(self.amount_msat, 11))
    }
}

impl std::fmt::Display for Btc {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&plain(self.amount_msat, 11))
    }
}

impl Serialize for Btc {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        raw_number(plain(self.amount_msat, 11), out)
    }
}

/// Converts millisatoshis to microsatoshis (1 sat is 1 000 000 microsats), the unit of
/// `fee_microsats`. `None` for a negative amount and for one beyond [`MAX_SAFE_INTEGER`]
/// (a fee above 90 BTC).
#[must_use]
pub fn microsats_from_msat(amount_msat: i64) -> Option<u64> {
    let microsats = u64::try_from(amount_msat).ok()?.checked_mul(1_000)?;
    (microsats <= MAX_SAFE_INTEGER).then_some(microsats)
}

/// The number of whole satoshis in an amount, rounded down; `None` for a negative amount.
#[must_use]
pub fn whole_sats_from_msat(amount_msat: i64) -> Option<u64> {
    u64::try_from(amount_msat).ok().map(|msat| msat / 1_000)
}

/// Writes `value / 10^decimals` as a double in plain decimals, shortest form.
///
/// Rust's `Display` for `f64` writes the shortest digits that read back to the same double, as V8
/// does, and never an exponent.
fn plain(value: i64, decimals: usize) -> String {
    nearest(&exact(value, decimals)).to_string()
}

/// Writes `value / 10^decimals` exactly.
fn exact(value: i64, decimals: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// The double nearest to a decimal text; `str::parse` rounds correctly and once.
fn nearest(decimal: &str) -> f64 {
    decimal
        .parse()
        .expect("only digits, a sign and one point were written")
}

fn raw_number<S: Serializer>(text: String, out: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(text)
        .map_err(S::Error::custom)?
        .serialize(out)
}

#[cfg(test)]
mod tests;
