//! Balance, transactions, deposits, withdrawals and estimates (contract sections 3.1 to 3.6).
//!
//! Required fields may never be null, and optional ones are written as null, never left out.

use serde::Serialize;

use super::lightning_payment::LightningPayment;
use super::names::{NetworkType, RailType, RecipientType, TransactionStatus, TransactionType};
use crate::Metadata;
use crate::number::{Sats, whole_sats_from_msat};
use crate::schema::{Describe, Schemas, describe};
use crate::time::Micros;

/// The balance of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Whole satoshis, rounded down. The Go and Rust clients read a `u32`, so a balance above
    /// 42.9 BTC is shown as 4 294 967 295.
    balance: u32,
    /// The exact balance in millisatoshis (extension).
    balance_msat: i64,
}

impl Balance {
    /// Takes the balance in millisatoshis; one below zero is shown as 0 in `balance`.
    #[must_use]
    pub fn from_msat(balance_msat: i64) -> Self {
        let sats = whole_sats_from_msat(balance_msat).unwrap_or(0);
        Self {
            balance: u32::try_from(sats).unwrap_or(u32::MAX),
            balance_msat,
        }
    }
}

/// One row of the transaction list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// The id of the deposit or withdrawal.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// Whole satoshis.
    pub amount_sats: u64,
    /// The destination of a withdrawal; the invoice or address of a deposit.
    pub recipient: String,
    /// How the money moves.
    pub rail_type: RailType,
    /// The network it moves on.
    pub network_type: NetworkType,
    /// Which way it moves.
    #[serde(rename = "type")]
    pub kind: TransactionType,
    /// The fee in microsatoshis ([`crate::number::microsats_from_msat`]).
    pub fee_microsats: u64,
    /// Its state.
    pub status: TransactionStatus,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// A deposit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deposit {
    /// Its id.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// The id of the posting in the books; empty while there is none.
    pub ledger_tx_id: String,
    /// The paid BOLT 11 invoice of a Lightning deposit, else the address.
    pub recipient: String,
    /// Whole satoshis.
    pub amount_sats: u64,
    /// The fee that the account paid.
    pub fee_sats: Sats,
    /// The Bitcoin transaction, on-chain only.
    pub chain_tx_id: Option<String>,
    /// How the money moves.
    pub rail_type: RailType,
    /// The network it moves on.
    pub network_type: NetworkType,
    /// Its state.
    pub status: TransactionStatus,
    /// The metadata of the invoice or address.
    pub metadata: Metadata,
    /// The id of the invoice, Lightning only.
    pub lightning_invoice_id: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// A withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Its id.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// The id of the posting in the books; empty while there is none.
    pub ledger_tx_id: String,
    /// Whole satoshis that the recipient gets.
    pub amount_sats: u64,
    /// The destination as it was asked for.
    pub recipient: String,
    /// The fee that the account pays.
    pub fee_sats: Sats,
    /// The network it moves on.
    pub network_type: NetworkType,
    /// How the money moves.
    pub rail_type: RailType,
    /// Its state.
    pub status: TransactionStatus,
    /// What is known of the Lightning payment; null while there is nothing.
    pub lightning_payment: Option<LightningPayment>,
    /// The Bitcoin transaction, on-chain only.
    pub chain_tx_id: Option<String>,
    /// The metadata of the request.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// What a withdrawal would cost, and how likely it is to arrive.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The destination as it was asked for.
    pub recipient: String,
    /// What it turned out to be.
    pub recipient_type: RecipientType,
    /// Whole satoshis.
    pub amount_sats: u64,
    /// The fee that this server would take.
    pub bitvora_fee_sats: Sats,
    success_probability: Probability,
}

impl Estimate {
    /// An estimate. The probability is in thousandths, 0 to 1000; more counts as 1000.
    #[must_use]
    pub fn new(
        recipient: String,
        recipient_type: RecipientType,
        amount_sats: u64,
        bitvora_fee_sats: Sats,
        success_permille: u16,
    ) -> Self {
        let success_probability = Probability(success_permille.min(1_000));
        Self {
            recipient,
            recipient_type,
            amount_sats,
            bitvora_fee_sats,
            success_probability,
        }
    }
}

/// A probability in thousandths, written as a number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probability(u16);

impl Describe for Probability {
    fn describe(_: &mut Schemas) -> serde_json::Value {
        serde_json::json!({"type": "number", "minimum": 0, "maximum": 1})
    }
}

impl Serialize for Probability {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        // The same form as satoshis: thousandths in plain decimals, an integer when whole.
        Sats::from_msat(i64::from(self.0)).serialize(out)
    }
}

describe! { Balance, "Balance", flat [],
    balance => "balance",
    balance_msat => "balance_msat",
}

describe! { Transaction, "Transaction", flat [],
    id => "id",
    company_id => "company_id",
    amount_sats => "amount_sats",
    recipient => "recipient",
    rail_type => "rail_type",
    network_type => "network_type",
    kind => "type",
    fee_microsats => "fee_microsats",
    status => "status",
    created_at => "created_at",
    updated_at => "updated_at",
}

describe! { Deposit, "Deposit", flat [],
    id => "id",
    company_id => "company_id",
    ledger_tx_id => "ledger_tx_id",
    recipient => "recipient",
    amount_sats => "amount_sats",
    fee_sats => "fee_sats",
    chain_tx_id => "chain_tx_id",
    rail_type => "rail_type",
    network_type => "network_type",
    status => "status",
    metadata => "metadata",
    lightning_invoice_id => "lightning_invoice_id",
    created_at => "created_at",
    updated_at => "updated_at",
}

describe! { Withdrawal, "Withdrawal", flat [],
    id => "id",
    company_id => "company_id",
    ledger_tx_id => "ledger_tx_id",
    amount_sats => "amount_sats",
    recipient => "recipient",
    fee_sats => "fee_sats",
    network_type => "network_type",
    rail_type => "rail_type",
    status => "status",
    lightning_payment => "lightning_payment",
    chain_tx_id => "chain_tx_id",
    metadata => "metadata",
    created_at => "created_at",
    updated_at => "updated_at",
}

describe! { Estimate, "Estimate", flat [],
    recipient => "recipient",
    recipient_type => "recipient_type",
    amount_sats => "amount_sats",
    bitvora_fee_sats => "bitvora_fee_sats",
    success_probability => "success_probability",
}
