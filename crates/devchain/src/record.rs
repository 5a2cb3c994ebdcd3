//! What the frames of the log say: the faucet's key, an accepted transaction, mined blocks, a reorganisation.
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
    /// How many of the newest blocks left the chain, and the blocks that came in their place.
    Reorganisation(u32, Vec<Block>),
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
const REORGANISATION: u8 = 4;

impl Record {
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::FaucetKey(key) => (FAUCET_KEY, key.secret_bytes().to_vec()),
            Self::Transaction(tx) => (TRANSACTION, serialize(tx)),
            Self::Blocks(blocks) => (BLOCKS, blocks.iter().flat_map(serialize).collect()),
            Self::Reorganisation(depth, blocks) => {
                let blocks = blocks.iter().flat_map(serialize);
                (
                    REORGANISATION,
                    depth.to_be_bytes().into_iter().chain(blocks).collect(),
                )
            }
        }
    }

    pub(crate) fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        match kind {
            FAUCET_KEY => Ok(Self::FaucetKey(SecretKey::from_slice(payload)?)),
            TRANSACTION => Ok(Self::Transaction(deserialize(payload)?)),
            BLOCKS => Ok(Self::Blocks(blocks(payload)?)),
            REORGANISATION => {
                let Some((depth, rest)) = payload.split_first_chunk() else {
                    return Err(DecodeError::Kind(kind));
                };
                Ok(Self::Reorganisation(
                    u32::from_be_bytes(*depth),
                    blocks(rest)?,
                ))
            }
            unknown => Err(DecodeError::Kind(unknown)),
        }
    }
}

fn blocks(mut rest: &[u8]) -> Result<Vec<Block>, DecodeError> {
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let (block, length) = encode::deserialize_partial::<Block>(rest)?;
        rest = rest.get(length..).unwrap_or(&[]);
        blocks.push(block);
    }
    Ok(blocks)
}
