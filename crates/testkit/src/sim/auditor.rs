//! [`Auditor`]: what must stand in the books, from what the simulated world knows truly happened.
//!
//! It is independent of the code it checks: SQL of its own over the raw tables, arithmetic of its own in 128 bits,
//! fees worked out again. The world says what happened, the tables say what was written, and every difference is
//! named. Which facts are booked by now is read from the tables; whether they are true, and for how much, never is.

mod books;
mod deposits;
mod ledger;
mod withdrawals;

use std::collections::BTreeMap;

use payments::payment_hash::PaymentHash;
use store::queries::audit::audit;
use store::{Store, StoreError};

use self::books::{Books, Withdrawal};
use super::node;
use super::place::Client;
use super::world::World;

/// The system accounts, by the numbers that are stored.
const FLOAT: i64 = 1;
const CLEARING: i64 = 2;
const ROUTING: i64 = 3;
const PLATFORM: i64 = 4;
const SUSPENSE: i64 = 5;
const LOSS: i64 = 6;
const CAPITAL: i64 = 7;

/// A share in hundredths of a percent, rounded up.
const fn share(amount_msat: i128, points: i128) -> i128 {
    (amount_msat * points + 9_999) / 10_000
}

/// The routing reserve: 1 % and 5 sat.
const fn reserve(amount_msat: i128) -> i128 {
    share(amount_msat, 100) + 5_000
}

/// What the platform takes for a withdrawal.
const fn withdrawal_fee(amount_msat: i128) -> i128 {
    share(amount_msat, 30)
}

/// What the platform takes of a deposit.
const fn deposit_fee(amount_msat: i128) -> i128 {
    share(amount_msat, 20)
}

/// What earlier audits saw, which must never change.
#[derive(Default)]
pub(super) struct Auditor {
    withdrawals: BTreeMap<[u8; 16], Withdrawal>,
    events: Vec<([u8; 16], String)>,
    alarms: u64,
    losses: usize,
    was_halted: bool,
}

/// Where a run stands when it is audited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phase {
    /// The node may do what halts the movement of money.
    pub(super) may_halt: bool,
    /// The end of the run, in which many things happen between two audits.
    pub(super) is_end: bool,
}

/// What an audit found.
pub(super) struct Verdict {
    pub(super) violations: Vec<String>,
    /// What each client can spend.
    pub(super) spendable_msat: Vec<i128>,
    /// The withdrawals that have not ended.
    pub(super) live: usize,
    /// Those of them whose outcome is not known.
    pub(super) dispatched: Vec<PaymentHash>,
    /// What the books say about them, for the trace.
    pub(super) line: String,
    /// The books' own float, and what the node's must be by what is booked.
    pub(super) float_msat: i128,
    /// What the node knows and the books cannot: fees that nobody told.
    pub(super) untold_msat: i128,
    pub(super) is_halted: bool,
    pub(super) open_invoices: usize,
}

/// One audit under way.
struct Audit<'a> {
    books: &'a Books,
    world: &'a World,
    node: &'a node::State,
    /// The net credit that each account must have.
    expected: BTreeMap<i64, i128>,
    untold_msat: i128,
    is_end: bool,
    violations: Vec<String>,
}

