//! The table `withdrawal`.

use bitcoin::secp256k1::PublicKey;
use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use payments::ids::{AccountId, ApiKeyId, PostingId, WithdrawalId};
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::withdrawal::{Withdrawal, WithdrawalFailure, WithdrawalState};

use super::{metadata, msat, opt_msat, time};
use crate::{Row, StoreError, Tx, params};

/// The columns that [`read`] takes, in its order.
#[macro_export]
#[doc(hidden)]
macro_rules! withdrawal_columns {
    () => {
        "id, account_id, api_key_id, client_id, bolt11, payment_hash, destination, amount_msat, \
         fee_reserve_msat, platform_fee_msat, metadata, state, fee_msat, preimage, failure, \
         hold_posting_id, attempts, next_attempt_at, expires_at, created_at, updated_at, \
         keeps_reserve, resend_barred, routes_not_found, waits_for_room"
    };
}

pub(crate) fn state(row: &Row, column: usize) -> Result<WithdrawalState, StoreError> {
    WithdrawalState::from_name(row.text(column)?)
        .ok_or_else(|| row.corrupt(column, "a withdrawal state"))
}

fn failure(row: &Row, column: usize) -> Result<Option<WithdrawalFailure>, StoreError> {
    row.opt_text(column)?
        .map(|name| {
            WithdrawalFailure::from_name(name)
                .ok_or_else(|| row.corrupt(column, "a reason of failure"))
        })
        .transpose()
}

fn unused_reserve(keeps: i64) -> UnusedReserve {
    match keeps {
        0 => UnusedReserve::Returned,
        _ => UnusedReserve::Kept,
    }
}

pub(crate) fn read(row: &Row) -> Result<Withdrawal, StoreError> {
    Ok(Withdrawal {
        id: WithdrawalId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        api_key_id: ApiKeyId::from_bytes(row.bytes16(2)?),
        client_id: row.opt_text(3)?.map(str::to_owned),
        bolt11: row.text(4)?.to_owned(),
        payment_hash: PaymentHash::from_bytes(row.bytes32(5)?),
        destination: PublicKey::from_slice(row.bytes(6)?)
            .map_err(|_| row.corrupt(6, "a public key"))?,
        amounts: Amounts {
            amount_msat: msat(row, 7)?,
            fee_reserve_msat: msat(row, 8)?,
            platform_fee_msat: msat(row, 9)?,
        },
        metadata: metadata(row, 10)?,
        state: state(row, 11)?,
        fee_msat: opt_msat(row, 12)?,
        preimage: row.opt_bytes32(13)?.map(PaymentPreimage::from_bytes),
        failure: failure(row, 14)?,
        hold_posting_id: PostingId::from_bytes(row.bytes16(15)?),
        attempts: row.int(16)?,
        next_attempt_at: time(row, 17)?,
        resend_barred: row.int(22)? == 1,
        routes_not_found: row.int(23)?,
        waits_for_room: row.int(24)? == 1,
        expires_at: time(row, 18)?,
        created_at: time(row, 19)?,
        updated_at: time(row, 20)?,
        unused_reserve: unused_reserve(row.int(21)?),
    })
}

pub(crate) fn by_id(tx: &mut Tx<'_>, id: [u8; 16]) -> Result<Option<Withdrawal>, StoreError> {
    tx.query_opt(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE id = $1"
        ),
        params![id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}
