//! The sandbox's calls that change the chain: payments to addresses, their replacement, other branches.

use serde::Serialize;

use super::{integer, positive};
use crate::Problem;
use crate::fields::{Fields, invalid, missing};

/// What a payment of the counterparty pays for a virtual byte, in satoshi, when the request does not say.
const FEE_RATE_SAT_PER_VB: u64 = 2;

/// POST `/sandbox/send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// The Bitcoin address.
    pub address: String,
    /// The amount, above zero.
    pub amount_sats: u64,
    /// What it pays for a virtual byte, in satoshi: 1 to 1,000.
    pub fee_rate_sat_per_vb: u64,
}

impl SendRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let amount = integer(&fields, "amount_sats")?.ok_or_else(|| missing("amount_sats"))?;
        let fee_rate = integer(&fields, "fee_rate")?.map(u64::try_from);
        let fee_rate = fee_rate.unwrap_or(Ok(FEE_RATE_SAT_PER_VB)).ok();
        Ok(Self {
            address: fields.required_string("address")?,
            amount_sats: positive("amount_sats", amount)?.unsigned_abs(),
            fee_rate_sat_per_vb: fee_rate
                .filter(|rate| (1..=1_000).contains(rate))
                .ok_or_else(|| invalid("fee_rate", "it must be from 1 to 1000"))?,
        })
    }
}

/// POST `/sandbox/replace`: the id of the transaction, in hexadecimal.
///
/// # Errors
///
/// A [`Problem`] of class validation that names the field.
pub fn replaced_txid(body: &[u8]) -> Result<String, Problem> {
    Fields::parse(body)?.required_string("txid")
}

/// POST `/sandbox/reorg`: how many blocks leave the chain, at least 1; one when the request does not say.
///
/// # Errors
///
/// A [`Problem`] of class validation that names the field.
pub fn depth(body: &[u8]) -> Result<u32, Problem> {
    let fields = Fields::parse_optional(body)?;
    let depth = integer(&fields, "depth")?.unwrap_or(1);
    let depth = u32::try_from(depth).ok().filter(|depth| *depth > 0);
    depth.ok_or_else(|| invalid("depth", "it must be at least 1"))
}

/// A transaction of the counterparty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Its id, in hexadecimal.
    pub txid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named() {
        let wrong = [
            (r#"{"amount_sats":1}"#, "address"),
            (r#"{"address":"a"}"#, "amount_sats"),
            (r#"{"address":"a","amount_sats":0}"#, "amount_sats"),
            (r#"{"address":"a","amount_sats":-5}"#, "amount_sats"),
            (
                r#"{"address":"a","amount_sats":1,"fee_rate":0}"#,
                "fee_rate",
            ),
            (
                r#"{"address":"a","amount_sats":1,"fee_rate":-1}"#,
                "fee_rate",
            ),
        ];
        for (body, name) in wrong {
            let problem = SendRequest::parse(body.as_bytes()).expect_err(body);
            assert_eq!(problem.parameter(), Some(name), "{body}");
        }
        let sound = SendRequest::parse(br#"{"address":"a","amount_sats":7}"#).expect("sound");
        assert_eq!((sound.amount_sats, sound.fee_rate_sat_per_vb), (7, 2));
        assert_eq!(depth(b""), Ok(1));
        for body in [&br#"{"depth":0}"#[..], br#"{"depth":-1}"#] {
            let problem = depth(body).expect_err("no depth");
            assert_eq!(problem.parameter(), Some("depth"));
        }
        let problem = replaced_txid(b"{}").expect_err("nothing named");
        assert_eq!(problem.parameter(), Some("txid"));
    }
}
