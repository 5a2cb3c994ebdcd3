//! The transfers, folded with the auditor's own arithmetic, against the counters and against what must be there.

use std::collections::{BTreeMap, BTreeSet};

use super::books::Transfer;
use super::{Audit, CAPITAL, CLEARING, FLOAT, PLATFORM, ROUTING};
use crate::sim::place::{CAPITAL_MSAT, OPENING_MSAT};

/// What the transfers make of an account: net credit, and what is pending against it and for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Folded {
    posted_msat: i128,
    dr_posted_msat: i128,
    dr_pending_msat: i128,
    cr_pending_msat: i128,
}

impl Audit<'_> {
    /// Folds, compares, and answers with the net credit of each account.
    pub(super) fn ledger(&mut self) -> BTreeMap<i64, i128> {
        self.moves(FLOAT, CAPITAL, i128::from(CAPITAL_MSAT));
        for (client, opening_msat) in self.world.clients.iter().zip(OPENING_MSAT) {
            *self.expected.entry(FLOAT).or_default() -= i128::from(opening_msat);
            *self.expected.entry(client.ledger_account).or_default() += i128::from(opening_msat);
        }
        let folded = self.fold();
        let all: BTreeSet<i64> = folded.keys().chain(self.expected.keys()).copied().collect();
        for account in all {
            let found = folded
                .get(&account)
                .copied()
                .unwrap_or_default()
                .posted_msat;
            let expected = self.expected.get(&account).copied().unwrap_or(0);
            if found != expected {
                self.violation(format!(
                    "account {account} has {found} msat, and must have {expected} by what happened"
                ));
            }
        }
        self.customers(&folded);
        self.holds(&folded);
        folded
            .iter()
            .map(|(account, fold)| (*account, fold.posted_msat))
            .collect()
    }

    fn fold(&mut self) -> BTreeMap<i64, Folded> {
        let mut folded: BTreeMap<i64, Folded> = BTreeMap::new();
        let mut resolved = BTreeSet::new();
        for transfer in self.books.transfers.values() {
            let held = transfer
                .pending
                .and_then(|id| self.books.transfers.get(&id));
            if let Some(id) = transfer.pending {
                let twice = !resolved.insert(id);
                let fits = held.is_some_and(|held| is_resolved_by(held, transfer));
                if twice || !fits {
                    self.violation(format!(
                        "a hold is resolved wrongly (twice: {twice}, fits: {fits})"
                    ));
                }
            }
            let held_msat = held.map_or(0, |held| held.amount_msat);
            let (posted, pending) = match transfer.kind.as_str() {
                "single" => (transfer.amount_msat, 0),
                "pending" => (0, transfer.amount_msat),
                "post" => (transfer.amount_msat, -held_msat),
                "void" => (0, -held_msat),
                other => {
                    self.violation(format!("a transfer is a {other}"));
                    continue;
                }
            };
            let debit = folded.entry(transfer.debit).or_default();
            debit.posted_msat -= posted;
            debit.dr_posted_msat += posted;
            debit.dr_pending_msat += pending;
            let credit = folded.entry(transfer.credit).or_default();
            credit.posted_msat += posted;
            credit.cr_pending_msat += pending;
        }
        folded
    }

    /// No customer is below zero, and the counters are what the transfers make.
    fn customers(&mut self, folded: &BTreeMap<i64, Folded>) {
        for (account, counters) in &self.books.counters {
            let fold = folded.get(account).copied().unwrap_or_default();
            if counters.cr_posted - counters.dr_posted - counters.dr_pending < 0 {
                self.violations
                    .push(format!("account {account} is below zero"));
            }
            let counted = Folded {
                posted_msat: counters.cr_posted - counters.dr_posted,
                dr_posted_msat: counters.dr_posted,
                dr_pending_msat: counters.dr_pending,
                cr_pending_msat: counters.cr_pending,
            };
            if counted != fold {
                self.violations.push(format!(
                    "account {account} counts {counted:?}, and its transfers make {fold:?}"
                ));
            }
        }
    }

    /// What is held is the live withdrawals, with their fees worked out again.
    fn holds(&mut self, folded: &BTreeMap<i64, Folded>) {
        let mut live: BTreeMap<i64, i128> = BTreeMap::new();
        for row in self.books.withdrawals.iter().filter(|row| row.is_live()) {
            let client = self
                .client_of(row.account)
                .map(|index| self.world.clients[index].ledger_account);
            let parts = [
                (CLEARING, row.amount_msat),
                (ROUTING, row.reserve_msat),
                (PLATFORM, row.platform_fee_msat),
            ];
            for (account, part_msat) in parts {
                *live.entry(account).or_default() += part_msat;
                *live.entry(client.unwrap_or(0)).or_default() += part_msat;
            }
        }
        let all: BTreeSet<i64> = folded.keys().chain(live.keys()).copied().collect();
        for account in all {
            let fold = folded.get(&account).copied().unwrap_or_default();
            let found = fold.dr_pending_msat + fold.cr_pending_msat;
            let expected = live.get(&account).copied().unwrap_or(0);
            if found != expected {
                self.violation(format!(
                    "account {account} holds {found} msat, and live withdrawals need {expected}"
                ));
            }
        }
    }
}

fn is_resolved_by(held: &Transfer, transfer: &Transfer) -> bool {
    held.kind == "pending"
        && matches!(transfer.kind.as_str(), "post" | "void")
        && transfer.amount_msat <= held.amount_msat
        && (held.debit, held.credit) == (transfer.debit, transfer.credit)
}
