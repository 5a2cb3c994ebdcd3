//! Coins that anyone may spend, and transactions that spend them.

use bitcoin::opcodes::all::{OP_DROP, OP_PUSHNUM_1};
use bitcoin::script::Builder;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute,
    transaction,
};
use devchain::{Chain, Reject};

/// A fee that is enough for every small transaction here.
pub(crate) const FEE_SAT: u64 = 1_000;

/// The witness script: drops whatever it is given, and is content.
fn witness_script() -> ScriptBuf {
    Builder::new()
        .push_opcode(OP_DROP)
        .push_opcode(OP_PUSHNUM_1)
        .into_script()
}

/// The script of the coins: P2WSH.
pub(crate) fn anyone() -> ScriptBuf {
    witness_script().to_p2wsh()
}

/// A witness that spends such a coin; the bytes are of no importance.
pub(crate) fn witness(bytes: &[u8]) -> Witness {
    Witness::from_slice(&[bytes, witness_script().as_bytes()])
}

pub(crate) fn input(previous_output: OutPoint) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: witness(b"any"),
    }
}

pub(crate) fn output(sat: u64) -> TxOut {
    TxOut {
        value: Amount::from_sat(sat),
        script_pubkey: anyone(),
    }
}

pub(crate) fn tx(input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input,
        output,
    }
}

/// A chain with coins, the first of them mature.
pub(crate) struct Coins {
    pub(crate) chain: Chain,
}

impl Coins {
    /// `mature` rewards that may be spent in the next block.
    pub(crate) fn new(mature: u32) -> Self {
        Self::on(Chain::in_memory(), mature)
    }

    pub(crate) fn on(chain: Chain, mature: u32) -> Self {
        chain.mine(mature + 99, anyone()).unwrap();
        Self { chain }
    }

    /// The reward of a block, and its amount in satoshi.
    pub(crate) fn reward(&self, height: u32) -> (OutPoint, u64) {
        let coinbase = &self.chain.block_at(height).unwrap().block.txdata[0];
        let outpoint = OutPoint {
            txid: coinbase.compute_txid(),
            vout: 0,
        };
        (outpoint, coinbase.output[0].value.to_sat())
    }

    /// Spends the reward of a block into one output, unsubmitted.
    pub(crate) fn spend(&self, height: u32) -> Transaction {
        let (outpoint, sat) = self.reward(height);
        tx(vec![input(outpoint)], vec![output(sat - FEE_SAT)])
    }

    pub(crate) fn submit(&self, tx: &Transaction) -> Result<Txid, Reject> {
        self.chain.submit(tx.clone())
    }

    pub(crate) fn mine(&self, blocks: u32) {
        self.chain.mine(blocks, anyone()).unwrap();
    }
}

/// A transaction that spends the first output of another.
pub(crate) fn child_of(parent: &Transaction) -> Transaction {
    let outpoint = OutPoint {
        txid: parent.compute_txid(),
        vout: 0,
    };
    tx(
        vec![input(outpoint)],
        vec![output(parent.output[0].value.to_sat() - FEE_SAT)],
    )
}
