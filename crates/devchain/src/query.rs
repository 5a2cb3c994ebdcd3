//! What can be asked of a chain.
//!
//! Every answer is a copy taken under one brief lock. Nothing here changes anything.

use std::sync::Arc;

use bitcoin::hashes::sha256;
use bitcoin::{Block, BlockHash, OutPoint, Script, Transaction, TxOut, Txid};

use crate::block::COINBASE_MATURITY;
use crate::chain::{Chain, Tip, tip_of};
use crate::index::InputRef;
use crate::state::State;
use crate::utxo::script_hash;

/// A block of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockInfo {
    /// The block.
    pub block: Arc<Block>,
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// The median time past of it and the ten blocks before (BIP 113), in Unix seconds.
    pub median_time: u32,
    /// The hash of the block after it, if there is one.
    pub next: Option<BlockHash>,
}

/// Where a transaction is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// The height of its block.
    pub height: u32,
    /// The hash of its block.
    pub block_hash: BlockHash,
    /// The timestamp of its block, in Unix seconds.
    pub block_time: u32,
    /// Its number in the block; the coinbase is 0.
    pub position: usize,
}

/// A transaction of the chain or the mempool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxInfo {
    /// The transaction.
    pub tx: Transaction,
    /// Its id.
    pub txid: Txid,
    /// The outputs that it spends, in the order of its inputs; none for a coinbase.
    pub spent: Vec<TxOut>,
    /// Its fee in satoshi; 0 for a coinbase.
    pub fee_sat: u64,
    /// `None` while it is in the mempool.
    pub confirmation: Option<Confirmation>,
}

/// The input that spends an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spender {
    /// Its transaction.
    pub txid: Txid,
    /// Its number there.
    pub vin: u32,
    /// `None` while that is in the mempool.
    pub confirmation: Option<Confirmation>,
}

/// An output that neither chain nor mempool spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utxo {
    /// Its name.
    pub outpoint: OutPoint,
    /// Amount and script.
    pub output: TxOut,
    /// `None` while its transaction is in the mempool.
    pub confirmation: Option<Confirmation>,
    /// Whether a coinbase made it, so that it has to mature.
    pub coinbase: bool,
}

impl Utxo {
    /// Whether a block of this height may spend it, as far as maturity goes.
    pub fn may_be_spent_at(&self, height: u32) -> bool {
        let mature = |made: Confirmation| height >= made.height.saturating_add(COINBASE_MATURITY);
        !self.coinbase || self.confirmation.is_some_and(mature)
    }
}

/// The transactions that pay to or spend from a script, each list oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptHistory {
    /// In blocks.
    pub confirmed: Vec<Txid>,
    /// In the mempool.
    pub mempool: Vec<Txid>,
}

/// The mempool in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MempoolTotals {
    /// Transactions.
    pub count: usize,
    /// Their virtual size in vB.
    pub vsize: u64,
    /// Their fees in satoshi.
    pub fee_sat: u64,
}

impl Chain {
    /// The height of the newest block; 0 with the genesis block alone.
    pub fn height(&self) -> u32 {
        self.tip().height
    }

    /// The newest block.
    pub fn tip(&self) -> Tip {
        tip_of(&self.state())
    }

    /// The block of this height, if the chain is that high.
    pub fn block_at(&self, height: u32) -> Option<BlockInfo> {
        block_at(&self.state(), height)
    }

    /// The block of this hash, if the chain has it.
    pub fn block(&self, hash: &BlockHash) -> Option<BlockInfo> {
        let state = self.state();
        block_at(&state, state.height_of(hash)?)
    }

    /// The transaction, from a block or the mempool.
    pub fn transaction(&self, txid: &Txid) -> Option<TxInfo> {
        transaction(&self.state(), txid)
    }

    /// Where the transaction is confirmed; `None` in the mempool and for unknown ones.
    pub fn confirmation(&self, txid: &Txid) -> Option<Confirmation> {
        confirmation(&self.state(), txid)
    }

