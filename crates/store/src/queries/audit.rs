//! The audit: every invariant of the books that the database alone can show, each with what was found wrong.
//!
//! It folds all transfers, so it costs as much as there is history: it is for the operator and for tests, never for
//! a request. It reads in one snapshot and changes nothing.

use std::collections::BTreeMap;

use crate::{Row, StoreError, Tx, params};

/// One invariant and what breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, as the design numbers it.
    pub invariant: &'static str,
    /// What it says.
    pub says: &'static str,
    /// What was found to break it; empty when it holds.
    pub broken_by: Vec<String>,
}

/// What the books say in total, in millisatoshi.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Each account's received less paid, by number.
    pub net_credit_msat: BTreeMap<i64, i64>,
    /// How many transfers were folded.
    pub transfers: u64,
}

/// The verdict on the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Every invariant, in order.
    pub checks: Vec<Check>,
    /// The sums.
    pub totals: Totals,
}

impl Audit {
    /// Whether every invariant holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.broken_by.is_empty())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counters {
    dr_pending: i64,
    dr_posted: i64,
    cr_pending: i64,
    cr_posted: i64,
}

/// Reads the books and checks them.
///
/// # Errors
/// The database's.
pub fn audit(tx: &mut Tx<'_>) -> Result<Audit, StoreError> {
    let (folded, transfers) = fold(tx)?;
    let stored = stored(tx)?;
    let totals = Totals {
        net_credit_msat: folded
            .iter()
            .map(|(account, counters)| (*account, counters.cr_posted - counters.dr_posted))
            .collect(),
        transfers,
    };
    let checks = vec![
        balanced(&stored, &folded),
        counters_are_the_fold(&stored, &running_sums(tx)?, &folded),
        not_overdrawn(&folded),
        resolved_within_the_hold(tx)?,
        facts_booked_once(tx, &folded)?,
        terminal_iff_resolved(tx)?,
        fees_within_reserve(tx)?,
        clearing_is_live_withdrawals(tx, &folded)?,
        entries_without_gap(tx)?,
        liabilities_covered(&folded),
        budgets_are_what_counts(tx)?,
    ];
    Ok(Audit { checks, totals })
}

/// The audit's own arithmetic, apart from the ledger's: what four counters should be, from the transfers.
fn fold(tx: &mut Tx<'_>) -> Result<(BTreeMap<i64, Counters>, u64), StoreError> {
    let rows = tx.query(
        "SELECT t.kind, t.debit, t.credit, CAST(SUM(t.amount_msat) AS BIGINT),
                CAST(COALESCE(SUM(p.amount_msat), 0) AS BIGINT), CAST(COUNT(*) AS BIGINT)
         FROM transfer t LEFT JOIN transfer p ON p.id = t.pending_id
         GROUP BY t.kind, t.debit, t.credit",
        params![],
    )?;
    let mut folded: BTreeMap<i64, Counters> = BTreeMap::new();
    let mut transfers = 0;
    for row in &rows {
        let (amount, held) = (row.int(3)?, row.int(4)?);
        let (posted, pending) = match row.text(0)? {
            "single" => (amount, 0),
            "pending" => (0, amount),
            "post" => (amount, -held),
            "void" => (0, -held),
            _ => return Err(row.corrupt(0, "a kind of transfer")),
        };
        let debit = folded.entry(row.int(1)?).or_default();
        debit.dr_posted += posted;
        debit.dr_pending += pending;
        let credit = folded.entry(row.int(2)?).or_default();
        credit.cr_posted += posted;
        credit.cr_pending += pending;
        transfers += row.int(5)?.unsigned_abs();
    }
    Ok((folded, transfers))
}

/// The counters that the bounded accounts keep.
fn stored(tx: &mut Tx<'_>) -> Result<BTreeMap<i64, Counters>, StoreError> {
    let rows = tx.query(
        "SELECT number, dr_pending, dr_posted, cr_pending, cr_posted FROM ledger_account
         WHERE bounded = 1",
        params![],
    )?;
    let read = |row: &Row| {
        let counters = Counters {
            dr_pending: row.int(1)?,
            dr_posted: row.int(2)?,
            cr_pending: row.int(3)?,
            cr_posted: row.int(4)?,
        };
        Ok((row.int(0)?, counters))
    };
    rows.iter().map(read).collect()
}

