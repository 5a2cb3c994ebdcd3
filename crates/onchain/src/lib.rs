//! The on-chain rail by `bdk_wallet`: the wallet of the customers' coins, apart from the Lightning node's.
//!
//! The wallet's memory is never the truth: it is made anew at each start from its keys, the number of addresses that
//! the books have given out, and the chain. Nothing here knows an account or a database.

mod address;
mod esplora;
mod keys;
mod wallet;

pub use address::{AddressError, deposit_address};
pub use keys::{KeysError, WalletKeys};
pub use wallet::{OnchainWallet, StartError};
