//! The wallet's keys: a branch of the node's seed that the node itself does not use.
//!
//! The Lightning node's wallet has account 0 of BIP 84; this one has account 1. Any wallet that knows BIP 84 finds its
//! coins from the seed alone. A text with a private key in it never leaves this crate.

use std::fmt;

use bdk_wallet::KeychainKind;
use bitcoin::bip32::Xpriv;
use payments::network::Network;

/// Which account of BIP 84 is ours: ldk-node has account 0.
const ACCOUNT: u32 = 1;

/// No key can be made of the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key can be made from the seed")]
pub struct KeysError;

/// What the wallet's addresses are made from, and its coins are spent with.
#[derive(Clone)]
pub struct WalletKeys {
    master: Xpriv,
    pub(crate) network: Network,
}

impl fmt::Debug for WalletKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WalletKeys(hidden)")
    }
}

impl WalletKeys {
    /// The keys of the node's `seed`.
    ///
    /// # Errors
    /// [`KeysError`], for practically no seed.
    pub fn of_seed(network: Network, seed: &[u8]) -> Result<Self, KeysError> {
        let master = Xpriv::new_master(network.bitcoin(), seed).map_err(|_| KeysError)?;
        Ok(Self { master, network })
    }

    /// The output descriptor of a keychain, with its private key.
    pub(crate) fn descriptor(&self, keychain: KeychainKind) -> String {
        let coin = match self.network {
            Network::Mainnet => 0,
            Network::Testnet | Network::Signet | Network::Regtest => 1,
        };
        let chain = match keychain {
            KeychainKind::External => 0,
            KeychainKind::Internal => 1,
        };
        format!("wpkh({}/84'/{coin}'/{ACCOUNT}'/{chain}/*)", self.master)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_keys() {
        let keys = WalletKeys::of_seed(Network::Regtest, &[7; 64]).expect("keys");
        assert_eq!(format!("{keys:?}"), "WalletKeys(hidden)");
    }
}
