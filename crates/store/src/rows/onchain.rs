//! The tables `onchain_address` and `onchain_deposit`.

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use payments::ids::{AccountId, DepositAddressId, DepositId, PostingId};
use payments::onchain::{DepositAddress, OnchainDeposit, OnchainDepositState};

use super::{metadata, msat, time};
use crate::{Row, StoreError};

/// The columns that [`read`] takes, in its order, from [`onchain_deposit_tables`].
#[macro_export]
#[doc(hidden)]
macro_rules! onchain_deposit_columns {
    () => {
        "d.id, d.account_id, a.address, d.txid, d.vout, d.amount_msat, d.platform_fee_msat, d.state, d.credits, \
         d.inputs, a.metadata, d.posting_id, d.created_at, d.updated_at"
    };
}

/// Where [`read`]'s columns come from.
#[macro_export]
#[doc(hidden)]
macro_rules! onchain_deposit_tables {
    () => {
        " FROM onchain_deposit d JOIN onchain_address a ON a.id = d.address_id"
    };
}

fn count(row: &Row, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|_| row.corrupt(column, "a count"))
}

/// The length of an outpoint, as consensus writes it.
const OUTPOINT_BYTES: usize = 36;

/// A list of outpoints, as it is stored.
pub(crate) fn outpoint_bytes(outpoints: &[OutPoint]) -> Vec<u8> {
    outpoints.iter().flat_map(serialize).collect()
}

fn outpoints(row: &Row, column: usize) -> Result<Vec<OutPoint>, StoreError> {
    let corrupt = || row.corrupt(column, "a list of outpoints");
    let chunks = row.bytes(column)?.chunks(OUTPOINT_BYTES);
    chunks
        .map(|chunk| deserialize(chunk).map_err(|_| corrupt()))
        .collect()
}

pub(crate) fn read(row: &Row) -> Result<OnchainDeposit, StoreError> {
    let state = OnchainDepositState::from_name(row.text(7)?)
        .ok_or_else(|| row.corrupt(7, "a state of an on-chain deposit"))?;
    Ok(OnchainDeposit {
        id: DepositId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        address: row.text(2)?.to_owned(),
        outpoint: OutPoint {
            txid: Txid::from_byte_array(row.bytes32(3)?),
            vout: count(row, 4)?,
        },
        amount_msat: msat(row, 5)?,
        platform_fee_msat: msat(row, 6)?,
        state,
        credits: count(row, 8)?,
        inputs: outpoints(row, 9)?,
        metadata: metadata(row, 10)?,
        posting_id: row.opt_bytes16(11)?.map(PostingId::from_bytes),
        created_at: time(row, 12)?,
        updated_at: time(row, 13)?,
    })
}

/// Reads `id, account_id, address_index, address, metadata, created_at`.
pub(crate) fn read_address(row: &Row) -> Result<DepositAddress, StoreError> {
    Ok(DepositAddress {
        id: DepositAddressId::from_bytes(row.bytes16(0)?),
        account_id: row.opt_bytes16(1)?.map(AccountId::from_bytes),
        index: count(row, 2)?,
        address: row.text(3)?.to_owned(),
        metadata: metadata(row, 4)?,
        created_at: time(row, 5)?,
    })
}
