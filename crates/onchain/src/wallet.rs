//! [`OnchainWallet`]: the port `ChainWallet` over `bdk_wallet` and an Esplora server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bdk_wallet::chain::ChainPosition as BdkPosition;
use bdk_wallet::{KeychainKind, LocalOutput, Update, Wallet};
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Transaction, Txid};
use jiff::Timestamp;
use money::Msat;
use payments::onchain::DUST_SAT;
use payments::ports::{
    ChainPosition, ChainTip, ChainUnavailable, ChainView, ChainWallet, Fate, Keychain, WalletCoin,
    WalletDescriptors,
};

use crate::esplora::Esplora;
use crate::keys::WalletKeys;

/// Why a wallet does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keys make no wallet.
    #[error("the on-chain wallet cannot be made of its keys")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client of the chain cannot be set up.
    #[error("the client of the chain cannot be set up")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The wallet of the on-chain rail.
pub struct OnchainWallet {
    descriptors: WalletDescriptors,
    esplora: Esplora,
    state: Mutex<State>,
}

struct State {
    wallet: Wallet,
    /// Whether the chain was scanned beyond the addresses that the books know, since the start.
    is_scanned: bool,
    /// The newest block, and when it was made.
    tip: Option<(BlockHash, Timestamp)>,
    /// What each transaction spends.
    inputs: HashMap<Txid, Arc<[OutPoint]>>,
}

impl OnchainWallet {
    /// The wallet of `keys`, over the Esplora API at `url`. The chain is not asked anything yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(keys: &WalletKeys, url: &str) -> Result<Self, StartError> {
        let [deposits, change] =
            [KeychainKind::External, KeychainKind::Internal].map(|kind| keys.descriptor(kind));
        let wallet = Wallet::create(deposits, change)
            .network(keys.network.bitcoin())
            .create_wallet_no_persist()
            .map_err(|error| StartError::Keys(error.into()))?;
        let public = |kind| wallet.public_descriptor(kind).to_string();
        Ok(Self {
            descriptors: WalletDescriptors {
                deposits: public(KeychainKind::External),
                change: public(KeychainKind::Internal),
            },
            esplora: Esplora::new(url).map_err(StartError::Client)?,
            state: Mutex::new(State {
                wallet,
                is_scanned: false,
                tip: None,
                inputs: HashMap::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The wallet takes an update whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, state: &mut State) -> Result<(), ChainUnavailable> {
        let update: Update = if state.is_scanned {
            let request = state.wallet.start_sync_with_revealed_spks();
            self.esplora.sync(request.build())?.into()
        } else {
            let request = state.wallet.start_full_scan();
            self.esplora.scan(request.build())?.into()
        };
        // A backend on another chain than the one that was seen before cannot be connected to it.
        let applied = state.wallet.apply_update(update);
        applied.map_err(|error| ChainUnavailable(error.into()))?;
        state.is_scanned = true;
        Ok(())
    }

    fn tip(&self, state: &mut State) -> Result<ChainTip, ChainUnavailable> {
        let newest = state.wallet.latest_checkpoint();
        let time = match state.tip {
            Some((hash, time)) if hash == newest.hash() => time,
            _ => {
                let seconds = self.esplora.block_time(&newest.hash())?;
                let time = Timestamp::from_second(i64::from(seconds));
                time.map_err(|error| ChainUnavailable(error.into()))?
            }
        };
        state.tip = Some((newest.hash(), time));
        Ok(ChainTip {
            height: newest.height(),
            hash: newest.hash().to_byte_array(),
            time,
        })
    }
}

impl State {
    fn coins(&mut self) -> Vec<WalletCoin> {
        let outputs: Vec<LocalOutput> = self.wallet.list_output().collect();
        outputs
            .iter()
            .filter_map(|output| self.coin(output))
            .collect()
    }

    /// What counts of an output; dust does not.
    fn coin(&mut self, output: &LocalOutput) -> Option<WalletCoin> {
        let sat = i64::try_from(output.txout.value.to_sat()).ok()?;
        if sat < DUST_SAT {
            return None;
        }
        let txid = output.outpoint.txid;
        let tx = self.wallet.tx_graph().get_tx(txid)?;
        let inputs = self.inputs.entry(txid).or_insert_with(|| spent_by(&tx));
        Some(WalletCoin {
            outpoint: output.outpoint,
            amount_msat: Msat::from_sat(sat).ok()?,
            keychain: match output.keychain {
                KeychainKind::External => Keychain::Deposits,
                KeychainKind::Internal => Keychain::Change,
            },
            index: output.derivation_index,
            position: match &output.chain_position {
                BdkPosition::Confirmed { anchor, .. } => {
                    ChainPosition::Block(anchor.block_id.height)
                }
                BdkPosition::Unconfirmed { .. } => ChainPosition::Mempool,
            },
            is_coinbase: tx.is_coinbase(),
            inputs: Arc::clone(inputs),
        })
    }
}

fn spent_by(tx: &Transaction) -> Arc<[OutPoint]> {
    tx.input.iter().map(|input| input.previous_output).collect()
}

impl ChainWallet for OnchainWallet {
    fn descriptors(&self) -> WalletDescriptors {
        self.descriptors.clone()
    }

    fn look(&self, issued: u32) -> Result<ChainView, ChainUnavailable> {
        let mut state = self.state();
        if let Some(last) = issued.checked_sub(1) {
            let revealed = state
                .wallet
                .reveal_addresses_to(KeychainKind::External, last);
            drop(revealed);
        }
        self.update(&mut state)?;
        let tip = self.tip(&mut state)?;
        let coins = state.coins();
        Ok(ChainView { tip, coins })
    }

    fn fate(&self, txid: Txid, inputs: &[OutPoint]) -> Result<Fate, ChainUnavailable> {
        self.esplora.fate(txid, inputs)
    }
}
