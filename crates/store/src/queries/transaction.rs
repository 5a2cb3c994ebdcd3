//! The transactions of an account, deposits and withdrawals together, newest first, by cursor.
//!
//! Ids are UUIDv7 and sort by time, so the cursor is the last id that was seen and a page costs the same however
//! long the history is.

use payments::deposit::Deposit;
use payments::ids::AccountId;
use payments::onchain::OnchainDeposit;
use payments::withdrawal::Withdrawal;

use crate::rows::{deposit, onchain, withdrawal};
use crate::{
    StoreError, Tx, deposit_columns, deposit_tables, onchain_deposit_columns,
    onchain_deposit_tables, params, withdrawal_columns,
};

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// Money in.
    Deposit(Box<Deposit>),
    /// Money out.
    Withdrawal(Box<Withdrawal>),
    /// Money in, over the chain.
    OnchainDeposit(Box<OnchainDeposit>),
}

impl Transaction {
    /// Its id, which is also the cursor of a page that ends with it.
    #[must_use]
    pub fn id_bytes(&self) -> [u8; 16] {
        match self {
            Self::Deposit(deposit) => deposit.id.to_bytes(),
            Self::Withdrawal(withdrawal) => withdrawal.id.to_bytes(),
            Self::OnchainDeposit(deposit) => deposit.id.to_bytes(),
        }
    }
}

/// At most `limit` transactions of `account` that are older than `before`; `None` starts with the newest.
///
/// # Errors
/// The database's.
pub fn page(
    tx: &mut Tx<'_>,
    account: AccountId,
    before: Option<[u8; 16]>,
    limit: i64,
) -> Result<Vec<Transaction>, StoreError> {
    let before = before.unwrap_or([0xff; 16]);
    let deposits = tx.query(
        concat!(
            "SELECT ",
            deposit_columns!(),
            deposit_tables!(),
            " WHERE d.account_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3"
        ),
        params![account.to_bytes(), before, limit],
    )?;
    let withdrawals = tx.query(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        ),
        params![account.to_bytes(), before, limit],
    )?;
    let onchain_deposits = tx.query(
        concat!(
            "SELECT ",
            onchain_deposit_columns!(),
            onchain_deposit_tables!(),
            " WHERE d.account_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3"
        ),
        params![account.to_bytes(), before, limit],
    )?;
    let mut page = Vec::with_capacity(deposits.len() + withdrawals.len());
    for row in &onchain_deposits {
        page.push(Transaction::OnchainDeposit(Box::new(onchain::read(row)?)));
    }
    for row in &deposits {
        page.push(Transaction::Deposit(Box::new(deposit::read(row)?)));
    }
    for row in &withdrawals {
        page.push(Transaction::Withdrawal(Box::new(withdrawal::read(row)?)));
    }
    page.sort_by_key(|transaction| std::cmp::Reverse(transaction.id_bytes()));
    page.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(page)
}
