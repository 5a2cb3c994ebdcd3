//! [`FakeChain`]: the on-chain wallet's port, over a chain that a case writes by hand.
//!
//! It says what it was told to, also what no chain would. Its addresses are those of a real wallet, with keys that are
//! worth nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use money::Msat;
use onchain::{OnchainWallet, WalletKeys};
use payments::network::Network;
use payments::ports::{
    ChainPosition, ChainTip, ChainUnavailable, ChainView, ChainWallet, Fate, Keychain, WalletCoin,
    WalletDescriptors,
};

/// A chain that a case writes.
pub struct FakeChain {
    descriptors: WalletDescriptors,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    height: u32,
    coins: Vec<WalletCoin>,
    fates: HashMap<Txid, Fate>,
    is_away: bool,
    issued: u32,
}

impl Default for FakeChain {
    fn default() -> Self {
        let keys = WalletKeys::of_seed(Network::Regtest, &[3; 64]).expect("keys");
        // Nobody listens there, and nothing is asked of it.
        let wallet = OnchainWallet::new(&keys, "http://127.0.0.1:9").expect("a wallet");
        Self {
            descriptors: wallet.descriptors(),
            state: Mutex::new(State {
                height: 200,
                ..State::default()
            }),
        }
    }
}

/// The id of the `number`th transaction that a case writes.
fn txid(number: u8) -> Txid {
    Txid::from_byte_array([number; 32])
}

impl FakeChain {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `sat` come to the address with the number `index`, by the output `vout` of the `number`th transaction, which
    /// waits for a block.
    ///
    /// # Panics
    /// For more than all bitcoin.
    pub fn receive(&self, number: u8, vout: u32, index: u32, sat: i64) -> OutPoint {
        self.receive_at(
            Keychain::Deposits,
            OutPoint::new(txid(number), vout),
            index,
            sat,
        )
    }

    /// As [`FakeChain::receive`], of our own change.
    ///
    /// # Panics
    /// For more than all bitcoin.
    pub fn change(&self, number: u8, vout: u32, index: u32, sat: i64) -> OutPoint {
        self.receive_at(
            Keychain::Change,
            OutPoint::new(txid(number), vout),
            index,
            sat,
        )
    }

    fn receive_at(&self, keychain: Keychain, outpoint: OutPoint, index: u32, sat: i64) -> OutPoint {
        self.state().coins.push(WalletCoin {
            outpoint,
            amount_msat: Msat::from_sat(sat).expect("an amount"),
            keychain,
            index,
            position: ChainPosition::Mempool,
            is_coinbase: false,
            inputs: [OutPoint::new(txid(0xee), outpoint.vout)].into(),
        });
        outpoint
    }

    /// Puts the `number`th transaction into a block on the tip, and as many more blocks on it.
    pub fn mine(&self, number: u8, more: u32) {
        let mut state = self.state();
        state.height += 1;
        let block = ChainPosition::Block(state.height);
        let of_it = |coin: &&mut WalletCoin| coin.outpoint.txid == txid(number);
        let coins = state.coins.iter_mut();
        coins.filter(of_it).for_each(|coin| coin.position = block);
        state.height += more;
    }

    /// Puts empty blocks on the tip.
    pub fn grow(&self, blocks: u32) {
        self.state().height += blocks;
    }

    /// Another branch, as many blocks longer, takes over: the `number`th transaction waits for a block again.
    pub fn unmine(&self, number: u8, longer: u32) {
        let mut state = self.state();
        state.height += longer;
        let of_it = |coin: &&mut WalletCoin| coin.outpoint.txid == txid(number);
        let coins = state.coins.iter_mut();
        coins
            .filter(of_it)
            .for_each(|coin| coin.position = ChainPosition::Mempool);
    }

    /// The `number`th transaction is seen no more, and this became of it.
    pub fn lose(&self, number: u8, fate: Fate) {
        let mut state = self.state();
        state
            .coins
            .retain(|coin| coin.outpoint.txid != txid(number));
        state.fates.insert(txid(number), fate);
    }

    /// What is said of the `number`th transaction from now on, once it is lost.
    pub fn decide(&self, number: u8, fate: Fate) {
        self.state().fates.insert(txid(number), fate);
    }

    /// Answers nothing from now on, or answers again.
    pub fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Where the tip is, also lower than it was.
    pub fn set_height(&self, height: u32) {
        self.state().height = height;
    }

    /// How many addresses the latest look asked for.
    pub fn issued(&self) -> u32 {
        self.state().issued
    }
}

impl ChainWallet for FakeChain {
    fn descriptors(&self) -> WalletDescriptors {
        self.descriptors.clone()
    }

    fn look(&self, issued: u32) -> Result<ChainView, ChainUnavailable> {
        let mut state = self.state();
        if state.is_away {
            return Err(ChainUnavailable("the backend is away".into()));
        }
        state.issued = issued;
        let coins = state.coins.iter();
        // A wallet does not look at addresses that were given to nobody, except at its first look.
        let is_seen = |coin: &&WalletCoin| coin.index < issued + 100;
        Ok(ChainView {
            tip: ChainTip {
                height: state.height,
                hash: [1; 32],
                time: Timestamp::UNIX_EPOCH,
            },
            coins: coins.filter(is_seen).cloned().collect(),
        })
    }

    fn fate(&self, txid: Txid, _inputs: &[OutPoint]) -> Result<Fate, ChainUnavailable> {
        let state = self.state();
        Ok(state.fates.get(&txid).copied().unwrap_or(Fate::Unknown))
    }
}
