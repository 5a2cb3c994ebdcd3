//! The Lightning withdrawal over Hercle's REST (contract section 6.1).
//!
//! Unlike the hub event, the answer has no `httpStatusCode` and no `message`.

use serde::Serialize;

use crate::Problem;
use crate::fields::{Fields, missing};
use crate::number::Btc;

/// POST `/api/v1/lightning/withdrawals`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestWithdrawalRequest {
    /// The BOLT 11 invoice, despite the name of the field, `paymentRequestHash`.
    pub payment_request: String,
}

impl RestWithdrawalRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let text = Fields::parse(body)?.required_string("paymentRequestHash")?;
        match text.trim() {
            "" => Err(missing("paymentRequestHash")),
            trimmed => Ok(Self {
                payment_request: trimmed.to_owned(),
            }),
        }
    }
}

/// The answer, with status 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestWithdrawal {
    payment_id: String,
    status: &'static str,
    #[serde(rename = "amountBTC")]
    amount_btc: Btc,
    destination_public_key: String,
}

impl RestWithdrawal {
    /// `closed` says whether the payment has ended; the documented values are `OPEN`, `CLOSED`.
    #[must_use]
    pub const fn new(
        payment_id: String,
        closed: bool,
        amount_msat: i64,
        destination_public_key: String,
    ) -> Self {
        Self {
            payment_id,
            status: if closed { "CLOSED" } else { "OPEN" },
            amount_btc: Btc::from_msat(amount_msat),
            destination_public_key,
        }
    }
}
