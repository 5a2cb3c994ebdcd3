//! A regtest Bitcoin chain in the process: validated transactions, mined blocks, an Esplora API.
//!
//! [`Chain`] is the whole of it: [`Chain::in_memory`] or [`Chain::open`], then [`Chain::submit`]
//! and [`Chain::mine`]. [`Faucet`] pays out coins, and [`esplora::router`] serves the HTTP API that
//! wallets and Lightning nodes read a chain with. Every transaction is checked as Bitcoin Core
//! checks it, scripts by Core's own code (libbitcoinconsensus), and refused with Core's words.
//!
//! ```
//! use bitcoin::{Address, FeeRate};
//! use devchain::Chain;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chain = Chain::in_memory();
//! let faucet = chain.faucet();
//! faucet.mine(101)?; // the first reward is mature now
//!
//! let payee = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".parse::<Address<_>>()?;
//! let script = payee.assume_checked().script_pubkey();
//! let txid = faucet.pay(script.clone(), 50_000, FeeRate::BROADCAST_MIN)?;
//! assert!(chain.confirmation(&txid).is_none());
//!
//! faucet.mine(1)?;
//! assert_eq!(chain.confirmation(&txid).map(|at| at.height), Some(102));
//! assert_eq!(chain.utxos(&script).len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! It must never be used for anything but regtest, and it knows nothing of payments.

mod block;
mod chain;
mod clock;
pub mod esplora;
mod faucet;
mod index;
mod log;
mod mempool;
mod miner;
mod query;
mod record;
mod reject;
mod reorganisation;
mod state;
mod utxo;
mod validate;

pub use block::{COINBASE_MATURITY, HALVING_INTERVAL, subsidy_sat};
pub use chain::{Chain, MineError, OpenError, ReorganiseError, Tip};
pub use faucet::{Faucet, PayError, ReplaceError};
pub use query::{BlockInfo, Confirmation, MempoolTotals, ScriptHistory, Spender, TxInfo, Utxo};
pub use reject::Reject;
