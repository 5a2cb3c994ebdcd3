//! Blocks as consensus wants them on regtest: subsidy, coinbase, header, proof of work.
//!
//! Nothing here knows the state of the chain; it must stay free of it.

use std::sync::Arc;

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::script::Builder;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxMerkleNode, TxOut, Witness, WitnessMerkleNode, absolute, opcodes, transaction,
};

use crate::utxo::Coin;

/// Blocks between two halvings of the subsidy on regtest (Core: `nSubsidyHalvingInterval`).
pub const HALVING_INTERVAL: u32 = 150;

/// A coinbase of height `h` may be spent in height `h + 100` (Core: `COINBASE_MATURITY`).
pub const COINBASE_MATURITY: u32 = 100;

/// The bits of every regtest header: half of all hashes are good enough.
const REGTEST_BITS: u32 = 0x207f_ffff;

/// The new coins of a block in satoshi: 50 bitcoin, halved every [`HALVING_INTERVAL`] blocks.
pub fn subsidy_sat(height: u32) -> u64 {
    let halvings = height / HALVING_INTERVAL;
    (50 * Amount::ONE_BTC.to_sat())
        .checked_shr(halvings)
        .unwrap_or(0)
}

/// A block of the chain with what is asked of it often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connected {
    pub(crate) block: Arc<Block>,
    pub(crate) hash: BlockHash,
    /// Median time past: of this block and the ten before (BIP 113).
    pub(crate) median_time: u32,
    /// For each transaction after the coinbase the coins it spent: what disconnecting needs.
    pub(crate) undo: Vec<Vec<Coin>>,
}

/// The coinbase without its amount: BIP 34 height, and one output for the reward.
pub(crate) fn coinbase(height: u32, reward_sat: u64, script: ScriptBuf) -> Transaction {
    // Core appends OP_0 so that the script of the first 16 heights has its two bytes.
    let script_sig = Builder::new()
        .push_int(i64::from(height))
        .push_opcode(opcodes::all::OP_PUSHBYTES_0)
        .into_script();
    let reward = TxOut {
        value: Amount::from_sat(reward_sat),
        script_pubkey: script,
    };
    let commitment = TxOut {
        value: Amount::ZERO,
        script_pubkey: commitment_script([0; 32]),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig,
            sequence: Sequence::MAX,
            witness: Witness::from_slice(&[[0u8; 32]]),
        }],
        output: vec![reward, commitment],
    }
}

/// The witness commitment of BIP 141: OP_RETURN, its tag, and the hash.
fn commitment_script(hash: [u8; 32]) -> ScriptBuf {
    let mut tagged = [0u8; 36];
    tagged[..4].copy_from_slice(&[0xaa, 0x21, 0xa9, 0xed]);
    tagged[4..].copy_from_slice(&hash);
    ScriptBuf::new_op_return(tagged)
}

/// Puts a block together and finds its proof of work. The first transaction is a [`coinbase`].
pub(crate) fn assemble(previous: BlockHash, time: u32, mut txs: Vec<Transaction>) -> Block {
    // The witness id of a coinbase counts as zero, so the root can be had before the commitment.
    let ids = txs.iter().enumerate().map(|(position, tx)| match position {
        0 => bitcoin::Wtxid::all_zeros().to_raw_hash(),
        _ => tx.compute_wtxid().to_raw_hash(),
    });
    let root = bitcoin::merkle_tree::calculate_root(ids).expect("a block has a coinbase");
    let commitment = Block::compute_witness_commitment(&WitnessMerkleNode::from(root), &[0; 32]);
    if let Some(output) = txs
        .first_mut()
        .and_then(|coinbase| coinbase.output.last_mut())
    {
        output.script_pubkey = commitment_script(commitment.to_byte_array());
    }
    let header = Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: previous,
        merkle_root: TxMerkleNode::all_zeros(),
        time,
        bits: CompactTarget::from_consensus(REGTEST_BITS),
        nonce: 0,
    };
    let mut block = Block {
        header,
        txdata: txs,
    };
    block.header.merkle_root = block.compute_merkle_root().expect("a block has a coinbase");
    while !has_proof_of_work(&block.header) {
        block.header.nonce = block.header.nonce.wrapping_add(1);
    }
    block
}

/// Whether the header's hash meets the regtest target, which never changes.
pub(crate) fn has_proof_of_work(header: &Header) -> bool {
    header
        .validate_pow(CompactTarget::from_consensus(REGTEST_BITS).into())
        .is_ok()
}
