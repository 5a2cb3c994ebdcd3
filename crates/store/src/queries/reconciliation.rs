//! What the books say that the node must know: running sums, recent payments, and single payment hashes.
//!
//! Nothing here grows with history: sums are kept, and postings are looked at by their hash or from a time on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ledger::SystemAccount;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::reconciliation::{BookedPayment, BookedSent, BookedTotals};
use payments::withdrawal::WithdrawalState;

use crate::rows::withdrawal;
use crate::{StoreError, Tx, params};

/// The running sums, by account: paid in more than out, in millisatoshi.
///
/// # Errors
/// The database's; so for every query here.
pub fn running_sums(tx: &mut Tx<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
    tx.query(
        "SELECT account, CAST(SUM(net_debit_msat) AS BIGINT) FROM
             (SELECT account, net_debit_msat FROM system_balance
              UNION ALL SELECT account, net_debit_msat FROM system_change) AS parts
         GROUP BY account",
        params![],
    )?
    .iter()
    .map(|row| Ok((row.int(0)?, row.int(1)?)))
    .collect()
}

/// What the books say that the node has.
///
/// # Errors
/// See [`running_sums`].
pub fn totals(tx: &mut Tx<'_>) -> Result<BookedTotals, StoreError> {
    let sums: BTreeMap<i64, i64> = running_sums(tx)?.into_iter().collect();
    let of = |account: SystemAccount| sums.get(&account.number().get()).copied().unwrap_or(0);
    Ok(BookedTotals {
        float_msat: of(SystemAccount::LightningFloat),
        wallet_msat: of(SystemAccount::NodeWallet),
    })
}

/// The hashes of the payments that were booked at `since` or later, and went over the node.
///
/// # Errors
/// See [`running_sums`].
pub fn booked_since(
    tx: &mut Tx<'_>,
    since: Timestamp,
) -> Result<BTreeSet<PaymentHash>, StoreError> {
    let rows = tx.query(
        "SELECT DISTINCT p.fact_kind, p.fact_id, w.payment_hash FROM posting p
         JOIN transfer t ON t.posting_id = p.id AND (t.debit = 1 OR t.credit = 1)
         LEFT JOIN withdrawal w ON w.id = p.fact_id
         WHERE p.id >= $1",
        params![id_at(since)],
    )?;
    let mut hashes = BTreeSet::new();
    for row in &rows {
        if row.text(0)?.starts_with("lightning_") {
            let hash = row.bytes(1)?.first_chunk::<32>();
            let hash = hash.ok_or_else(|| row.corrupt(1, "a payment hash"))?;
            hashes.insert(PaymentHash::from_bytes(*hash));
        } else if row.opt_bytes(2)?.is_some() {
            hashes.insert(PaymentHash::from_bytes(row.bytes32(2)?));
        }
    }
    Ok(hashes)
}

/// What the books say of each of `hashes`. What was booked at `recent` or later counts as recent.
///
/// # Errors
/// See [`running_sums`].
pub fn booked(
    tx: &mut Tx<'_>,
    hashes: &BTreeSet<PaymentHash>,
    recent: Timestamp,
) -> Result<BTreeMap<PaymentHash, BookedPayment>, StoreError> {
    let mut booked = BTreeMap::new();
    for hash in hashes {
        let mut payment = BookedPayment::default();
        received(tx, hash, recent, &mut payment)?;
        sent(tx, hash, recent, &mut payment)?;
        booked.insert(*hash, payment);
    }
    Ok(booked)
}

/// A hash that was paid several times has a posting for each, named by the hash and what tells it apart.
fn received(
    tx: &mut Tx<'_>,
    hash: &PaymentHash,
    recent: Timestamp,
    payment: &mut BookedPayment,
) -> Result<(), StoreError> {
    let mut last = hash.as_bytes().to_vec();
    last.extend([0xff; 9]);
    let rows = tx.query(
        "SELECT p.id, CAST(SUM(t.amount_msat) AS BIGINT) FROM posting p
         JOIN transfer t ON t.posting_id = p.id AND t.debit = 1
         WHERE p.fact_kind IN ('lightning_received', 'lightning_received_again')
           AND p.fact_id >= $1 AND p.fact_id < $2
         GROUP BY p.id ORDER BY p.id",
        params![*hash.as_bytes(), last],
    )?;
    for row in &rows {
        payment.received_msat.push(crate::rows::msat(row, 1)?);
        payment.is_recent |= row.bytes16(0)? >= id_at(recent);
    }
    Ok(())
}

