//! What can be said of a transaction without knowing the chain.
//!
//! Consensus first (Core: `CheckTransaction`), then the policy that a relaying node adds: no
//! coinbase, neither too heavy nor too small, no dust. Unusual scripts are let through on purpose;
//! a development chain is the place to try them.

use std::collections::HashSet;

use bitcoin::{Amount, OutPoint, Transaction, Weight};

use crate::reject::Reject;

/// Core: `MAX_STANDARD_TX_WEIGHT`.
const MAX_STANDARD_WEIGHT: Weight = Weight::from_wu(400_000);
/// Core: `MIN_STANDARD_TX_NONWITNESS_SIZE`, in bytes.
const MIN_BASE_SIZE: usize = 65;

pub(super) fn check(tx: &Transaction) -> Result<(), Reject> {
    check_consensus(tx)?;
    if tx.is_coinbase() {
        return Err(Reject::Coinbase);
    }
    if tx.weight() > MAX_STANDARD_WEIGHT {
        return Err(Reject::TooHeavy);
    }
    if tx
        .output
        .iter()
        .any(|output| output.value < output.script_pubkey.minimal_non_dust())
    {
        return Err(Reject::Dust);
    }
    if tx.base_size() < MIN_BASE_SIZE {
        return Err(Reject::TooSmall);
    }
    Ok(())
}

fn check_consensus(tx: &Transaction) -> Result<(), Reject> {
    if tx.input.is_empty() {
        return Err(Reject::VinEmpty);
    }
    if tx.output.is_empty() {
        return Err(Reject::VoutEmpty);
    }
    let base_weight = Weight::from_non_witness_data_size(tx.base_size() as u64);
    if base_weight > Weight::MAX_BLOCK {
        return Err(Reject::Oversize);
    }
    check_values(tx)?;
    let mut seen = HashSet::with_capacity(tx.input.len());
    if !tx
        .input
        .iter()
        .all(|input| seen.insert(input.previous_output))
    {
        return Err(Reject::InputsDuplicate);
    }
    if tx.is_coinbase() {
        if !(2..=100).contains(&tx.input[0].script_sig.len()) {
            return Err(Reject::CoinbaseLength);
        }
    } else if seen.contains(&OutPoint::null()) {
        return Err(Reject::PrevoutNull);
    }
    Ok(())
}

fn check_values(tx: &Transaction) -> Result<(), Reject> {
    let mut total = Amount::ZERO;
    for output in &tx.output {
        // On the wire an amount is signed; rust-bitcoin reads it as unsigned.
        if i64::try_from(output.value.to_sat()).is_err() {
            return Err(Reject::VoutNegative);
        }
        if output.value > Amount::MAX_MONEY {
            return Err(Reject::VoutTooLarge);
        }
        total = total
            .checked_add(output.value)
            .ok_or(Reject::VoutTotalTooLarge)?;
        if total > Amount::MAX_MONEY {
            return Err(Reject::VoutTotalTooLarge);
        }
    }
    Ok(())
}
