//! The on-chain wallet as the domain needs it: what the chain says now, whole, at every look.
//!
//! A look tells the state and not what changed, so nothing is lost when one of them could not be written down: the
//! next one says it again. A backend that does not answer proves nothing.

use std::sync::Arc;

use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use money::Msat;

/// What the wallet is made of, without its keys: whoever has it sees every coin and can spend none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletDescriptors {
    /// The addresses that are given out (an output descriptor, BIP 380).
    pub deposits: String,
    /// The addresses of change.
    pub change: String,
}

/// The newest block that the backend knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainTip {
    /// Its height.
    pub height: u32,
    /// Its hash, in the byte order of the hash.
    pub hash: [u8; 32],
    /// When its miner says that it was made.
    pub time: Timestamp,
}

/// Which of the wallet's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// Those that are given out.
    Deposits,
    /// Those of our own change: never a deposit of anybody.
    Change,
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainPosition {
    /// It waits for a block.
    Mempool,
    /// It is in the block of this height, in the best chain.
    Block(u32),
}

/// One output that pays to the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletCoin {
    /// Which.
    pub outpoint: OutPoint,
    /// How much.
    pub amount_msat: Msat,
    /// To which addresses of the wallet.
    pub keychain: Keychain,
    /// The number of its address.
    pub index: u32,
    /// Where its transaction stands.
    pub position: ChainPosition,
    /// Whether it is a miner's reward.
    pub is_coinbase: bool,
    /// What its transaction spends.
    pub inputs: Arc<[OutPoint]>,
}

/// What the chain says of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainView {
    /// The newest block.
    pub tip: ChainTip,
    /// Every output that pays to the wallet, spent or not, of transactions in the best chain or in the mempool.
    pub coins: Vec<WalletCoin>,
}

/// What became of a transaction that the wallet does not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is known.
    Unknown,
    /// A transaction that waits for a block spends one of its inputs.
    Replaced,
    /// A transaction in a block spends one of its inputs.
    DoubleSpent,
}

/// The chain could not be asked. Nothing is proven.
#[derive(Debug, thiserror::Error)]
#[error("the chain cannot be asked now")]
pub struct ChainUnavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The wallet of the on-chain rail. Every call is synchronous and may block: call it from a plain thread, never from an
/// async worker and never inside a database transaction.
pub trait ChainWallet: Send + Sync {
    /// What it is made of.
    fn descriptors(&self) -> WalletDescriptors;

    /// Looks at the chain: at the first `issued` addresses that are given out, and, at the first look after a start,
    /// far enough beyond them to find what an older copy of the books does not know.
    ///
    /// # Errors
    /// [`ChainUnavailable`].
    fn look(&self, issued: u32) -> Result<ChainView, ChainUnavailable>;

    /// What became of the transaction `txid`, which spends `inputs` and is not in the latest view.
    ///
    /// # Errors
    /// [`ChainUnavailable`].
    fn fate(&self, txid: Txid, inputs: &[OutPoint]) -> Result<Fate, ChainUnavailable>;
}