    /// Who spends this output, in a block or in the mempool.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<Spender> {
        let state = self.state();
        let confirmed = state.index().spender(outpoint);
        let InputRef { txid, vin } = confirmed.or_else(|| state.mempool().spender(outpoint))?;
        Some(Spender {
            txid,
            vin,
            confirmation: confirmation(&state, &txid),
        })
    }

    /// What happened to a script.
    pub fn history(&self, script: &Script) -> ScriptHistory {
        self.history_by_hash(&script_hash(script))
    }

    /// What happened to the script of this SHA-256.
    pub fn history_by_hash(&self, script: &sha256::Hash) -> ScriptHistory {
        let state = self.state();
        ScriptHistory {
            confirmed: state.index().history(script).to_vec(),
            mempool: state.mempool().history(script).to_vec(),
        }
    }

    /// The unspent outputs of a script, those of blocks first.
    pub fn utxos(&self, script: &Script) -> Vec<Utxo> {
        self.utxos_by_hash(&script_hash(script))
    }

    /// The unspent outputs of the script of this SHA-256, those of blocks first.
    pub fn utxos_by_hash(&self, script: &sha256::Hash) -> Vec<Utxo> {
        let state = self.state();
        let unspent = |outpoint: &OutPoint| state.mempool().spender(outpoint).is_none();
        let confirmed = state
            .utxos()
            .of_script(script)
            .filter(|outpoint| unspent(outpoint));
        let mut utxos: Vec<Utxo> = confirmed
            .filter_map(|outpoint| {
                let coin = state.utxos().get(outpoint)?;
                Some(Utxo {
                    outpoint: *outpoint,
                    output: coin.output.clone(),
                    confirmation: confirmation(&state, &outpoint.txid),
                    coinbase: coin.coinbase,
                })
            })
            .collect();
        for txid in state.mempool().history(script) {
            let outputs = state
                .mempool()
                .get(txid)
                .map(|entry| entry.tx.output.as_slice());
            for (vout, output) in (0u32..).zip(outputs.unwrap_or_default()) {
                let outpoint = OutPoint { txid: *txid, vout };
                if script_hash(&output.script_pubkey) == *script && unspent(&outpoint) {
                    let output = output.clone();
                    utxos.push(Utxo {
                        outpoint,
                        output,
                        confirmation: None,
                        coinbase: false,
                    });
                }
            }
        }
        utxos
    }

    /// The transactions of the mempool in the order of acceptance: parents before children.
    pub fn mempool(&self) -> Vec<TxInfo> {
        self.state().mempool().in_order().map(in_mempool).collect()
    }

    /// The ids of the same, in the same order.
    pub fn mempool_txids(&self) -> Vec<Txid> {
        self.state()
            .mempool()
            .in_order()
            .map(|entry| entry.txid)
            .collect()
    }

    /// The mempool in figures.
    pub fn mempool_totals(&self) -> MempoolTotals {
        let state = self.state();
        let count = state.mempool().len();
        state.mempool().in_order().fold(
            MempoolTotals {
                count,
                ..MempoolTotals::default()
            },
            |totals, entry| MempoolTotals {
                vsize: totals.vsize + entry.vsize,
                fee_sat: totals.fee_sat + entry.fee_sat,
                ..totals
            },
        )
    }

    /// All unspent coins of the blocks, in satoshi (Core: `gettxoutsetinfo`, `total_amount`).
    pub fn supply_sat(&self) -> u64 {
        self.state().utxos().total_sat()
    }
}

fn block_at(state: &State, height: u32) -> Option<BlockInfo> {
    let connected = state.at(height)?;
    Some(BlockInfo {
        block: Arc::clone(&connected.block),
        hash: connected.hash,
        height,
        median_time: connected.median_time,
        next: state.at(height.checked_add(1)?).map(|next| next.hash),
    })
}

fn confirmation(state: &State, txid: &Txid) -> Option<Confirmation> {
    let place = state.index().place(txid)?;
    let connected = state.at(place.height)?;
    Some(Confirmation {
        height: place.height,
        block_hash: connected.hash,
        block_time: connected.block.header.time,
        position: place.position,
    })
}

fn transaction(state: &State, txid: &Txid) -> Option<TxInfo> {
    let Some(confirmation) = confirmation(state, txid) else {
        return state.mempool().get(txid).map(in_mempool);
    };
    let connected = state.at(confirmation.height)?;
    let tx = connected.block.txdata.get(confirmation.position)?.clone();
    let coins = confirmation
        .position
        .checked_sub(1)
        .and_then(|number| connected.undo.get(number));
    let spent: Vec<TxOut> = coins
        .into_iter()
        .flatten()
        .map(|coin| coin.output.clone())
        .collect();
    let sum = |outputs: &[TxOut]| {
        outputs
            .iter()
            .map(|output| output.value.to_sat())
            .sum::<u64>()
    };
    let fee_sat = sum(&spent).saturating_sub(sum(&tx.output));
    Some(TxInfo {
        tx,
        txid: *txid,
        spent,
        fee_sat,
        confirmation: Some(confirmation),
    })
}

fn in_mempool(entry: &crate::mempool::Entry) -> TxInfo {
    TxInfo {
        tx: Transaction::clone(&entry.tx),
        txid: entry.txid,
        spent: entry.spent.clone(),
        fee_sat: entry.fee_sat,
        confirmation: None,
    }
}
