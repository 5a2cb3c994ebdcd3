//! [`Network`]: which bitcoin it is.
//!
//! An invoice or address of another network must never be accepted. `testnet4` is not known to BOLT 11
//! libraries and is not offered.

use std::fmt;
use std::str::FromStr;

use lightning_invoice::Currency;

/// The networks Leyden runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// Real money.
    Mainnet,
    /// The public test network, version 3.
    Testnet,
    /// The signed test network.
    Signet,
    /// A private chain: the sandbox and the tests.
    Regtest,
}

/// A text that names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network is one of mainnet, testnet, signet and regtest")]
pub struct ParseNetworkError;

impl Network {
    /// Its name in configuration and in the field `network_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }

    /// The network of a BOLT 11 prefix; `None` for simnet, which Leyden does not run on.
    pub fn of_currency(currency: &Currency) -> Option<Self> {
        match currency {
            Currency::Bitcoin => Some(Self::Mainnet),
            Currency::BitcoinTestnet => Some(Self::Testnet),
            Currency::Signet => Some(Self::Signet),
            Currency::Regtest => Some(Self::Regtest),
            Currency::Simnet => None,
        }
    }

    /// The same network as rust-bitcoin names it.
    pub const fn bitcoin(self) -> bitcoin::Network {
        match self {
            Self::Mainnet => bitcoin::Network::Bitcoin,
            Self::Testnet => bitcoin::Network::Testnet,
            Self::Signet => bitcoin::Network::Signet,
            Self::Regtest => bitcoin::Network::Regtest,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        [Self::Mainnet, Self::Testnet, Self::Signet, Self::Regtest]
            .into_iter()
            .find(|network| network.name() == text)
            .ok_or(ParseNetworkError)
    }
}
