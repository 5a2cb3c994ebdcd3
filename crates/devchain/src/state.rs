//! The chain as it stands: blocks, unspent coins, mempool, index.
//!
//! It changes by three acts only, `connect`, `accept` and `disconnect`, and all are pure: no file, no clock, no
//! lock. Replaying the same acts gives an equal state, which is what the log relies on.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::{Block, BlockHash, Network, OutPoint, Transaction, TxOut, constants};

use crate::block::{Connected, has_proof_of_work};
use crate::index::{Index, Place};
use crate::mempool::{Entry, Mempool};
use crate::utxo::{Coin, UtxoSet};
use crate::validate::Spendable;

/// A block that does not continue this chain. Only a damaged log brings one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the block does not continue the chain")]
pub(crate) struct Unconnectable;

/// Everything that is known of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    blocks: Vec<Connected>,
    heights: HashMap<BlockHash, u32>,
    utxos: UtxoSet,
    mempool: Mempool,
    index: Index,
}

impl State {
    /// The regtest genesis block and nothing else. Its coins cannot be spent, as in Core.
    pub(crate) fn genesis() -> Self {
        let block = constants::genesis_block(Network::Regtest);
        let (hash, median_time) = (block.block_hash(), block.header.time);
        let mut index = Index::default();
        for tx in &block.txdata {
            index.add(
                tx.compute_txid(),
                tx,
                &[],
                Place {
                    height: 0,
                    position: 0,
                },
            );
        }
        Self {
            blocks: vec![Connected {
                block: Arc::new(block),
                hash,
                median_time,
                undo: vec![],
            }],
            heights: HashMap::from([(hash, 0)]),
            utxos: UtxoSet::default(),
            mempool: Mempool::default(),
            index,
        }
    }

    pub(crate) fn tip(&self) -> &Connected {
        self.blocks
            .last()
            .expect("the genesis block is never taken away")
    }

    pub(crate) fn height(&self) -> u32 {
        self.next_height() - 1
    }

    pub(crate) fn next_height(&self) -> u32 {
        u32::try_from(self.blocks.len()).expect("every block was given a u32 height")
    }

    pub(crate) fn at(&self, height: u32) -> Option<&Connected> {
        self.blocks.get(usize::try_from(height).ok()?)
    }

    pub(crate) fn height_of(&self, hash: &BlockHash) -> Option<u32> {
        self.heights.get(hash).copied()
    }

    /// Median time past of the block of this height; of the tip for heights not reached yet.
    pub(crate) fn median_time_at(&self, height: u32) -> u32 {
        self.at(height).unwrap_or_else(|| self.tip()).median_time
    }

    /// The timestamps of the newest blocks, oldest first: at most eleven (BIP 113).
    pub(crate) fn recent_times(&self) -> impl Iterator<Item = u32> {
        let from = self.blocks.len().saturating_sub(MEDIAN_OF);
        self.blocks[from..]
            .iter()
            .map(|connected| connected.block.header.time)
    }

    pub(crate) fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn utxos(&self) -> &UtxoSet {
        &self.utxos
    }

    /// The output, if blocks or mempool have it and no block spent it.
    pub(crate) fn spendable(&self, outpoint: &OutPoint) -> Option<Spendable> {
        if let Some(Coin {
            output,
            height,
            coinbase,
        }) = self.utxos.get(outpoint).cloned()
        {
            return Some(Spendable {
                output,
                height,
                coinbase,
            });
        }
        let output = self.mempool.output(outpoint)?.clone();
        Some(Spendable {
            output,
            height: self.next_height(),
            coinbase: false,
        })
    }

    /// Takes a validated transaction into the mempool, in the place of those that it replaces.
    pub(crate) fn accept(&mut self, entry: Entry) {
        for replaced in &entry.replaces {
            self.mempool.remove(replaced);
        }
        self.mempool.add(entry);
    }

    /// Takes everything out of the mempool, parents first.
    pub(crate) fn empty_mempool(&mut self) -> Vec<Transaction> {
        let entries = std::mem::take(&mut self.mempool);
        let txs = entries
            .in_order()
            .map(|entry| Transaction::clone(&entry.tx));
        txs.collect()
    }

    /// Takes the newest block away, as if it had never been; `None` for the genesis block. Its transactions are nowhere
    /// then, and the mempool is as it was.
    pub(crate) fn disconnect(&mut self) -> Option<Arc<Block>> {
        if self.height() == 0 {
            return None;
        }
        let Connected {
            block, hash, undo, ..
        } = self.blocks.pop()?;
        self.heights.remove(&hash);
        for (position, tx) in block.txdata.iter().enumerate().rev() {
            let coins = position.checked_sub(1).and_then(|nth| undo.get(nth));
            self.disconnect_tx(tx, coins.map_or(&[][..], Vec::as_slice));
        }
        Some(block)
    }

    fn disconnect_tx(&mut self, tx: &Transaction, coins: &[Coin]) {
        let txid = tx.compute_txid();
        for (vout, _) in (0u32..).zip(&tx.output) {
            self.utxos.spend(&OutPoint { txid, vout });
        }
        let spent: Vec<TxOut> = coins.iter().map(|coin| coin.output.clone()).collect();
        self.index.remove(txid, tx, &spent);
        for (input, coin) in tx.input.iter().zip(coins) {
            self.utxos.add(input.previous_output, coin.clone());
        }
    }

    /// Puts a block on the tip. After an error the state is spoilt and must be dropped.
    pub(crate) fn connect(&mut self, block: Block) -> Result<(), Unconnectable> {
        let height = self.next_height();
        let well_formed = block.header.prev_blockhash == self.tip().hash
            && has_proof_of_work(&block.header)
            && block.check_merkle_root()
            && block.check_witness_commitment();
        if !well_formed {
            return Err(Unconnectable);
        }
        let mut undo = Vec::with_capacity(block.txdata.len().saturating_sub(1));
        for (position, tx) in block.txdata.iter().enumerate() {
            let coins = self.connect_tx(tx, Place { height, position })?;
            if position > 0 {
                undo.push(coins);
            }
        }
        let hash = block.block_hash();
        let times = self.recent_times().chain([block.header.time]);
        let median_time = median_time(times.collect());
        self.heights.insert(hash, height);
        self.blocks.push(Connected {
            block: Arc::new(block),
            hash,
            median_time,
            undo,
        });
        Ok(())
    }

    fn connect_tx(&mut self, tx: &Transaction, place: Place) -> Result<Vec<Coin>, Unconnectable> {
        let coinbase = place.position == 0;
        let txid = tx.compute_txid();
        let mut coins = Vec::new();
        if !coinbase {
            for input in &tx.input {
                coins.push(
                    self.utxos
                        .spend(&input.previous_output)
                        .ok_or(Unconnectable)?,
                );
            }
        }
        for (vout, output) in (0u32..).zip(&tx.output) {
            let coin = Coin {
                output: output.clone(),
                height: place.height,
                coinbase,
            };
            self.utxos.add(OutPoint { txid, vout }, coin);
        }
        let spent: Vec<TxOut> = coins.iter().map(|coin| coin.output.clone()).collect();
        self.index.add(txid, tx, &spent, place);
        self.mempool.remove(&txid);
        Ok(coins)
    }
}

/// How many blocks the median time past is taken of.
pub(crate) const MEDIAN_OF: usize = 11;

/// The median of the newest eleven times (Core: `GetMedianTimePast`).
pub(crate) fn median_time(mut times: Vec<u32>) -> u32 {
    times.drain(..times.len().saturating_sub(MEDIAN_OF));
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}