/// Over the counters of the bounded accounts and the fold of the others: the fold alone has two sides to every
/// transfer, and cannot but balance.
fn balanced(stored: &BTreeMap<i64, Counters>, folded: &BTreeMap<i64, Counters>) -> Check {
    let derived = folded
        .iter()
        .filter(|(number, _)| !stored.contains_key(number))
        .map(|(_, counters)| counters);
    let mut sum = Counters::default();
    for counters in stored.values().chain(derived) {
        sum.dr_pending += counters.dr_pending;
        sum.dr_posted += counters.dr_posted;
        sum.cr_pending += counters.cr_pending;
        sum.cr_posted += counters.cr_posted;
    }
    let mut broken_by = Vec::new();
    if sum.dr_posted != sum.cr_posted {
        broken_by.push(format!(
            "posted: {} debited, {} credited",
            sum.dr_posted, sum.cr_posted
        ));
    }
    if sum.dr_pending != sum.cr_pending {
        broken_by.push(format!(
            "pending: {} debited, {} credited",
            sum.dr_pending, sum.cr_pending
        ));
    }
    Check {
        invariant: "I1",
        says: "debits equal credits",
        broken_by,
    }
}

/// The running sums of what stands at the node.
fn running_sums(tx: &mut Tx<'_>) -> Result<BTreeMap<i64, i64>, StoreError> {
    let sums = super::reconciliation::running_sums(tx)?;
    Ok(sums.into_iter().collect())
}

fn counters_are_the_fold(
    stored: &BTreeMap<i64, Counters>,
    running: &BTreeMap<i64, i64>,
    folded: &BTreeMap<i64, Counters>,
) -> Check {
    let expected = |number| folded.get(number).copied().unwrap_or_default();
    let sums = running.iter().filter_map(|(number, sum)| {
        let counters = expected(number);
        let folded = counters.dr_posted - counters.cr_posted;
        (*sum != folded).then(|| format!("account {number}: {sum} added up, {folded} folded"))
    });
    let broken_by = stored
        .iter()
        .map(|(number, stored)| (number, stored, expected(number)))
        .filter(|(_, stored, expected)| **stored != *expected)
        .map(|(number, stored, expected)| {
            format!("account {number}: {stored:?} stored, {expected:?} folded")
        })
        .chain(sums)
        .collect();
    Check {
        invariant: "I2",
        says: "counters are the fold of the transfers",
        broken_by,
    }
}

fn not_overdrawn(folded: &BTreeMap<i64, Counters>) -> Check {
    let broken_by = folded
        .iter()
        .filter(|(number, _)| **number >= ledger::AccountNumber::FIRST_CUSTOMER)
        .filter(|(_, counters)| counters.dr_pending + counters.dr_posted > counters.cr_posted)
        .map(|(number, _)| format!("account {number} is below zero"))
        .collect();
    Check {
        invariant: "I3",
        says: "no customer is below zero",
        broken_by,
    }
}

fn resolved_within_the_hold(tx: &mut Tx<'_>) -> Result<Check, StoreError> {
    let broken_by = found(
        tx,
        "SELECT 'a hold is resolved ' || CAST(COUNT(*) AS TEXT) || ' times' FROM transfer
         WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING COUNT(*) > 1
         UNION ALL
         SELECT 'a transfer posts ' || CAST(r.amount_msat AS TEXT) || ' of ' ||
                CAST(h.amount_msat AS TEXT) || ' held'
         FROM transfer r JOIN transfer h ON h.id = r.pending_id
         WHERE r.amount_msat > h.amount_msat OR r.debit <> h.debit OR r.credit <> h.credit
            OR h.kind <> 'pending'",
    )?;
    Ok(Check {
        invariant: "I4",
        says: "a hold is resolved once, by at most what it held",
        broken_by,
    })
}

