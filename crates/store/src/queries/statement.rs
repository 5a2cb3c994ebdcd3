//! The statement of an account: every change of its balance, by number, between two balances.

use jiff::Timestamp;
use ledger::AccountNumber;
use payments::metadata::Metadata;

use crate::rows::{ledger_account, metadata, micros, time};
use crate::{Row, StoreError, Tx, params};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: i64,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// What was booked.
    pub code: String,
    /// Who stands on the other side.
    pub counter: AccountNumber,
    /// The deposit or withdrawal that it belongs to.
    pub transaction: Option<[u8; 16]>,
    /// What was booked, below zero when it went out.
    pub amount_msat: i64,
    /// What the account had after it.
    pub balance_msat: i64,
    /// The description of the invoice of a deposit.
    pub description: Option<String>,
    /// What the customer attached.
    pub metadata: Option<Metadata>,
}

/// Where the entries stand that were booked at `from` or later and before `to`: the number before the first of them,
/// and that of the last. Numbers decide, so that no entry between them is left out.
///
/// # Errors
/// The database's; so for every query here.
pub fn range(
    tx: &mut Tx<'_>,
    account: AccountNumber,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<(i64, i64), StoreError> {
    let row = tx.query_opt(
        "SELECT MIN(CASE WHEN p.created_at >= $1 THEN e.seq END), MAX(CASE WHEN p.created_at < $2 THEN e.seq END),
                MAX(e.seq)
         FROM entry e JOIN transfer t ON t.id = e.transfer_id JOIN posting p ON p.id = t.posting_id
         WHERE e.account = $3",
        params![
            from.map_or(i64::MIN, micros),
            to.map_or(i64::MAX, micros),
            account.get()
        ],
    )?;
    let Some(row) = row else { return Ok((0, 0)) };
    let newest = row.opt_int(2)?.unwrap_or(0);
    let before = row.opt_int(0)?.map_or(newest, |first| first - 1);
    Ok((before, row.opt_int(1)?.unwrap_or(0).max(before)))
}

/// What the account had after the entry with this number.
///
/// # Errors
/// See [`range`].
pub fn balance_after(
    tx: &mut Tx<'_>,
    account: AccountNumber,
    sequence: i64,
) -> Result<i64, StoreError> {
    let row = tx.query_opt(
        "SELECT balance_msat FROM entry WHERE account = $1 AND seq = $2",
        params![account.get(), sequence],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// At most `limit` changes with numbers above `after` and up to `last`. What is only held changes no balance.
///
/// # Errors
/// See [`range`].
pub fn entries(
    tx: &mut Tx<'_>,
    account: AccountNumber,
    after: i64,
    last: i64,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = tx.query(
        "SELECT e.seq, p.created_at, p.code, CASE WHEN t.debit = e.account THEN t.credit ELSE t.debit END,
                COALESCE(d.id, w.id), e.posted_msat, e.balance_msat, i.description, COALESCE(w.metadata, i.metadata)
         FROM entry e
         JOIN transfer t ON t.id = e.transfer_id
         JOIN posting p ON p.id = t.posting_id
         LEFT JOIN deposit d ON d.posting_id = p.id
         LEFT JOIN invoice i ON i.id = d.invoice_id
         LEFT JOIN withdrawal w ON p.fact_kind = 'withdrawal_end' AND w.id = p.fact_id
         WHERE e.account = $1 AND e.seq > $2 AND e.seq <= $3 AND e.posted_msat <> 0
         ORDER BY e.seq LIMIT $4",
        params![account.get(), after, last, limit],
    )?;
    let read = |row: &Row| {
        Ok(Entry {
            sequence: row.int(0)?,
            booked_at: time(row, 1)?,
            code: row.text(2)?.to_owned(),
            counter: ledger_account(row, 3)?,
            transaction: row.opt_bytes16(4)?,
            amount_msat: row.int(5)?,
            balance_msat: row.int(6)?,
            description: row.opt_text(7)?.map(str::to_owned),
            metadata: metadata(row, 8)?,
        })
    };
    rows.iter().map(read).collect()
}
