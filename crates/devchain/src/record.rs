//! What the frames of the log say: the faucet's key, an accepted transaction, mined blocks.
//!
//! The blocks of one call of `mine` are one record, so that they are kept all together or not at
//! all. The encoding is consensus serialization; it must never change under an existing log.

use bitcoin::consensus::encode::{self, deserialize, serialize};
use bitcoin::secp256k1::{self, SecretKey};
use bitcoin::{Block, Transaction};

/// One durable step of the chain.
pub(crate) enum Record {
    /// The first record of every log.
    FaucetKey(SecretKey),
    /// A transaction that the mempool accepted.
    Transaction(Transaction),
    /// Blocks, from the lowest to the highest.
    Blocks(Vec<Block>),
}

/// A sound frame that says nothing known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("unknown kind of record {0}")]
    Kind(u8),
    #[error(transparent)]
    Consensus(#[from] encode::Error),
    #[error(transparent)]
    Key(#[from] secp256k1::Error),
}

const FAUCET_KEY: u8 = 1;
const TRANSACTION: u8 = 2;
const BLOCKS: u8 = 3;

impl Record {
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::FaucetKey(key) => (FAUCET_KEY, key.secret_bytes().to_vec()),
            Self::Transaction(tx) => (TRANSACTION, serialize(tx)),
            Self::Blocks(blocks) => (BLOCKS, blocks.iter().flat_map(serialize).collect()),
        }
    }

    pub(crate) fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        match kind {
            FAUCET_KEY => Ok(Self::FaucetKey(SecretKey::from_slice(payload)?)),
            TRANSACTION => Ok(Self::Transaction(deserialize(payload)?)),
            BLOCKS => {
                let mut rest = payload;
                let mut blocks = Vec::new();
                while !rest.is_empty() {
                    let (block, length) = encode::deserialize_partial::<Block>(rest)?;
                    rest = rest.get(length..).unwrap_or(&[]);
                    blocks.push(block);
                }
                Ok(Self::Blocks(blocks))
            }
            unknown => Err(DecodeError::Kind(unknown)),
        }
    }
}
