//! Why a transaction was refused, in Bitcoin Core's words.
//!
//! The list is closed: every variant is a check of `validate`, named as Core names it, so that
//! software written against Core recognises it.

use std::io;

use bitcoin::OutPoint;

/// A refused transaction. [`Reject::reason`] is Core's reject reason; the codes are those of the
/// `sendrawtransaction` RPC ([`Reject::rpc_code`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// No inputs: `bad-txns-vin-empty`.
    #[error("bad-txns-vin-empty")]
    VinEmpty,
    /// No outputs: `bad-txns-vout-empty`.
    #[error("bad-txns-vout-empty")]
    VoutEmpty,
    /// Without witness it would not fit into a block: `bad-txns-oversize`.
    #[error("bad-txns-oversize")]
    Oversize,
    /// An output below zero, as the signed number it is on the wire: `bad-txns-vout-negative`.
    #[error("bad-txns-vout-negative")]
    VoutNegative,
    /// An output above 21 million bitcoin: `bad-txns-vout-toolarge`.
    #[error("bad-txns-vout-toolarge")]
    VoutTooLarge,
    /// All outputs together above 21 million bitcoin: `bad-txns-txouttotal-toolarge`.
    #[error("bad-txns-txouttotal-toolarge")]
    VoutTotalTooLarge,
    /// Two inputs spend the same output: `bad-txns-inputs-duplicate`.
    #[error("bad-txns-inputs-duplicate")]
    InputsDuplicate,
    /// A coinbase whose script is not 2 to 100 bytes long: `bad-cb-length`.
    #[error("bad-cb-length")]
    CoinbaseLength,
    /// An input without an output to spend, as only a coinbase may have: `bad-txns-prevout-null`.
    #[error("bad-txns-prevout-null")]
    PrevoutNull,
    /// Only a block brings a coinbase: `coinbase`.
    #[error("coinbase")]
    Coinbase,
    /// Heavier than 400,000 weight units: `tx-size`.
    #[error("tx-size")]
    TooHeavy,
    /// Below 65 bytes without witness, which merkle trees can be fooled with: `tx-size-small`.
    #[error("tx-size-small")]
    TooSmall,
    /// An output not worth its own spending at 3 sat/vB: `dust`.
    #[error("dust")]
    Dust,
    /// The lock time lies ahead of the next block: `non-final`.
    #[error("non-final")]
    NonFinal,
    /// The very same transaction is in the mempool: `txn-already-in-mempool`.
    #[error("txn-already-in-mempool")]
    AlreadyInMempool,
    /// It is in the mempool with another witness: `txn-same-nonwitness-data-in-mempool`.
    #[error("txn-same-nonwitness-data-in-mempool")]
    SameNonWitnessDataInMempool,
    /// It spends an output of a transaction that it replaces: `bad-txns-spends-conflicting-tx`.
    #[error("bad-txns-spends-conflicting-tx")]
    SpendsConflicting,
    /// It pays too little for what it replaces in the mempool: `insufficient fee`.
    #[error("insufficient fee")]
    InsufficientFee,
    /// It would replace more than 100 transactions: `too many potential replacements`.
    #[error("too many potential replacements")]
    TooManyReplacements,
    /// It replaces, and spends an unconfirmed output that what it replaces did not: `replacement-adds-unconfirmed`.
    #[error("replacement-adds-unconfirmed")]
    AddsUnconfirmed,
    /// A block holds it already: `txn-already-known`.
    #[error("txn-already-known")]
    AlreadyKnown,
    /// An input's output is unknown or spent: `bad-txns-inputs-missingorspent`.
    #[error("bad-txns-inputs-missingorspent")]
    InputsMissingOrSpent {
        /// The first such output.
        outpoint: OutPoint,
    },
    /// A relative lock (BIP 68) has not run out at the next block: `non-BIP68-final`.
    #[error("non-BIP68-final")]
    NonBip68Final,
    /// A coinbase spent before 100 blocks have passed: `bad-txns-premature-spend-of-coinbase`.
    #[error("bad-txns-premature-spend-of-coinbase")]
    PrematureCoinbaseSpend,
    /// Inputs above 21 million bitcoin: `bad-txns-inputvalues-outofrange`.
    #[error("bad-txns-inputvalues-outofrange")]
    InputValuesOutOfRange,
    /// Outputs worth more than inputs: `bad-txns-in-belowout`.
    #[error("bad-txns-in-belowout")]
    InBelowOut,
    /// Signature operations cost more than 16,000: `bad-txns-too-many-sigops`.
    #[error("bad-txns-too-many-sigops")]
    TooManySigops,
    /// Below 1 sat/vB: `min relay fee not met`.
    #[error("min relay fee not met, {fee_sat} < {required_sat}")]
    MinRelayFeeNotMet {
        /// What it pays, in satoshi.
        fee_sat: u64,
        /// What it would have to pay, in satoshi.
        required_sat: u64,
    },
    /// A script failed: `mandatory-script-verify-flag-failed`. libbitcoinconsensus does not say
    /// how, which Core words as `unknown error`.
    #[error("mandatory-script-verify-flag-failed (unknown error)")]
    Script {
        /// The number of the input.
        vin: usize,
    },
    /// Not Core's: the transaction is valid, but the chain's log could not be written. The log
    /// takes nothing more until it is opened anew.
    #[error("chain log not written ({kind})")]
    NotStored {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

impl Reject {
    /// Core's reject reason without any figures, such as `bad-txns-in-belowout`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::VinEmpty => "bad-txns-vin-empty",
            Self::VoutEmpty => "bad-txns-vout-empty",
            Self::Oversize => "bad-txns-oversize",
            Self::VoutNegative => "bad-txns-vout-negative",
            Self::VoutTooLarge => "bad-txns-vout-toolarge",
            Self::VoutTotalTooLarge => "bad-txns-txouttotal-toolarge",
            Self::InputsDuplicate => "bad-txns-inputs-duplicate",
            Self::CoinbaseLength => "bad-cb-length",
            Self::PrevoutNull => "bad-txns-prevout-null",
            Self::Coinbase => "coinbase",
            Self::TooHeavy => "tx-size",
            Self::TooSmall => "tx-size-small",
            Self::Dust => "dust",
            Self::NonFinal => "non-final",
            Self::AlreadyInMempool => "txn-already-in-mempool",
            Self::SameNonWitnessDataInMempool => "txn-same-nonwitness-data-in-mempool",
            Self::SpendsConflicting => "bad-txns-spends-conflicting-tx",
            Self::InsufficientFee => "insufficient fee",
            Self::TooManyReplacements => "too many potential replacements",
            Self::AddsUnconfirmed => "replacement-adds-unconfirmed",
            Self::AlreadyKnown => "txn-already-known",
            Self::InputsMissingOrSpent { .. } => "bad-txns-inputs-missingorspent",
            Self::NonBip68Final => "non-BIP68-final",
            Self::PrematureCoinbaseSpend => "bad-txns-premature-spend-of-coinbase",
            Self::InputValuesOutOfRange => "bad-txns-inputvalues-outofrange",
            Self::InBelowOut => "bad-txns-in-belowout",
            Self::TooManySigops => "bad-txns-too-many-sigops",
            Self::MinRelayFeeNotMet { .. } => "min relay fee not met",
            Self::Script { .. } => "mandatory-script-verify-flag-failed (unknown error)",
            Self::NotStored { .. } => "chain log not written",
        }
    }

    /// The error code of Core's `sendrawtransaction`: −25 for missing inputs, −27 for what a block
    /// already holds, −26 for everything else.
    pub fn rpc_code(&self) -> i32 {
        match self {
            Self::InputsMissingOrSpent { .. } => -25,
            Self::AlreadyKnown => -27,
            _ => -26,
        }
    }
}
