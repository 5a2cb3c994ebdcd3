//! The JSON shapes of Esplora. Amounts are satoshi, times Unix seconds, hashes hex as Bitcoin
//! prints them. Nothing else may shape JSON for this API.

use bitcoin::consensus::encode::serialize;
use bitcoin::{Address, Network, OutPoint, Script, TxIn, TxOut};
use serde::Serialize;

use crate::query::{BlockInfo, Confirmation, Spender, TxInfo};

#[derive(Serialize)]
pub(super) struct Block {
    id: String,
    height: u32,
    version: i32,
    timestamp: u32,
    mediantime: u32,
    bits: u32,
    nonce: u32,
    difficulty: f64,
    merkle_root: String,
    tx_count: usize,
    size: usize,
    weight: u64,
    previousblockhash: Option<String>,
}

impl Block {
    pub(super) fn new(info: &BlockInfo) -> Self {
        let header = &info.block.header;
        Self {
            id: info.hash.to_string(),
            height: info.height,
            version: header.version.to_consensus(),
            timestamp: header.time,
            mediantime: info.median_time,
            bits: header.bits.to_consensus(),
            nonce: header.nonce,
            difficulty: header.difficulty_float(),
            merkle_root: header.merkle_root.to_string(),
            tx_count: info.block.txdata.len(),
            size: info.block.total_size(),
            weight: info.block.weight().to_wu(),
            previousblockhash: (info.height > 0).then(|| header.prev_blockhash.to_string()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct BlockStatus {
    pub(super) in_best_chain: bool,
    pub(super) height: Option<u32>,
    pub(super) next_best: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Status {
    confirmed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_time: Option<u32>,
}

impl Status {
    pub(super) fn new(confirmation: Option<Confirmation>) -> Self {
        Self {
            confirmed: confirmation.is_some(),
            block_height: confirmation.map(|at| at.height),
            block_hash: confirmation.map(|at| at.block_hash.to_string()),
            block_time: confirmation.map(|at| at.block_time),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Tx {
    txid: String,
    version: i32,
    locktime: u32,
    vin: Vec<Vin>,
    vout: Vec<Vout>,
    size: usize,
    weight: u64,
    fee: u64,
    status: Status,
}

impl Tx {
    pub(super) fn new(info: &TxInfo) -> Self {
        let tx = &info.tx;
        let inputs = tx.input.iter().enumerate();
        Self {
            txid: info.txid.to_string(),
            version: tx.version.0,
            locktime: tx.lock_time.to_consensus_u32(),
            vin: inputs
                .map(|(vin, input)| Vin::new(input, info.spent.get(vin)))
                .collect(),
            vout: tx.output.iter().map(Vout::new).collect(),
            size: tx.total_size(),
            weight: tx.weight().to_wu(),
            fee: info.fee_sat,
            status: Status::new(info.confirmation),
        }
    }
}

#[derive(Serialize)]
struct Vin {
    txid: String,
    vout: u32,
    prevout: Option<Vout>,
    scriptsig: String,
    scriptsig_asm: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    witness: Vec<String>,
    is_coinbase: bool,
    sequence: u32,
}

impl Vin {
    fn new(input: &TxIn, spent: Option<&TxOut>) -> Self {
        Self {
            txid: input.previous_output.txid.to_string(),
            vout: input.previous_output.vout,
            prevout: spent.map(Vout::new),
            scriptsig: input.script_sig.to_hex_string(),
            scriptsig_asm: input.script_sig.to_asm_string(),
            witness: input.witness.iter().map(hex::encode).collect(),
            is_coinbase: input.previous_output == OutPoint::null(),
            sequence: input.sequence.to_consensus_u32(),
        }
    }
}

#[derive(Serialize)]
struct Vout {
    scriptpubkey: String,
    scriptpubkey_asm: String,
    scriptpubkey_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scriptpubkey_address: Option<String>,
    value: u64,
}

impl Vout {
    fn new(output: &TxOut) -> Self {
        let script = &output.script_pubkey;
        let address = Address::from_script(script, Network::Regtest).ok();
        Self {
            scriptpubkey: script.to_hex_string(),
            scriptpubkey_asm: script.to_asm_string(),
            scriptpubkey_type: script_type(script),
            scriptpubkey_address: address.map(|address| address.to_string()),
            value: output.value.to_sat(),
        }
    }
}

/// Esplora's names (electrs: `script_to_type`).
fn script_type(script: &Script) -> &'static str {
    match script {
        script if script.is_empty() => "empty",
        script if script.is_op_return() => "op_return",
        script if script.is_p2pk() => "p2pk",
        script if script.is_p2pkh() => "p2pkh",
        script if script.is_p2sh() => "p2sh",
        script if script.is_p2wpkh() => "v0_p2wpkh",
        script if script.is_p2wsh() => "v0_p2wsh",
        script if script.is_p2tr() => "v1_p2tr",
        script if script.as_bytes() == [0x51, 0x02, 0x4e, 0x73] => "anchor",
        script if script.is_multisig() => "multisig",
        _ => "unknown",
    }
}

#[derive(Serialize)]
pub(super) struct Outspend {
    spent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    txid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vin: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl Outspend {
    pub(super) fn new(spender: Option<Spender>) -> Self {
        Self {
            spent: spender.is_some(),
            txid: spender.map(|spender| spender.txid.to_string()),
            vin: spender.map(|spender| spender.vin),
            status: spender.map(|spender| Status::new(spender.confirmation)),
        }
    }
}

#[derive(Serialize)]
pub(super) struct MerkleProof {
    pub(super) block_height: u32,
    pub(super) merkle: Vec<String>,
    pub(super) pos: usize,
}

#[derive(Serialize)]
pub(super) struct Utxo {
    txid: String,
    vout: u32,
    status: Status,
    value: u64,
}

impl Utxo {
    pub(super) fn new(utxo: &crate::query::Utxo) -> Self {
        Self {
            txid: utxo.outpoint.txid.to_string(),
            vout: utxo.outpoint.vout,
            status: Status::new(utxo.confirmation),
            value: utxo.output.value.to_sat(),
        }
    }
}

/// What was paid to a script and spent from it.
#[derive(Default, Serialize)]
pub(super) struct ScriptTotals {
    pub(super) funded_txo_count: u64,
    pub(super) funded_txo_sum: u64,
    pub(super) spent_txo_count: u64,
    pub(super) spent_txo_sum: u64,
    pub(super) tx_count: usize,
}

#[derive(Serialize)]
pub(super) struct Mempool {
    pub(super) count: usize,
    pub(super) vsize: u64,
    pub(super) total_fee: u64,
    pub(super) fee_histogram: Vec<(f64, u64)>,
}

#[derive(Serialize)]
pub(super) struct RecentTx {
    txid: String,
    fee: u64,
    vsize: usize,
    value: u64,
}

impl RecentTx {
    pub(super) fn new(info: &TxInfo) -> Self {
        Self {
            txid: info.txid.to_string(),
            fee: info.fee_sat,
            vsize: info.tx.vsize(),
            value: info
                .tx
                .output
                .iter()
                .map(|output| output.value.to_sat())
                .sum(),
        }
    }
}

/// The hex of the consensus serialization.
pub(super) fn hex_of<T: bitcoin::consensus::Encodable>(value: &T) -> String {
    hex::encode(serialize(value))
}
