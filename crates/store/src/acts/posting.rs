//! Writes a posting: its transfers, the counters of bounded accounts, and their statement lines.
//!
//! The guard against overdrawing is the conditional update of one row, with a CHECK behind it: never a read that is
//! followed by a write. Unbounded accounts are not touched, so payments do not wait for each other there; what changes
//! at the node gets a row of its own, which a roll-up adds up later.
//! Order of locks: bounded accounts in ascending number.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{AccountNumber, Balance, Leg, Posting, PostingError, Side};
use money::Msat;
use payments::ids::PostingId;

use super::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Why a posting was not written.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// A bounded account has less than the posting takes.
    #[error("the account has {available_msat}, which is not enough")]
    Overdrawn {
        /// What it has.
        available_msat: Msat,
    },
    /// The fact is in the books.
    #[error("the fact is already booked")]
    AlreadyBooked,
    /// The posting itself is wrong: a fault of the program.
    #[error("the posting is unsound")]
    Unsound(#[from] PostingError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes `posting` under `id`.
///
/// # Errors
/// [`PostError`]; the caller must let its transaction fail with it.
pub fn post(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: PostingId,
    posting: &Posting,
) -> Result<(), PostError> {
    posting.check()?;
    let written = tx.execute(
        "INSERT INTO posting (id, code, fact_kind, fact_id, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (fact_kind, fact_id) DO NOTHING",
        params![
            id.to_bytes(),
            posting.code.name(),
            posting.fact.kind.name(),
            posting.fact.id.clone(),
            micros(act.now)
        ],
    )?;
    if written == 0 {
        return Err(PostError::AlreadyBooked);
    }
    lock_in_order(tx, posting)?;
    for (number, leg) in posting.legs.iter().enumerate() {
        if let Some(account) = write_leg(tx, act, id, number, leg)? {
            return Err(PostError::Overdrawn {
                available_msat: available_before(tx, account, &posting.legs[..number])?,
            });
        }
    }
    note_changes_at_the_node(tx, id, posting)?;
    Ok(())
}

/// What the posting moves in the accounts that the node can be asked for.
fn note_changes_at_the_node(
    tx: &mut Tx<'_>,
    id: PostingId,
    posting: &Posting,
) -> Result<(), StoreError> {
    let mut changes: BTreeMap<AccountNumber, i64> = BTreeMap::new();
    for leg in &posting.legs {
        let (posted, _) = Balance::change(leg);
        for (account, side) in Balance::sides(leg) {
            if account.is_at_the_node() {
                let sign = match side {
                    Side::Debit => 1,
                    Side::Credit => -1,
                };
                *changes.entry(account).or_default() += sign * posted;
            }
        }
    }
    for (account, net_debit_msat) in changes {
        tx.execute(
            "INSERT INTO system_change (posting_id, account, net_debit_msat) VALUES ($1, $2, $3)",
            params![id.to_bytes(), account.get(), net_debit_msat],
        )?;
    }
    Ok(())
}

/// A posting between customers takes its row locks in ascending order, whatever the order of its legs.
fn lock_in_order(tx: &mut Tx<'_>, posting: &Posting) -> Result<(), StoreError> {
    let bounded: BTreeSet<AccountNumber> = posting
        .legs
        .iter()
        .flat_map(Balance::sides)
        .filter(|(account, _)| account.is_bounded())
        .map(|(account, _)| account)
        .collect();
    if bounded.len() > 1 {
        lock(tx, bounded)?;
    }
    Ok(())
}

/// Locks the rows of bounded accounts, for acts that write several postings or that look before they write. Whoever
/// names them in order never waits in a circle.
pub(super) fn lock(tx: &mut Tx<'_>, accounts: BTreeSet<AccountNumber>) -> Result<(), StoreError> {
    for account in accounts {
        tx.execute(
            "UPDATE ledger_account SET entry_seq = entry_seq WHERE number = $1",
            params![account.get()],
        )?;
    }
    Ok(())
}

/// Writes one leg; answers with the account that has too little for it, if one has.
fn write_leg(
    tx: &mut Tx<'_>,
    act: &ActContext,
    posting: PostingId,
    number: usize,
    leg: &Leg,
) -> Result<Option<AccountNumber>, StoreError> {
    let number = i64::try_from(number).map_err(|_| StoreError::Inconsistent {
        what: "a posting has more legs than can be numbered",
    })?;
    let transfer_id = act.ids.fresh_bytes();
    let (kind, amount_msat, pending_id) = match leg {
        Leg::Transfer { amount_msat, .. } => ("single", *amount_msat, None),
        Leg::Hold { amount_msat, .. } => ("pending", *amount_msat, None),
        Leg::Post { held, amount_msat } => ("post", *amount_msat, Some(held.id.0)),
        Leg::Void { held } => ("void", held.amount_msat, Some(held.id.0)),
    };
    let sides = Balance::sides(leg);
    tx.execute(
        "INSERT INTO transfer (id, posting_id, leg, kind, debit, credit, amount_msat, pending_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            transfer_id,
            posting.to_bytes(),
            number,
            kind,
            sides[0].0.get(),
            sides[1].0.get(),
            amount_msat.get(),
            pending_id
        ],
    )?;
    for (account, side) in sides {
        if account.is_bounded() && !move_counters(tx, account, side, leg, transfer_id)? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// Moves the counters of a bounded account and writes its statement line; `false` when it has too little.
fn move_counters(
    tx: &mut Tx<'_>,
    account: AccountNumber,
    side: Side,
    leg: &Leg,
    transfer_id: [u8; 16],
) -> Result<bool, StoreError> {
    let (posted, pending) = Balance::change(leg);
    let (dr_pending, dr_posted, cr_pending, cr_posted, sign) = match side {
        Side::Debit => (pending, posted, 0, 0, -1),
        Side::Credit => (0, 0, pending, posted, 1),
    };
    let moved = tx.query_opt(
        "UPDATE ledger_account
         SET dr_pending = dr_pending + $1, dr_posted = dr_posted + $2,
             cr_pending = cr_pending + $3, cr_posted = cr_posted + $4, entry_seq = entry_seq + 1
         WHERE number = $5 AND bounded = 1
           AND dr_pending + $1 + dr_posted + $2 <= cr_posted + $4
         RETURNING entry_seq, cr_posted - dr_posted",
        params![dr_pending, dr_posted, cr_pending, cr_posted, account.get()],
    )?;
    let Some(row) = moved else {
        return Ok(false);
    };
    tx.execute(
        "INSERT INTO entry (account, seq, transfer_id, posted_msat, pending_msat, balance_msat)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            account.get(),
            row.int(0)?,
            transfer_id,
            posted * sign,
            pending * sign,
            row.int(1)?
        ],
    )?;
    Ok(true)
}

/// What `account` had before the legs of this posting that are `written`.
fn available_before(
    tx: &mut Tx<'_>,
    account: AccountNumber,
    written: &[Leg],
) -> Result<Msat, StoreError> {
    let row = tx.query_opt(
        "SELECT cr_posted - dr_posted - dr_pending FROM ledger_account WHERE number = $1",
        params![account.get()],
    )?;
    let mut available = row.map_or(Ok(0), |row| row.int(0))?;
    for leg in written {
        let (posted, pending) = Balance::change(leg);
        for (_, side) in Balance::sides(leg)
            .into_iter()
            .filter(|(other, _)| *other == account)
        {
            available += match side {
                Side::Debit => posted + pending,
                Side::Credit => -posted,
            };
        }
    }
    Ok(Msat::new(available).unwrap_or(Msat::ZERO))
}
