//! The table `suspense_item`, joined with the deposit that empties it.

use payments::ids::{AccountId, DepositId, InvoiceId, PostingId, SuspendedId};
use payments::payment_hash::PaymentHash;
use payments::suspense::{SuspendedItem, SuspenseReason, SuspenseState};

use super::{msat, time};
use crate::{Row, StoreError, Tx, params};

/// The columns that [`read`] takes, in its order, and where they come from.
#[macro_export]
#[doc(hidden)]
macro_rules! suspended_items {
    () => {
        "SELECT s.id, s.payment_hash, s.invoice_id, s.amount_msat, s.reason, s.state, s.posting_id, \
         s.created_at, s.updated_at, d.account_id, d.id \
         FROM suspense_item s LEFT JOIN deposit d ON d.suspended_id = s.id"
    };
}

pub(crate) fn read(row: &Row) -> Result<SuspendedItem, StoreError> {
    let reason = SuspenseReason::from_name(row.text(4)?)
        .ok_or_else(|| row.corrupt(4, "a reason of suspense"))?;
    let state = SuspenseState::from_name(row.text(5)?)
        .ok_or_else(|| row.corrupt(5, "a state of suspense"))?;
    Ok(SuspendedItem {
        id: SuspendedId::from_bytes(row.bytes16(0)?),
        payment_hash: PaymentHash::from_bytes(row.bytes32(1)?),
        invoice_id: row.opt_bytes16(2)?.map(InvoiceId::from_bytes),
        amount_msat: msat(row, 3)?,
        reason,
        posting_id: PostingId::from_bytes(row.bytes16(6)?),
        state,
        account_id: row.opt_bytes16(9)?.map(AccountId::from_bytes),
        deposit_id: row.opt_bytes16(10)?.map(DepositId::from_bytes),
        created_at: time(row, 7)?,
        updated_at: time(row, 8)?,
    })
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: [u8; 16]) -> Result<Option<SuspendedItem>, StoreError> {
    tx.query_opt(concat!(suspended_items!(), " WHERE s.id = $1"), params![id])?
        .as_ref()
        .map(read)
        .transpose()
}
