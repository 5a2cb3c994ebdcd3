//! Coins to give away: a key that the chain keeps, to be mined to and paid from.
//!
//! It signs real P2WPKH spends. Its key is worth nothing outside this chain, yet it is never shown.

use std::fmt;

use bitcoin::ecdsa::Signature;
use bitcoin::key::{CompressedPublicKey, PrivateKey};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{
    Address, Amount, BlockHash, FeeRate, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxOut, Txid, Witness, absolute, transaction,
};

use crate::chain::{Chain, MineError};
use crate::reject::Reject;

/// Why the faucet did not pay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// Too few coins that may be spent: mine to [`Faucet::script`], then 100 blocks more.
    #[error("the faucet holds {available_sat} sat that may be spent, and needs {needed_sat} sat")]
    InsufficientFunds {
        /// Amount and fee, in satoshi.
        needed_sat: u64,
        /// What may be spent, in satoshi.
        available_sat: u64,
    },
    /// The fee is beyond all numbers.
    #[error("the fee rate is too high to be counted")]
    FeeTooHigh,
    /// The chain refused the transaction: the amount is dust, for one.
    #[error(transparent)]
    Rejected(#[from] Reject),
}

/// Why the faucet took no payment back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// The mempool has no such transaction.
    #[error("no such transaction waits for a block")]
    NotWaiting,
    /// It spends what is not the faucet's.
    #[error("the transaction is not the faucet's")]
    NotOurs,
    /// The chain refused the replacement: nothing is left beside the fee, for one.
    #[error(transparent)]
    Rejected(#[from] Reject),
}

/// A handle on the faucet of a [`Chain`].
#[derive(Clone)]
pub struct Faucet {
    chain: Chain,
    key: SecretKey,
    public_key: CompressedPublicKey,
}

impl Faucet {
    pub(crate) fn new(chain: Chain, key: SecretKey) -> Self {
        let private_key = PrivateKey::new(key, Network::Regtest);
        let public_key = CompressedPublicKey::from_private_key(&Secp256k1::new(), &private_key)
            .expect("PrivateKey::new makes a compressed key");
        Self {
            chain,
            key,
            public_key,
        }
    }

    /// Where the faucet is paid: P2WPKH.
    pub fn script(&self) -> ScriptBuf {
        ScriptBuf::new_p2wpkh(&self.public_key.wpubkey_hash())
    }

    /// The same as a regtest address.
    pub fn address(&self) -> Address {
        Address::p2wpkh(&self.public_key, Network::Regtest)
    }

    /// Mines blocks to the faucet; a reward may be spent from the 100th block after it.
    ///
    /// # Errors
    /// As [`Chain::mine`].
    pub fn mine(&self, blocks: u32) -> Result<Vec<BlockHash>, MineError> {
        self.chain.mine(blocks, self.script())
    }

    /// What may be spent now, in satoshi: mature rewards and everything else, confirmed or not.
    pub fn spendable_sat(&self) -> u64 {
        self.coins()
            .iter()
            .map(|(_, output)| output.value.to_sat())
            .sum()
    }

    /// Pays `amount_sat` satoshi to `script` into the mempool, at `fee_rate`.
    ///
    /// Confirmed coins go first, the largest before the others; what is left over comes back to
    /// the faucet. One sat/vB is the least the chain relays.
    ///
    /// # Errors
    /// See [`PayError`]; nothing was spent.
    pub fn pay(
        &self,
        script: ScriptBuf,
        amount_sat: u64,
        fee_rate: FeeRate,
    ) -> Result<Txid, PayError> {
        let _turn = self.chain.faucet_turn();
        let payee = TxOut {
            value: Amount::from_sat(amount_sat),
            script_pubkey: script,
        };
        let (tx, spent) = self.choose(payee, fee_rate)?;
        Ok(self.chain.submit(self.sign(tx, &spent))?)
    }

