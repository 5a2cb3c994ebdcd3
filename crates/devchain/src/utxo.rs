//! The unspent outputs of the chain's blocks.
//!
//! The mempool is not in here; it must never be, or a block could spend what no block has made.

use std::collections::{BTreeSet, HashMap};

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{OutPoint, Script, TxOut};

/// What the search index calls a script: the SHA-256 of its bytes, as in Esplora's `/scripthash`.
pub(crate) fn script_hash(script: &Script) -> sha256::Hash {
    sha256::Hash::hash(script.as_bytes())
}

/// Consensus drops these outputs at once (Core: `CScript::IsUnspendable`).
pub(crate) fn is_unspendable(script: &Script) -> bool {
    script.is_op_return() || script.len() > MAX_SCRIPT_SIZE
}

/// Longer scripts cannot be run (Core: `MAX_SCRIPT_SIZE`).
pub(crate) const MAX_SCRIPT_SIZE: usize = 10_000;

/// An output that a block made, with what its spending depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coin {
    pub(crate) output: TxOut,
    pub(crate) height: u32,
    pub(crate) coinbase: bool,
}

/// All unspent coins, found by outpoint and by script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UtxoSet {
    coins: HashMap<OutPoint, Coin>,
    by_script: HashMap<sha256::Hash, BTreeSet<OutPoint>>,
}

impl UtxoSet {
    pub(crate) fn get(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint)
    }

    /// Adds a coin, unless its script makes it unspendable: then the amount is burnt.
    pub(crate) fn add(&mut self, outpoint: OutPoint, coin: Coin) {
        if is_unspendable(&coin.output.script_pubkey) {
            return;
        }
        let script = script_hash(&coin.output.script_pubkey);
        self.by_script.entry(script).or_default().insert(outpoint);
        self.coins.insert(outpoint, coin);
    }

    /// Takes a coin out, to be kept as undo data.
    pub(crate) fn spend(&mut self, outpoint: &OutPoint) -> Option<Coin> {
        let coin = self.coins.remove(outpoint)?;
        let script = script_hash(&coin.output.script_pubkey);
        if let Some(of_script) = self.by_script.get_mut(&script) {
            of_script.remove(outpoint);
            if of_script.is_empty() {
                self.by_script.remove(&script);
            }
        }
        Some(coin)
    }

    /// The coins of a script, ordered by outpoint.
    pub(crate) fn of_script(&self, script: &sha256::Hash) -> impl Iterator<Item = &OutPoint> {
        self.by_script.get(script).into_iter().flatten()
    }

    /// The sum of all coins in satoshi (Core: `gettxoutsetinfo`, `total_amount`).
    pub(crate) fn total_sat(&self) -> u64 {
        self.coins
            .values()
            .map(|coin| coin.output.value.to_sat())
            .sum()
    }
}
