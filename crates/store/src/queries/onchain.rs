//! The on-chain rail: its wallet, its addresses, and the deposits that the chain can still change.

use bitcoin::OutPoint;
use bitcoin::hashes::Hash;
use jiff::Timestamp;
use payments::ids::{AccountId, DepositId};
use payments::onchain::{DepositAddress, OnchainDeposit};
use payments::ports::WalletDescriptors;

use crate::rows::{onchain as row, opt_time};
use crate::{StoreError, Tx, onchain_deposit_columns, onchain_deposit_tables, params};

/// The wallet, as the process that runs it last wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWallet {
    /// What it is made of.
    pub descriptors: WalletDescriptors,
    /// How many addresses were given out.
    pub issued: u32,
    /// The height of the newest block that it saw.
    pub tip_height: Option<u32>,
    /// When that block was made, by its miner.
    pub tip_time: Option<Timestamp>,
    /// When it last saw the chain.
    pub seen_at: Option<Timestamp>,
}

/// The wallet; `None` before it ran for the first time.
///
/// # Errors
/// The database's; so for every query here.
pub fn wallet(tx: &mut Tx<'_>) -> Result<Option<KeptWallet>, StoreError> {
    let found = tx.query_opt(
        "SELECT deposits, change, next_index, tip_height, tip_time, seen_at FROM onchain_wallet WHERE id = 1",
        params![],
    )?;
    let read = |row: crate::Row| {
        let count =
            |column, value| u32::try_from(value).map_err(|_| row.corrupt(column, "a count"));
        Ok(KeptWallet {
            descriptors: WalletDescriptors {
                deposits: row.text(0)?.to_owned(),
                change: row.text(1)?.to_owned(),
            },
            issued: count(2, row.int(2)?)?,
            tip_height: row.opt_int(3)?.map(|height| count(3, height)).transpose()?,
            tip_time: opt_time(&row, 4)?,
            seen_at: opt_time(&row, 5)?,
        })
    };
    found.map(read).transpose()
}

/// The address with this number, if it was given out.
///
/// # Errors
/// See [`wallet`].
pub fn address_by_index(tx: &mut Tx<'_>, index: u32) -> Result<Option<DepositAddress>, StoreError> {
    tx.query_opt(
        "SELECT id, account_id, address_index, address, metadata, created_at FROM onchain_address
         WHERE address_index = $1",
        params![i64::from(index)],
    )?
    .as_ref()
    .map(row::read_address)
    .transpose()
}

/// The deposit of an output.
///
/// # Errors
/// See [`wallet`].
pub fn by_outpoint(
    tx: &mut Tx<'_>,
    outpoint: OutPoint,
) -> Result<Option<OnchainDeposit>, StoreError> {
    tx.query_opt(
        concat!(
            "SELECT ",
            onchain_deposit_columns!(),
            onchain_deposit_tables!(),
            " WHERE d.txid = $1 AND d.vout = $2"
        ),
        params![outpoint.txid.to_byte_array(), i64::from(outpoint.vout)],
    )?
    .as_ref()
    .map(row::read)
    .transpose()
}

/// A deposit of `account`.
///
/// # Errors
/// See [`wallet`].
pub fn deposit(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: DepositId,
) -> Result<Option<OnchainDeposit>, StoreError> {
    tx.query_opt(
        concat!(
            "SELECT ",
            onchain_deposit_columns!(),
            onchain_deposit_tables!(),
            " WHERE d.id = $1 AND d.account_id = $2"
        ),
        params![id.to_bytes(), account.to_bytes()],
    )?
    .as_ref()
    .map(row::read)
    .transpose()
}

/// The deposits that the chain can still change: those that are not settled, and those in blocks from `height` on.
///
/// # Errors
/// See [`wallet`].
pub fn changeable(tx: &mut Tx<'_>, height: u32) -> Result<Vec<OnchainDeposit>, StoreError> {
    tx.query(
        concat!(
            "SELECT ",
            onchain_deposit_columns!(),
            onchain_deposit_tables!(),
            " WHERE d.state IN ('pending', 'disputed') OR (d.state = 'settled' AND d.block_height >= $1)
             ORDER BY d.id"
        ),
        params![i64::from(height)],
    )?
    .iter()
    .map(row::read)
    .collect()
}

/// Whether a credited deposit of `account` is in no block at the moment.
///
/// # Errors
/// See [`wallet`].
pub fn is_disputed(tx: &mut Tx<'_>, account: AccountId) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM onchain_deposit WHERE account_id = $1 AND state = 'disputed' LIMIT 1",
        params![account.to_bytes()],
    )?;
    Ok(found.is_some())
}
