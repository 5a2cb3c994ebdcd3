//! The table `deposit`, joined with the invoice that it may have.

use payments::deposit::{Deposit, DepositState};
use payments::ids::{AccountId, DepositId, InvoiceId, PostingId};
use payments::payment_hash::PaymentHash;

use super::{metadata, msat, time};
use crate::{Row, StoreError};

/// The columns that [`read`] takes, in its order, from [`deposit_tables`].
#[macro_export]
#[doc(hidden)]
macro_rules! deposit_columns {
    () => {
        "d.id, d.account_id, d.invoice_id, d.payment_hash, COALESCE(i.bolt11, ''), d.amount_msat, \
         d.platform_fee_msat, d.state, i.metadata, d.posting_id, d.created_at, d.updated_at"
    };
}

/// Where [`read`]'s columns come from.
#[macro_export]
#[doc(hidden)]
macro_rules! deposit_tables {
    () => {
        " FROM deposit d LEFT JOIN invoice i ON i.id = d.invoice_id"
    };
}

pub(crate) fn read(row: &Row) -> Result<Deposit, StoreError> {
    let state =
        DepositState::from_name(row.text(7)?).ok_or_else(|| row.corrupt(7, "a deposit state"))?;
    Ok(Deposit {
        id: DepositId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        invoice_id: row.opt_bytes16(2)?.map(InvoiceId::from_bytes),
        payment_hash: PaymentHash::from_bytes(row.bytes32(3)?),
        bolt11: row.text(4)?.to_owned(),
        amount_msat: msat(row, 5)?,
        platform_fee_msat: msat(row, 6)?,
        state,
        metadata: metadata(row, 8)?,
        posting_id: row.opt_bytes16(9)?.map(PostingId::from_bytes),
        created_at: time(row, 10)?,
        updated_at: time(row, 11)?,
    })
}
