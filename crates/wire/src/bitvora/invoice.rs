//! A Lightning invoice (contract sections 3.7 and 3.8).
//!
//! The preimage must never be shown before the invoice is settled.

use serde::Serialize;

use super::names::InvoiceState;
use crate::Metadata;
use crate::schema::{Describe, Schemas, describe};
use crate::time::Micros;

/// A Lightning invoice.
///
/// `amount_sats` is written twice, also as `value`: the TypeScript and Python clients read one name
/// and the others the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// The public key of the node that is paid; empty when it is withheld.
    pub node_id: String,
    /// The description; empty when there is none.
    pub memo: String,
    /// The preimage, 64 hexadecimal characters, and empty before settlement.
    pub r_preimage: String,
    /// The payment hash, 64 hexadecimal characters.
    pub r_hash: String,
    /// Whole satoshis.
    pub amount_sats: u64,
    /// The state; `settled` follows from it.
    pub state: InvoiceState,
    /// When it was settled; written as an empty string before.
    pub settled_at: Option<Micros>,
    /// The BOLT 11 text.
    pub payment_request: String,
    /// The hash of a long description, in hexadecimal; empty when there is none.
    pub description_hash: String,
    /// How long it can be paid, in seconds from its creation; written as a string.
    pub expiry_seconds: u64,
    /// The metadata of the request.
    pub metadata: Metadata,
    /// The Lightning address it was made for.
    pub lightning_address_id: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    company_id: &'a str,
    node_id: &'a str,
    memo: &'a str,
    r_preimage: &'a str,
    r_hash: &'a str,
    value: u64,
    amount_sats: u64,
    settled: bool,
    creation_date: Micros,
    settle_date: String,
    payment_request: &'a str,
    description_hash: &'a str,
    expiry: String,
    state: InvoiceState,
    metadata: &'a Metadata,
    lightning_address_id: Option<&'a str>,
    created_at: Micros,
    updated_at: Micros,
}

impl Describe for Invoice {
    fn describe(schemas: &mut Schemas) -> serde_json::Value {
        Body::describe(schemas)
    }
}

impl Serialize for Invoice {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let settled = self.state == InvoiceState::Settled;
        Body {
            id: &self.id,
            company_id: &self.company_id,
            node_id: &self.node_id,
            memo: &self.memo,
            r_preimage: if settled { &self.r_preimage } else { "" },
            r_hash: &self.r_hash,
            value: self.amount_sats,
            amount_sats: self.amount_sats,
            settled,
            creation_date: self.created_at,
            settle_date: self
                .settled_at
                .map_or_else(String::new, |at| at.to_string()),
            payment_request: &self.payment_request,
            description_hash: &self.description_hash,
            expiry: self.expiry_seconds.to_string(),
            state: self.state,
            metadata: &self.metadata,
            lightning_address_id: self.lightning_address_id.as_deref(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
        .serialize(out)
    }
}

describe! { Body<'_>, "Invoice", flat [],
    id => "id",
    company_id => "company_id",
    node_id => "node_id",
    memo => "memo",
    r_preimage => "r_preimage",
    r_hash => "r_hash",
    value => "value",
    amount_sats => "amount_sats",
    settled => "settled",
    creation_date => "creation_date",
    settle_date => "settle_date",
    payment_request => "payment_request",
    description_hash => "description_hash",
    expiry => "expiry",
    state => "state",
    metadata => "metadata",
    lightning_address_id => "lightning_address_id",
    created_at => "created_at",
    updated_at => "updated_at",
}
