//! What is known of a Lightning payment, in the style of LND (contract section 3.5).
//!
//! The published Rust client needs all 14 strings and the array, none of them null.

use serde::Serialize;

use crate::schema::describe;
use crate::time::Micros;

/// The payment behind a Lightning withdrawal: 14 strings and an empty `htlcs`.
///
/// Attempts are not listed: the Rust client cannot read an attempt as LND itself writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LightningPayment {
    payment_hash: String,
    value: String,
    creation_date: String,
    fee: String,
    payment_preimage: String,
    value_sat: String,
    value_msat: String,
    payment_request: String,
    status: &'static str,
    fee_sat: String,
    fee_msat: String,
    creation_time_ns: String,
    payment_index: String,
    failure_reason: &'static str,
    htlcs: [(); 0],
}

/// How far a payment is, with what is known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentOutcome<'a> {
    /// Under way: `IN_FLIGHT`.
    InFlight,
    /// Paid: `SUCCEEDED`.
    Succeeded {
        /// The preimage, 64 hexadecimal characters; it proves the payment.
        preimage: &'a str,
        /// The routing fee in millisatoshis.
        fee_msat: u64,
    },
    /// Not paid: `FAILED`, with the reason in LND's words.
    Failed {
        /// For example `FAILURE_REASON_NO_ROUTE`.
        reason: &'static str,
    },
}

impl LightningPayment {
    /// A payment of `amount_msat`, created at `created_at`.
    #[must_use]
    pub fn new(
        payment_hash: String,
        payment_request: String,
        amount_msat: u64,
        created_at: Micros,
        outcome: PaymentOutcome<'_>,
    ) -> Self {
        let (status, preimage, fee_msat, failure_reason) = match outcome {
            PaymentOutcome::InFlight => ("IN_FLIGHT", "", 0, "FAILURE_REASON_NONE"),
            PaymentOutcome::Succeeded { preimage, fee_msat } => {
                ("SUCCEEDED", preimage, fee_msat, "FAILURE_REASON_NONE")
            }
            PaymentOutcome::Failed { reason } => ("FAILED", "", 0, reason),
        };
        let value_sat = (amount_msat / 1_000).to_string();
        let fee_sat = (fee_msat / 1_000).to_string();
        Self {
            payment_hash,
            value: value_sat.clone(),
            creation_date: created_at.unix_seconds().to_string(),
            fee: fee_sat.clone(),
            payment_preimage: preimage.to_owned(),
            value_sat,
            value_msat: amount_msat.to_string(),
            payment_request,
            status,
            fee_sat,
            fee_msat: fee_msat.to_string(),
            creation_time_ns: (i128::from(created_at.unix_micros()) * 1_000).to_string(),
            payment_index: "1".to_owned(),
            failure_reason,
            htlcs: [],
        }
    }
}

describe! { LightningPayment, "LightningPayment", flat [],
    payment_hash => "payment_hash",
    value => "value",
    creation_date => "creation_date",
    fee => "fee",
    payment_preimage => "payment_preimage",
    value_sat => "value_sat",
    value_msat => "value_msat",
    payment_request => "payment_request",
    status => "status",
    fee_sat => "fee_sat",
    fee_msat => "fee_msat",
    creation_time_ns => "creation_time_ns",
    payment_index => "payment_index",
    failure_reason => "failure_reason",
    htlcs => "htlcs",
}
