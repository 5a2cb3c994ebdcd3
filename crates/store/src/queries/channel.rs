//! The channels of our node, as the books know them.

use std::collections::BTreeSet;

use bitcoin::OutPoint;
use money::Msat;

use crate::{StoreError, Tx, params, rows};

/// A channel that is open, or closed and not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveChannel {
    /// Its id.
    pub id: [u8; 32],
    /// Its funding output, when it is known.
    pub funding: Option<OutPoint>,
    /// Whether it is closed.
    pub is_closed: bool,
    /// The most that the node said was ours in it after it was closed.
    pub returned_msat: Option<Msat>,
}

/// The channels that are not settled.
///
/// # Errors
/// The database's; so for every query here.
pub fn live_channels(tx: &mut Tx<'_>) -> Result<Vec<LiveChannel>, StoreError> {
    tx.query(
        "SELECT id, funding, state, returned_msat FROM channel WHERE state <> 'settled' ORDER BY id",
        params![],
    )?
    .iter()
    .map(|row| {
        let funding = row.opt_bytes(1)?.map(bitcoin::consensus::deserialize);
        Ok(LiveChannel {
            id: row.bytes32(0)?,
            funding: funding
                .transpose()
                .map_err(|_| row.corrupt(1, "a funding output"))?,
            is_closed: row.text(2)? == "closed",
            returned_msat: rows::opt_msat(row, 3)?,
        })
    })
    .collect()
}

/// How many channels were ever closed, by reason.
///
/// # Errors
/// See [`live_channels`].
pub fn closed_by_reason(tx: &mut Tx<'_>) -> Result<Vec<(String, i64)>, StoreError> {
    tx.query(
        "SELECT COALESCE(close_reason, ''), CAST(COUNT(*) AS BIGINT) FROM channel
         WHERE state <> 'open' GROUP BY close_reason ORDER BY close_reason",
        params![],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?)))
    .collect()
}

/// The txids of the wallet's transactions that are booked: a few for each channel that ever was.
///
/// # Errors
/// See [`live_channels`].
pub fn booked_transactions(tx: &mut Tx<'_>) -> Result<BTreeSet<[u8; 32]>, StoreError> {
    tx.query(
        "SELECT fact_id FROM posting WHERE fact_kind = 'chain_transaction'",
        params![],
    )?
    .iter()
    .map(|row| row.bytes32(0))
    .collect()
}