fn facts_booked_once(
    tx: &mut Tx<'_>,
    folded: &BTreeMap<i64, Counters>,
) -> Result<Check, StoreError> {
    let mut broken_by = found(
        tx,
        "SELECT fact_kind || ' is booked ' || CAST(COUNT(*) AS TEXT) || ' times' FROM posting
         GROUP BY fact_kind, fact_id HAVING COUNT(*) > 1
         UNION ALL
         SELECT 'a settled deposit without its posting' FROM deposit d
         LEFT JOIN posting p ON p.id = d.posting_id
         WHERE d.state = 'settled'
           AND (p.code IS NULL OR p.code <> CASE
                    WHEN d.suspended_id IS NOT NULL THEN 'suspense_assigned'
                    WHEN p.fact_kind = 'internal_payment' THEN 'deposit_transferred'
                    ELSE 'deposit_settled' END)
         UNION ALL
         SELECT 'a credited on-chain deposit without its posting' FROM onchain_deposit d
         LEFT JOIN posting p ON p.id = d.posting_id
         WHERE d.state IN ('settled', 'disputed') AND (p.code IS NULL OR p.code <> 'onchain_deposit_settled')
         UNION ALL
         SELECT 'a booked deposit without its row' FROM posting p
         LEFT JOIN deposit d ON d.posting_id = p.id
         WHERE p.code IN ('deposit_settled', 'deposit_transferred', 'suspense_assigned') AND d.id IS NULL
         UNION ALL
         SELECT 'an internal payment without its withdrawal' FROM posting p
         JOIN deposit d ON d.posting_id = p.id
         LEFT JOIN withdrawal w ON w.payment_hash = p.fact_id AND w.state = 'settled'
              AND w.attempts = 0 AND w.fee_msat = 0 AND w.amount_msat = d.amount_msat
         WHERE p.fact_kind = 'internal_payment' AND w.id IS NULL
         UNION ALL
         SELECT 'suspended money without its row' FROM posting p
         LEFT JOIN suspense_item s ON s.posting_id = p.id
         WHERE p.code = 'deposit_suspended' AND s.id IS NULL
         UNION ALL
         SELECT 'an item of suspense is ' || s.state || ' and ' || CAST(COUNT(d.id) AS TEXT) ||
                ' deposits came of it'
         FROM suspense_item s LEFT JOIN deposit d ON d.suspended_id = s.id
              AND d.amount_msat = s.amount_msat AND d.platform_fee_msat = 0
         GROUP BY s.id, s.state HAVING COUNT(d.id) <> CASE s.state WHEN 'assigned' THEN 1 ELSE 0 END",
    )?;
    broken_by.extend(suspense_is_its_open_items(tx, folded)?);
    broken_by.extend(hot_wallet_is_its_coins(tx, folded)?);
    Ok(Check {
        invariant: "I5",
        says: "each fact of a rail is booked once",
        broken_by,
    })
}

fn suspense_is_its_open_items(
    tx: &mut Tx<'_>,
    folded: &BTreeMap<i64, Counters>,
) -> Result<Option<String>, StoreError> {
    let number = ledger::SystemAccount::Suspense.number().get();
    let counters = folded.get(&number).copied().unwrap_or_default();
    let left = counters.cr_posted - counters.dr_posted;
    let rows = tx.query(
        "SELECT CAST(COALESCE(SUM(amount_msat), 0) AS BIGINT) FROM (
             SELECT amount_msat FROM suspense_item WHERE state = 'open'
             UNION ALL SELECT amount_msat FROM onchain_coin WHERE kind = 'suspended') items",
        params![],
    )?;
    let open = rows.first().map_or(Ok(0), |row| row.int(0))?;
    Ok((left != open).then(|| format!("suspense: {left} in it, {open} in open items")))
}