fn sent(
    tx: &mut Tx<'_>,
    hash: &PaymentHash,
    recent: Timestamp,
    payment: &mut BookedPayment,
) -> Result<(), StoreError> {
    let rows = tx.query(
        "SELECT id, state, preimage FROM withdrawal WHERE payment_hash = $1
         ORDER BY CASE WHEN state = 'failed' THEN 1 ELSE 0 END, attempts DESC, id DESC",
        params![*hash.as_bytes()],
    )?;
    let mut facts = vec![("lightning_sent", hash.as_bytes().to_vec())];
    for row in &rows {
        let state = withdrawal::state(row, 1)?;
        payment.sent.withdrawal = payment.sent.withdrawal.or(Some(state));
        if let Some(preimage) = row.opt_bytes32(2)? {
            let proves = PaymentPreimage::from_bytes(preimage).payment_hash() == *hash;
            payment.sent.is_proven |= proves && state == WithdrawalState::Settled;
        }
        for kind in ["withdrawal_end", "withdrawal_contradiction"] {
            facts.push((kind, row.bytes16(0)?.to_vec()));
        }
    }
    for (kind, id) in facts {
        paid_out(tx, kind, id, recent, payment)?;
    }
    Ok(())
}

fn paid_out(
    tx: &mut Tx<'_>,
    kind: &'static str,
    id: Vec<u8>,
    recent: Timestamp,
    payment: &mut BookedPayment,
) -> Result<(), StoreError> {
    let row = tx.query_opt(
        "SELECT p.id, CAST(SUM(t.amount_msat) AS BIGINT) FROM posting p
         JOIN transfer t ON t.posting_id = p.id AND t.credit = 1
         WHERE p.fact_kind = $1 AND p.fact_id = $2 GROUP BY p.id",
        params![kind, id],
    )?;
    if let Some(row) = row {
        let before = payment.sent.booked_msat.unwrap_or(Msat::ZERO);
        let sum = before.checked_add(crate::rows::msat(&row, 1)?);
        let sum = sum.map_err(|_| row.corrupt(1, "an amount"))?;
        payment.sent = BookedSent {
            booked_msat: Some(sum),
            ..payment.sent
        };
        payment.is_recent |= row.bytes16(0)? >= id_at(recent);
    }
    Ok(())
}

/// The smallest id that can be made at `time` (UUIDv7: its first 48 bits are milliseconds since 1970).
fn id_at(time: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

/// The latest verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVerdict {
    /// The verdict as JSON.
    pub body: Vec<u8>,
    /// How many differences of it nothing explains.
    pub unexplained: i64,
    /// The newest request that it answers.
    pub answered: i64,
    /// How many differences were ever booked as the node tells them.
    pub repaired: i64,
    /// When both sides were looked at.
    pub checked_at: Timestamp,
}

/// The latest verdict; `None` before the first.
///
/// # Errors
/// See [`running_sums`].
pub fn latest_verdict(tx: &mut Tx<'_>) -> Result<Option<KeptVerdict>, StoreError> {
    let row = tx.query_opt(
        "SELECT verdict, unexplained, answered, repaired, checked_at FROM reconciliation WHERE id = 1",
        params![],
    )?;
    let Some(row) = row else { return Ok(None) };
    let Some(body) = row.opt_bytes(0)? else {
        return Ok(None);
    };
    Ok(Some(KeptVerdict {
        body: body.to_vec(),
        unexplained: row.int(1)?,
        answered: row.int(2)?,
        repaired: row.int(3)?,
        checked_at: crate::rows::time(&row, 4)?,
    }))
}

/// How many comparisons of everything were ever asked for.
///
/// # Errors
/// See [`running_sums`].
pub fn requests(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.query_opt(
        "SELECT requests FROM reconciliation WHERE id = 1",
        params![],
    )?
    .map_or(Ok(0), |row| row.int(0))
}

/// How many webhook deliveries wait to be taken.
///
/// # Errors
/// See [`running_sums`].
pub fn waiting_deliveries(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.query_opt(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM webhook_delivery WHERE state IN ('blocked', 'pending', 'leased')",
        params![],
    )?
    .map_or(Ok(0), |row| row.int(0))
}

/// How many withdrawals are under way, by state.
///
/// # Errors
/// See [`running_sums`].
pub fn live_withdrawals(tx: &mut Tx<'_>) -> Result<Vec<(WithdrawalState, i64)>, StoreError> {
    let mut counts = Vec::new();
    for (state, sql) in [
        (
            WithdrawalState::Unapproved,
            "SELECT CAST(COUNT(*) AS BIGINT) FROM withdrawal WHERE state = 'unapproved'",
        ),
        (
            WithdrawalState::Reserved,
            "SELECT CAST(COUNT(*) AS BIGINT) FROM withdrawal WHERE state = 'reserved'",
        ),
        (
            WithdrawalState::Dispatched,
            "SELECT CAST(COUNT(*) AS BIGINT) FROM withdrawal WHERE state = 'dispatched'",
        ),
    ] {
        let count = tx.query_opt(sql, params![])?;
        counts.push((state, count.map_or(Ok(0), |row| row.int(0))?));
    }
    Ok(counts)
}