    /// Takes an unconfirmed payment of the faucet back: its coins go to the faucet itself, by a transaction that pays
    /// for everything that it takes out of the mempool, and two sat/vB more.
    ///
    /// # Errors
    /// See [`ReplaceError`]; nothing changed.
    pub fn replace(&self, txid: Txid) -> Result<Txid, ReplaceError> {
        let _turn = self.chain.faucet_turn();
        let waiting = self.chain.mempool();
        let paid = waiting.iter().find(|one| one.txid == txid);
        let paid = paid.ok_or(ReplaceError::NotWaiting)?;
        let script = self.script();
        if paid.spent.iter().any(|spent| spent.script_pubkey != script) {
            return Err(ReplaceError::NotOurs);
        }
        let mut gone = std::collections::HashSet::from([txid]);
        let mut fee_sat = paid.fee_sat;
        for one in &waiting {
            let mut parents = one.tx.input.iter().map(|input| input.previous_output.txid);
            if parents.any(|parent| gone.contains(&parent)) && gone.insert(one.txid) {
                fee_sat += one.fee_sat;
            }
        }
        let total_sat: u64 = paid.spent.iter().map(|spent| spent.value.to_sat()).sum();
        let back = TxOut {
            value: Amount::ZERO,
            script_pubkey: script,
        };
        let inputs = paid.tx.input.iter();
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: inputs
                .map(|input| self.input(input.previous_output))
                .collect(),
            output: vec![back],
        };
        fee_sat += 2 * tx.vsize() as u64;
        tx.output[0].value = Amount::from_sat(total_sat.saturating_sub(fee_sat));
        Ok(self.chain.submit(self.sign(tx, &paid.spent))?)
    }

    fn coins(&self) -> Vec<(OutPoint, TxOut)> {
        let mut utxos = self.chain.utxos(&self.script());
        let next_height = self.chain.height() + 1;
        utxos.retain(|utxo| utxo.may_be_spent_at(next_height));
        utxos.sort_by_key(|utxo| {
            (
                utxo.confirmation.is_none(),
                std::cmp::Reverse(utxo.output.value),
                utxo.outpoint,
            )
        });
        utxos
            .into_iter()
            .map(|utxo| (utxo.outpoint, utxo.output))
            .collect()
    }

    /// Takes coins until they cover amount and fee. The transaction is whole but unsigned.
    fn choose(
        &self,
        payee: TxOut,
        fee_rate: FeeRate,
    ) -> Result<(Transaction, Vec<TxOut>), PayError> {
        let change_script = self.script();
        let dust_sat = change_script.minimal_non_dust().to_sat();
        let change = TxOut {
            value: Amount::ZERO,
            script_pubkey: change_script,
        };
        let amount_sat = payee.value.to_sat();
        let mut tx = unsigned(payee, change);
        let (mut spent, mut available_sat) = (Vec::new(), 0u64);
        let mut needed_sat = self.needed_sat(&tx, amount_sat, fee_rate)?;
        for (outpoint, output) in self.coins() {
            available_sat += output.value.to_sat();
            spent.push(output);
            tx.input.push(self.input(outpoint));
            needed_sat = self.needed_sat(&tx, amount_sat, fee_rate)?;
            let Some(change_sat) = available_sat.checked_sub(needed_sat) else {
                continue;
            };
            if change_sat < dust_sat {
                // Not worth an output: it is left to the miner.
                tx.output.truncate(1);
            } else {
                tx.output[1].value = Amount::from_sat(change_sat);
            }
            return Ok((tx, spent));
        }
        Err(PayError::InsufficientFunds {
            needed_sat,
            available_sat,
        })
    }

    fn needed_sat(&self, tx: &Transaction, sat: u64, rate: FeeRate) -> Result<u64, PayError> {
        let fee = rate.fee_vb(tx.vsize() as u64).ok_or(PayError::FeeTooHigh)?;
        sat.checked_add(fee.to_sat()).ok_or(PayError::FeeTooHigh)
    }

    /// An input with a witness of the length that the signed one has at most.
    fn input(&self, previous_output: OutPoint) -> TxIn {
        TxIn {
            previous_output,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::from_slice(&[&[0u8; 72][..], &self.public_key.to_bytes()]),
        }
    }

    fn sign(&self, tx: Transaction, spent: &[TxOut]) -> Transaction {
        let secp = Secp256k1::new();
        let (script, sighash_type) = (self.script(), EcdsaSighashType::All);
        let mut cache = SighashCache::new(tx);
        for (vin, output) in spent.iter().enumerate() {
            let hash = cache
                .p2wpkh_signature_hash(vin, &script, output.value, sighash_type)
                .expect("the input is there and the script is P2WPKH");
            let signature = secp.sign_ecdsa(&Message::from(hash), &self.key);
            let witness = Witness::p2wpkh(
                &Signature {
                    signature,
                    sighash_type,
                },
                &self.public_key.0,
            );
            if let Some(slot) = cache.witness_mut(vin) {
                *slot = witness;
            }
        }
        cache.into_transaction()
    }
}

impl fmt::Debug for Faucet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faucet")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

fn unsigned(payee: TxOut, change: TxOut) -> Transaction {
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: Vec::new(),
        output: vec![payee, change],
    }
}

/// A random key, for a chain that is kept.
#[expect(
    clippy::disallowed_methods,
    reason = "the key of a new chain, made once and then kept"
)]
pub(crate) fn random_key() -> SecretKey {
    loop {
        // All but about 2^-128 of all numbers are keys.
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            return key;
        }
    }
}

/// The same key every time, for a chain in memory: with the clock held, a run repeats exactly.
pub(crate) fn fixed_key() -> SecretKey {
    SecretKey::from_slice(&[0xfa; 32]).expect("the number is below the order of the curve")
}
