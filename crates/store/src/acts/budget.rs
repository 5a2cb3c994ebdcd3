//! What keys may spend over time: reservations in the transaction that holds the money.
//!
//! A budget's row is taken before the account's, and changes by a conditional update: requests that come at once never
//! spend more than there is. What has left the window, came back, or was less than was held is given back here, once.

use jiff::SignedDuration;
use money::Msat;
use payments::api_key::Budget;
use payments::ids::ApiKeyId;
use payments::withdrawal::{Withdrawal, WithdrawalState};

use super::ActContext;
use crate::differences::Statement;
use crate::rows::micros;
use crate::{StoreError, Tx, for_update, params};

const BUDGETS: Statement = for_update!(
    "SELECT window_seconds, limit_msat FROM key_budget WHERE api_key_id = $1 ORDER BY window_seconds"
);

/// Gives a key these budgets and no others. What counts against one that stays goes on counting.
pub(super) fn set(tx: &mut Tx<'_>, key: ApiKeyId, budgets: &[Budget]) -> Result<(), StoreError> {
    for (window_seconds, _) in locked(tx, key)? {
        let stays = |budget: &Budget| i64::from(budget.window_seconds) == window_seconds;
        if !budgets.iter().any(stays) {
            tx.execute(
                "DELETE FROM key_spend WHERE api_key_id = $1 AND window_seconds = $2",
                params![key.to_bytes(), window_seconds],
            )?;
            tx.execute(
                "DELETE FROM key_budget WHERE api_key_id = $1 AND window_seconds = $2",
                params![key.to_bytes(), window_seconds],
            )?;
        }
    }
    for budget in budgets {
        tx.execute(
            "INSERT INTO key_budget (api_key_id, window_seconds, limit_msat) VALUES ($1, $2, $3)
             ON CONFLICT (api_key_id, window_seconds) DO UPDATE SET limit_msat = excluded.limit_msat",
            params![
                key.to_bytes(),
                i64::from(budget.window_seconds),
                budget.limit_msat.get()
            ],
        )?;
    }
    Ok(())
}

/// The windows and limits of a key's budgets, their rows locked until the transaction ends.
fn locked(tx: &mut Tx<'_>, key: ApiKeyId) -> Result<Vec<(i64, i64)>, StoreError> {
    let rows = tx.query(BUDGETS.on(tx.dialect()), params![key.to_bytes()])?;
    rows.iter()
        .map(|row| Ok((row.int(0)?, row.int(1)?)))
        .collect()
}

/// Budgets whose rows this transaction holds.
pub(super) struct Held {
    key: ApiKeyId,
    budgets: Vec<(i64, i64)>,
}

/// Takes the rows of a key's budgets, and gives back what has left their windows.
pub(super) fn hold(tx: &mut Tx<'_>, act: &ActContext, key: ApiKeyId) -> Result<Held, StoreError> {
    let budgets = locked(tx, key)?;
    for (window_seconds, _) in &budgets {
        let since = act.now - SignedDuration::from_secs(*window_seconds);
        let left = tx.query(
            "UPDATE key_spend SET is_counted = 0
             WHERE api_key_id = $1 AND window_seconds = $2 AND is_counted = 1 AND created_at <= $3
             RETURNING amount_msat",
            params![key.to_bytes(), *window_seconds, micros(since)],
        )?;
        let mut left_msat = 0;
        for row in &left {
            left_msat += row.int(0)?;
        }
        give_back(tx, key, *window_seconds, left_msat)?;
    }
    Ok(Held { key, budgets })
}

/// Takes `withdrawal` out of the budgets: all that is held for it. `Err` is the limit of one that has too little left.
pub(super) fn spend(
    tx: &mut Tx<'_>,
    held: &Held,
    withdrawal: &Withdrawal,
) -> Result<Result<(), Msat>, StoreError> {
    let amount_msat = charged_msat(withdrawal);
    for (window_seconds, limit_msat) in &held.budgets {
        let fits = tx.execute(
            "UPDATE key_budget SET used_msat = used_msat + $1
             WHERE api_key_id = $2 AND window_seconds = $3 AND used_msat + $1 <= limit_msat",
            params![amount_msat, held.key.to_bytes(), *window_seconds],
        )?;
        if fits == 0 {
            let limit_msat = Msat::new(*limit_msat).map_err(|_| StoreError::Inconsistent {
                what: "a budget that is no amount",
            })?;
            return Ok(Err(limit_msat));
        }
        tx.execute(
            "INSERT INTO key_spend (withdrawal_id, window_seconds, api_key_id, amount_msat, is_counted, created_at)
             VALUES ($1, $2, $3, $4, 1, $5)",
            params![
                withdrawal.id.to_bytes(),
                *window_seconds,
                held.key.to_bytes(),
                amount_msat,
                micros(withdrawal.created_at)
            ],
        )?;
    }
    Ok(Ok(()))
}

/// A withdrawal has ended: what it cost counts, and the rest of what was held is given back.
pub(super) fn settle(tx: &mut Tx<'_>, withdrawal: &Withdrawal) -> Result<(), StoreError> {
    const COUNTED: &str = "SELECT window_seconds, amount_msat FROM key_spend
         WHERE withdrawal_id = $1 AND is_counted = 1 ORDER BY window_seconds";
    if tx
        .query(COUNTED, params![withdrawal.id.to_bytes()])?
        .is_empty()
    {
        return Ok(());
    }
    let (key, cost_msat) = (withdrawal.api_key_id, charged_msat(withdrawal));
    locked(tx, key)?;
    for row in &tx.query(COUNTED, params![withdrawal.id.to_bytes()])? {
        let (window_seconds, held_msat) = (row.int(0)?, row.int(1)?);
        tx.execute(
            "UPDATE key_spend SET amount_msat = $1, is_counted = $2 WHERE withdrawal_id = $3 AND window_seconds = $4",
            params![
                cost_msat,
                i64::from(cost_msat > 0),
                withdrawal.id.to_bytes(),
                window_seconds
            ],
        )?;
        give_back(tx, key, window_seconds, held_msat - cost_msat)?;
    }
    Ok(())
}

fn give_back(
    tx: &mut Tx<'_>,
    key: ApiKeyId,
    window_seconds: i64,
    amount_msat: i64,
) -> Result<(), StoreError> {
    if amount_msat != 0 {
        tx.execute(
            "UPDATE key_budget SET used_msat = used_msat - $1 WHERE api_key_id = $2 AND window_seconds = $3",
            params![amount_msat, key.to_bytes(), window_seconds],
        )?;
    }
    Ok(())
}

/// What a withdrawal takes from its account as it stands: all that is held, what it cost, or nothing.
fn charged_msat(withdrawal: &Withdrawal) -> i64 {
    let amounts = &withdrawal.amounts;
    match withdrawal.state {
        WithdrawalState::Failed => 0,
        WithdrawalState::Settled => {
            amounts.amount_msat.get()
                + amounts.platform_fee_msat.get()
                + withdrawal.charged_routing_fee_msat().get()
        }
        WithdrawalState::Unapproved | WithdrawalState::Reserved | WithdrawalState::Dispatched => {
            amounts.amount_msat.get()
                + amounts.platform_fee_msat.get()
                + amounts.fee_reserve_msat.get()
        }
    }
}
