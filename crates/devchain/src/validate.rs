//! Whether a transaction may enter the mempool: every check of Bitcoin Core that decides it.
//!
//! The order is Core's (`MemPoolAccept::PreChecks`), so that a transaction with several faults is
//! refused for the same one. It reads the state, never changes it, and never asks the clock.

mod locks;
mod replacement;
mod scripts;
mod structure;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bitcoin::{Amount, Transaction, TxOut, Txid, Weight};

use crate::block::COINBASE_MATURITY;
use crate::mempool::Entry;
use crate::reject::Reject;
use crate::state::State;

/// Core: `MAX_STANDARD_TX_SIGOPS_COST`, a fifth of a block's limit.
const MAX_SIGOP_COST: usize = 16_000;
/// Core: `DEFAULT_BYTES_PER_SIGOP`: a signature operation counts as 20 bytes of witness.
const WEIGHT_PER_SIGOP: u64 = 20;
/// Core: `DEFAULT_MIN_RELAY_TX_FEE`, 1,000 sat per 1,000 vB. LDK's lowest commitment fee, 253 sat
/// per 1,000 weight units, is 1,012 of these: chosen by LDK to stay above in spite of rounding.
const MIN_RELAY_FEE_SAT_PER_KVB: u64 = 1_000;

/// An output that a transaction wants to spend, and what its spending depends on.
#[derive(Debug, Clone)]
pub(crate) struct Spendable {
    pub(crate) output: TxOut,
    /// The height of its block; for an output of the mempool the height of the next block.
    pub(crate) height: u32,
    pub(crate) coinbase: bool,
}

/// All checks. Scripts come last, being the dearest.
pub(crate) fn check(state: &State, tx: Transaction) -> Result<Entry, Reject> {
    let entry = check_but_scripts(state, tx)?;
    scripts::check(&entry.tx, &entry.spent)?;
    Ok(entry)
}

/// All checks but the scripts, for transactions that passed once and were kept in the log.
pub(crate) fn check_but_scripts(state: &State, tx: Transaction) -> Result<Entry, Reject> {
    structure::check(&tx)?;
    if !locks::is_final(&tx, state.next_height(), state.tip().median_time) {
        return Err(Reject::NonFinal);
    }
    let txid = tx.compute_txid();
    check_is_new(state, &tx, txid)?;
    let conflicts = replacement::Conflicts::of(state.mempool(), &tx);
    let spends = find_inputs(state, &tx)?;
    if !locks::relative_locks_are_over(state, &tx, &spends) {
        return Err(Reject::NonBip68Final);
    }
    for spend in &spends {
        if spend.coinbase && state.next_height() - spend.height < COINBASE_MATURITY {
            return Err(Reject::PrematureCoinbaseSpend);
        }
    }
    let spent: Vec<TxOut> = spends.into_iter().map(|spend| spend.output).collect();
    let fee_sat = fee_sat(&tx.output, &spent)?;
    let sigop_cost = sigop_cost(&tx, &spent);
    if sigop_cost > MAX_SIGOP_COST {
        return Err(Reject::TooManySigops);
    }
    let weight = tx.weight();
    let vsize = vsize(weight, sigop_cost);
    let required_sat = min_relay_fee_sat(vsize);
    if fee_sat < required_sat {
        return Err(Reject::MinRelayFeeNotMet {
            fee_sat,
            required_sat,
        });
    }
    conflicts.check(state.mempool(), &tx, fee_sat, vsize)?;
    Ok(Entry {
        tx: Arc::new(tx),
        txid,
        replaces: conflicts.all,
        spent,
        fee_sat,
        weight,
        sigop_cost,
        vsize,
    })
}

fn check_is_new(state: &State, tx: &Transaction, txid: Txid) -> Result<(), Reject> {
    if let Some(known) = state.mempool().get(&txid) {
        let same = known.tx.compute_wtxid() == tx.compute_wtxid();
        return Err(if same {
            Reject::AlreadyInMempool
        } else {
            Reject::SameNonWitnessDataInMempool
        });
    }
    if state.index().place(&txid).is_some() {
        return Err(Reject::AlreadyKnown);
    }
    Ok(())
}

fn find_inputs(state: &State, tx: &Transaction) -> Result<Vec<Spendable>, Reject> {
    let find = |input: &bitcoin::TxIn| {
        let outpoint = input.previous_output;
        state
            .spendable(&outpoint)
            .ok_or(Reject::InputsMissingOrSpent { outpoint })
    };
    tx.input.iter().map(find).collect()
}

/// What the inputs bring beyond the outputs, in satoshi.
fn fee_sat(outputs: &[TxOut], spent: &[TxOut]) -> Result<u64, Reject> {
    let sum = |txouts: &[TxOut]| {
        let total = txouts
            .iter()
            .try_fold(Amount::ZERO, |sum, txout| sum.checked_add(txout.value));
        total.filter(|total| *total <= Amount::MAX_MONEY)
    };
    let value_in = sum(spent).ok_or(Reject::InputValuesOutOfRange)?;
    let value_out = sum(outputs).ok_or(Reject::VoutTotalTooLarge)?;
    let fee = value_in.checked_sub(value_out).ok_or(Reject::InBelowOut)?;
    Ok(fee.to_sat())
}

fn sigop_cost(tx: &Transaction, spent: &[TxOut]) -> usize {
    tx.total_sigop_cost(|outpoint| {
        let vin = tx
            .input
            .iter()
            .position(|input| input.previous_output == *outpoint)?;
        spent.get(vin).cloned()
    })
}

/// Core: `GetVirtualTransactionSize`, rounded up.
fn vsize(weight: Weight, sigop_cost: usize) -> u64 {
    let of_sigops = u64::try_from(sigop_cost)
        .unwrap_or(u64::MAX)
        .saturating_mul(WEIGHT_PER_SIGOP);
    weight.to_wu().max(of_sigops).div_ceil(4)
}

/// Core: `CFeeRate::GetFee`, rounded up.
fn min_relay_fee_sat(vsize: u64) -> u64 {
    vsize
        .saturating_mul(MIN_RELAY_FEE_SAT_PER_KVB)
        .div_ceil(1_000)
}