/// What the on-chain wallet has by the books: every coin that came, and was not taken back.
fn hot_wallet_is_its_coins(
    tx: &mut Tx<'_>,
    folded: &BTreeMap<i64, Counters>,
) -> Result<Option<String>, StoreError> {
    let number = ledger::SystemAccount::HotWallet.number().get();
    let counters = folded.get(&number).copied().unwrap_or_default();
    let booked = counters.dr_posted - counters.cr_posted;
    let rows = tx.query(
        "SELECT CAST(COALESCE(SUM(amount_msat), 0) AS BIGINT) FROM (
             SELECT amount_msat FROM onchain_deposit WHERE state IN ('settled', 'disputed')
             UNION ALL SELECT amount_msat FROM onchain_coin) coins",
        params![],
    )?;
    let coins = rows.first().map_or(Ok(0), |row| row.int(0))?;
    Ok((booked != coins).then(|| format!("hot wallet: {booked} booked, {coins} in coins")))
}

fn terminal_iff_resolved(tx: &mut Tx<'_>) -> Result<Check, StoreError> {
    let broken_by = found(
        tx,
        "SELECT 'a withdrawal is ' || w.state || ' and ' || CAST(COUNT(r.id) AS TEXT) || ' of its ' ||
                CAST(COUNT(h.id) AS TEXT) || ' holds are resolved'
         FROM withdrawal w
         JOIN transfer h ON h.posting_id = w.hold_posting_id AND h.kind = 'pending'
         LEFT JOIN transfer r ON r.pending_id = h.id
         GROUP BY w.id, w.state
         HAVING (w.state IN ('settled', 'failed') AND COUNT(r.id) <> COUNT(h.id))
             OR (w.state NOT IN ('settled', 'failed') AND COUNT(r.id) <> 0)
         UNION ALL
         SELECT 'a withdrawal is ' || w.state || ' and its amount is in a ' || r.kind
         FROM withdrawal w
         JOIN transfer h ON h.posting_id = w.hold_posting_id AND h.kind = 'pending' AND h.credit = 2
         JOIN transfer r ON r.pending_id = h.id
         WHERE (w.state = 'settled' AND (r.kind <> 'post' OR r.amount_msat <> w.amount_msat))
            OR (w.state = 'failed' AND r.kind <> 'void')
         UNION ALL
         SELECT 'a hold without a withdrawal' FROM posting p
         LEFT JOIN withdrawal w ON w.hold_posting_id = p.id
         WHERE p.code = 'withdrawal_held' AND w.id IS NULL",
    )?;
    Ok(Check {
        invariant: "I6",
        says: "a withdrawal is final exactly when its hold is resolved",
        broken_by,
    })
}

fn fees_within_reserve(tx: &mut Tx<'_>) -> Result<Check, StoreError> {
    let broken_by = found(
        tx,
        "SELECT 'a customer paid ' || CAST(r.amount_msat AS TEXT) || ' msat of routing fee on a reserve of ' ||
                CAST(w.fee_reserve_msat AS TEXT)
         FROM withdrawal w
         JOIN transfer h ON h.posting_id = w.hold_posting_id AND h.kind = 'pending' AND h.credit = 3
         JOIN transfer r ON r.pending_id = h.id AND r.kind = 'post'
         WHERE r.amount_msat > w.fee_reserve_msat
            OR (w.keeps_reserve = 1 AND r.amount_msat <> w.fee_reserve_msat)
            OR (w.keeps_reserve = 0 AND r.amount_msat > w.fee_msat)",
    )?;
    Ok(Check {
        invariant: "I7",
        says: "no routing fee is above its reserve, or above what was agreed",
        broken_by,
    })
}

fn clearing_is_live_withdrawals(
    tx: &mut Tx<'_>,
    folded: &BTreeMap<i64, Counters>,
) -> Result<Check, StoreError> {
    use ledger::SystemAccount;
    let rows = tx.query(
        "SELECT CAST(COALESCE(SUM(amount_msat), 0) AS BIGINT),
                CAST(COALESCE(SUM(fee_reserve_msat), 0) AS BIGINT)
         FROM withdrawal WHERE state IN ('unapproved', 'reserved', 'dispatched')",
        params![],
    )?;
    let live = rows
        .first()
        .map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))?;
    let mut broken_by = Vec::new();
    let accounts = [
        (SystemAccount::LightningOutClearing, live.0),
        (SystemAccount::RoutingFee, live.1),
    ];
    for (account, expected) in accounts {
        let counters = folded
            .get(&account.number().get())
            .copied()
            .unwrap_or_default();
        if counters.cr_pending != expected {
            let held = counters.cr_pending;
            broken_by.push(format!("{}: {held} held, {expected} live", account.name()));
        }
        if counters.cr_posted != counters.dr_posted {
            let rest = counters.cr_posted - counters.dr_posted;
            broken_by.push(format!("{}: {rest} left in it", account.name()));
        }
    }
    Ok(Check {
        invariant: "I8",
        says: "clearing accounts are the live withdrawals",
        broken_by,
    })
}