impl Auditor {
    /// Audits the books against the world.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn audit(
        &mut self,
        store: &Store,
        world: &World,
        node: &node::State,
        phase: Phase,
    ) -> Result<Verdict, StoreError> {
        let (own, books) = store.read(|tx| Ok::<_, StoreError>((audit(tx)?, Books::read(tx)?)))?;
        let mut run = Audit {
            books: &books,
            world,
            node,
            expected: BTreeMap::new(),
            untold_msat: 0,
            is_end: phase.is_end,
            violations: Vec::new(),
        };
        for check in own.checks {
            let found = check
                .broken_by
                .iter()
                .map(|by| format!("{}: {by}", check.invariant));
            run.violations.extend(found);
        }
        run.withdrawals();
        run.deposits();
        run.suspense();
        run.answers();
        run.events();
        let folded = run.ledger();
        self.nothing_changed(&mut run);
        self.alarms(&mut run, phase.may_halt);
        let mut violations = run.violations;
        violations.extend(node.violations.iter().cloned());
        violations.extend(world.violations.iter().cloned());
        let live = books.withdrawals.iter().filter(|row| row.is_live()).count();
        let (settled, failed) = (count(&books, "settled"), count(&books, "failed"));
        Ok(Verdict {
            violations,
            spendable_msat: spendable(&world.clients, &books),
            live,
            dispatched: books
                .withdrawals
                .iter()
                .filter(|row| row.state == "dispatched")
                .map(|row| PaymentHash::from_bytes(row.hash))
                .collect(),
            line: format!(
                "{live} live, {settled} settled, {failed} failed, {} events{}",
                books.events.len(),
                if books.halt.is_some() { ", halted" } else { "" }
            ),
            float_msat: -folded.get(&FLOAT).copied().unwrap_or(0),
            untold_msat: run.untold_msat,
            is_halted: books.halt.is_some(),
            open_invoices: books
                .invoices
                .values()
                .filter(|invoice| invoice.state == "open")
                .count(),
        })
    }

    /// What was committed stays: withdrawals, their ends, and events in their order.
    fn nothing_changed(&mut self, run: &mut Audit<'_>) {
        let now: BTreeMap<[u8; 16], Withdrawal> = run
            .books
            .withdrawals
            .iter()
            .map(|row| (row.id, row.clone()))
            .collect();
        for (id, before) in &self.withdrawals {
            match now.get(id) {
                None => run.violations.push("a withdrawal is gone".to_owned()),
                Some(row) => {
                    if !before.is_live()
                        && (before.state != row.state || before.fee_msat != row.fee_msat)
                    {
                        let found =
                            format!("a withdrawal was {} and is {}", before.state, row.state);
                        run.violations.push(found);
                    }
                    if row.attempts < before.attempts {
                        run.violations.push("an attempt is gone".to_owned());
                    }
                }
            }
        }
        let events = run
            .books
            .events
            .iter()
            .map(|event| (event.subject, event.kind.clone()));
        let events: Vec<_> = events.collect();
        if !events.starts_with(&self.events) {
            run.violations
                .push("an event is gone, or stands elsewhere".to_owned());
        }
        let attempts = |rows: &BTreeMap<[u8; 16], Withdrawal>| {
            rows.values().map(|row| row.attempts).sum::<i64>()
        };
        let moved =
            now.len() > self.withdrawals.len() || attempts(&now) > attempts(&self.withdrawals);
        if self.was_halted && run.books.halt.is_some() && moved && !run.is_end {
            run.violations
                .push("money moved while it was halted".to_owned());
        }
        self.was_halted = run.books.halt.is_some();
        self.withdrawals = now;
        self.events = events;
    }

    /// What does not fit the books halts the movement of money at once, and nothing else does.
    fn alarms(&mut self, run: &mut Audit<'_>, may_halt: bool) {
        let contradicted = |posting: &&books::Posting| {
            ["withdrawal_contradicted", "payment_unasked"].contains(&posting.code.as_str())
        };
        let contradictions = run.books.postings.values().filter(contradicted).count();
        let above = |row: &&Withdrawal| {
            row.fee_msat
                .is_some_and(|fee_msat| fee_msat > row.reserve_msat)
        };
        let losses = contradictions + run.books.withdrawals.iter().filter(above).count();
        let is_due = run.node.alarms > self.alarms || losses > self.losses;
        if is_due && run.books.halt.is_none() {
            run.violations
                .push("what does not fit the books did not halt the movement of money".to_owned());
        }
        if let Some(reason) = &run.books.halt
            && !may_halt
        {
            run.violations
                .push(format!("money is halted for nothing: {reason}"));
        }
        if run.books.set_aside > 0 {
            run.violations
                .push("a report of the node was set aside".to_owned());
        }
        self.alarms = run.node.alarms;
        self.losses = losses;
    }
}

impl Audit<'_> {
    fn moves(&mut self, debit: i64, credit: i64, amount_msat: i128) {
        *self.expected.entry(debit).or_default() -= amount_msat;
        *self.expected.entry(credit).or_default() += amount_msat;
    }

    fn violation(&mut self, found: impl Into<String>) {
        self.violations.push(found.into());
    }

    fn client_of(&self, account: [u8; 16]) -> Option<usize> {
        let is_its = |client: &Client| client.identity.account_id.to_bytes() == account;
        self.world.clients.iter().position(is_its)
    }

    fn postings(&self, code: &str, fact: &[u8]) -> usize {
        let is_it = |posting: &&books::Posting| posting.code == code && posting.fact == fact;
        self.books.postings.values().filter(is_it).count()
    }
}

fn count(books: &Books, state: &str) -> usize {
    books
        .withdrawals
        .iter()
        .filter(|row| row.state == state)
        .count()
}

fn spendable(clients: &[Client], books: &Books) -> Vec<i128> {
    let of = |client: &Client| {
        let counters = books.counters.get(&client.ledger_account);
        counters.map_or(0, |counters| {
            counters.cr_posted - counters.dr_posted - counters.dr_pending
        })
    };
    clients.iter().map(of).collect()
}

fn short(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
