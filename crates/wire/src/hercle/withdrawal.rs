//! The payloads of a Lightning withdrawal on the hub (contract sections 5.1 and 5.4).
//!
//! The later events repeat the fields of the first, so that a client needs to keep nothing.

use serde::Serialize;

use super::names::FailureReason;
use crate::number::Btc;

/// `data` of `…created`: the withdrawal has been accepted, status `PENDING`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithdrawalCreated(Payment);

/// `data` of `…completed`: the withdrawal has been paid, status `SUCCESS`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithdrawalCompleted {
    #[serde(flatten)]
    payment: Payment,
    #[serde(rename = "feeBTC")]
    fee_btc: Btc,
    preimage: String,
}

/// `data` of `…failed`: the withdrawal has not been paid, status `FAILED`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithdrawalFailed {
    #[serde(flatten)]
    payment: Payment,
    reason: FailureReason,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    http_status_code: u16,
    payment_id: String,
    status: &'static str,
    #[serde(rename = "amountBTC")]
    amount_btc: Btc,
    destination_public_key: String,
    message: &'static str,
}

impl WithdrawalCreated {
    /// `destination_public_key` is the node key of the recipient, 66 hexadecimal characters.
    #[must_use]
    pub const fn new(payment_id: String, amount_msat: i64, destination_public_key: String) -> Self {
        Self(Payment {
            http_status_code: 200,
            payment_id,
            status: "PENDING",
            amount_btc: Btc::from_msat(amount_msat),
            destination_public_key,
            message: "Lightning withdrawal created successfully",
        })
    }

    /// The payload of the event that says that it has been paid, for `fee_msat`.
    #[must_use]
    pub fn completed(self, fee_msat: i64, preimage: String) -> WithdrawalCompleted {
        let payment = Payment {
            status: "SUCCESS",
            message: "Lightning withdrawal completed",
            ..self.0
        };
        WithdrawalCompleted {
            payment,
            fee_btc: Btc::from_msat(fee_msat),
            preimage,
        }
    }

    /// The payload of the event that says that it has failed.
    #[must_use]
    pub fn failed(self, reason: FailureReason) -> WithdrawalFailed {
        let payment = Payment {
            http_status_code: 400,
            status: "FAILED",
            message: "Lightning withdrawal failed",
            ..self.0
        };
        WithdrawalFailed { payment, reason }
    }
}