fn entries_without_gap(tx: &mut Tx<'_>) -> Result<Check, StoreError> {
    let broken_by = found(
        tx,
        "SELECT 'account ' || CAST(l.number AS TEXT) || ' has ' || CAST(COUNT(e.seq) AS TEXT) ||
                ' entries and counts ' || CAST(l.entry_seq AS TEXT)
         FROM ledger_account l LEFT JOIN entry e ON e.account = l.number
         GROUP BY l.number, l.entry_seq
         HAVING COUNT(e.seq) <> l.entry_seq OR COALESCE(MAX(e.seq), 0) <> l.entry_seq
         UNION ALL
         SELECT 'the statement of account ' || CAST(l.number AS TEXT) || ' is not its balance'
         FROM ledger_account l JOIN entry e ON e.account = l.number
         GROUP BY l.number, l.dr_pending, l.dr_posted, l.cr_pending, l.cr_posted
         HAVING SUM(e.posted_msat) <> l.cr_posted - l.dr_posted
             OR SUM(e.pending_msat) <> l.cr_pending - l.dr_pending
         UNION ALL
         SELECT 'account ' || CAST(e.account AS TEXT) || ' entry ' || CAST(e.seq AS TEXT) ||
                ' does not follow from the one before'
         FROM entry e LEFT JOIN entry b ON b.account = e.account AND b.seq = e.seq - 1
         WHERE e.balance_msat <> COALESCE(b.balance_msat, 0) + e.posted_msat",
    )?;
    Ok(Check {
        invariant: "I10",
        says: "statements have no gap and add up",
        broken_by,
    })
}

/// What the operator owes and what it owns, by the books alone; the node's own word is the reconciliation's.
fn liabilities_covered(folded: &BTreeMap<i64, Counters>) -> Check {
    let net = |number: i64| {
        folded
            .get(&number)
            .map_or(0, |counters| counters.cr_posted - counters.dr_posted)
    };
    let at_the_node = |account: ledger::SystemAccount| -net(account.number().get());
    let float = at_the_node(ledger::SystemAccount::LightningFloat)
        + at_the_node(ledger::SystemAccount::NodeWallet)
        + at_the_node(ledger::SystemAccount::HotWallet);
    let owed: i64 = folded
        .keys()
        .filter(|number| **number >= ledger::AccountNumber::FIRST_CUSTOMER)
        .map(|number| net(*number))
        .sum();
    let broken_by = if owed > float {
        vec![format!(
            "{owed} msat owed to customers, {float} msat in the node and the wallets"
        )]
    } else {
        Vec::new()
    };
    Check {
        invariant: "I12",
        says: "what customers have is covered",
        broken_by,
    }
}

fn budgets_are_what_counts(tx: &mut Tx<'_>) -> Result<Check, StoreError> {
    let broken_by = found(
        tx,
        "SELECT 'a budget has used ' || CAST(b.used_msat AS TEXT) || ', and ' ||
                CAST(COALESCE(SUM(s.amount_msat), 0) AS TEXT) || ' count against it'
         FROM key_budget b LEFT JOIN key_spend s
              ON s.api_key_id = b.api_key_id AND s.window_seconds = b.window_seconds AND s.is_counted = 1
         GROUP BY b.api_key_id, b.window_seconds, b.used_msat
         HAVING b.used_msat <> COALESCE(SUM(s.amount_msat), 0)",
    )?;
    Ok(Check {
        invariant: "I13",
        says: "a budget has used what counts against it",
        broken_by,
    })
}

fn found(tx: &mut Tx<'_>, sql: &'static str) -> Result<Vec<String>, StoreError> {
    tx.query(sql, params![])?
        .iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect()
}
