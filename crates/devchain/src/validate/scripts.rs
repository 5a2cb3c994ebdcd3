//! Scripts and signatures, run by libbitcoinconsensus: Bitcoin Core's own interpreter.
//!
//! Every consensus rule is on, taproot with them. It must be given all spent outputs, because
//! a taproot signature covers them all.

use bitcoin::consensus::serialize;
use bitcoin::{Transaction, TxOut};
use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};

use crate::reject::Reject;

const ALL_RULES: u32 = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;

pub(super) fn check(tx: &Transaction, spent: &[TxOut]) -> Result<(), Reject> {
    let bytes = serialize(tx);
    // The pointers lead into `spent`, which outlives every call below.
    let outputs: Vec<Utxo> = spent
        .iter()
        .map(|output| Utxo {
            script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: output.script_pubkey.len() as u32,
            value: output.value.to_sat().cast_signed(),
        })
        .collect();
    for (vin, output) in spent.iter().enumerate() {
        let script = output.script_pubkey.as_bytes();
        let value = output.value.to_sat();
        verify_with_flags(script, value, &bytes, Some(&outputs), vin, ALL_RULES)
            .map_err(|_| Reject::Script { vin })?;
    }
    Ok(())
}
