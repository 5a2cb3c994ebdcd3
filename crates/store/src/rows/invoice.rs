//! The table `invoice`.

use payments::ids::{AccountId, InvoiceId};
use payments::invoice::{Invoice, InvoiceState};
use payments::payment_hash::PaymentHash;

use super::{metadata, opt_msat, opt_time, time};
use crate::{Row, StoreError, Tx, params};

/// The columns that [`read`] takes, in its order.
#[macro_export]
#[doc(hidden)]
macro_rules! invoice_columns {
    () => {
        "id, account_id, payment_hash, bolt11, amount_msat, description, metadata, state, \
         received_msat, settled_at, expires_at, created_at, updated_at"
    };
}

pub(crate) fn read(row: &Row) -> Result<Invoice, StoreError> {
    let state =
        InvoiceState::from_name(row.text(7)?).ok_or_else(|| row.corrupt(7, "an invoice state"))?;
    Ok(Invoice {
        id: InvoiceId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        payment_hash: PaymentHash::from_bytes(row.bytes32(2)?),
        bolt11: row.text(3)?.to_owned(),
        amount_msat: opt_msat(row, 4)?,
        description: row.text(5)?.to_owned(),
        metadata: metadata(row, 6)?,
        state,
        received_msat: opt_msat(row, 8)?,
        settled_at: opt_time(row, 9)?,
        expires_at: time(row, 10)?,
        created_at: time(row, 11)?,
        updated_at: time(row, 12)?,
    })
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: [u8; 16]) -> Result<Option<Invoice>, StoreError> {
    tx.query_opt(
        concat!("SELECT ", invoice_columns!(), " FROM invoice WHERE id = $1"),
        params![id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}
