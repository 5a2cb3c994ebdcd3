//! Money in suspense in the admin API.

use serde::Serialize;

use crate::Problem;
use crate::fields::Fields;
use crate::schema::describe;
use crate::time::Micros;

/// POST `/admin/v1/suspense/{id}/assign`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignSuspendedRequest {
    /// The account that gets the money. It must be named, also while there is only one.
    pub account_id: String,
}

impl AssignSuspendedRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            account_id: Fields::parse(body)?.required_string("account_id")?,
        })
    }
}

/// Money that came in and could not be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspendedItem {
    /// Its id.
    pub id: String,
    /// `open` or `assigned`.
    pub state: String,
    /// Why it could not be placed: `no_invoice`, `paid_internally` or `paid_again`.
    pub reason: String,
    /// What came, in millisatoshis.
    pub amount_msat: i64,
    /// The payment hash it came for, in hex.
    pub payment_hash: String,
    /// The invoice with that hash, when there was one.
    pub invoice_id: Option<String>,
    /// The account that got it.
    pub account_id: Option<String>,
    /// The deposit by which the account has it.
    pub deposit_id: Option<String>,
    /// When it came.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

describe! { SuspendedItem, "SuspendedItem", flat [],
    id => "id",
    state => "state",
    reason => "reason",
    amount_msat => "amount_msat",
    payment_hash => "payment_hash",
    invoice_id => "invoice_id",
    account_id => "account_id",
    deposit_id => "deposit_id",
    created_at => "created_at",
    updated_at => "updated_at",
}
