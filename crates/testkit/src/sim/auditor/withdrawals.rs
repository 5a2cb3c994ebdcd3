//! Withdrawals: each was asked for, stands as is true, and is booked once.

use std::collections::BTreeMap;

use super::books::Withdrawal;
use super::{Audit, FLOAT, LOSS, PLATFORM, deposit_fee, reserve, short, withdrawal_fee};
use crate::sim::node::{Outbound, Stage};
use crate::sim::world::Ask;

impl Audit<'_> {
    pub(super) fn withdrawals(&mut self) {
        let mut live_of_hash: BTreeMap<[u8; 32], usize> = BTreeMap::new();
        let mut rows_of_ask: BTreeMap<([u8; 16], String), usize> = BTreeMap::new();
        for row in &self.books.withdrawals {
            *live_of_hash.entry(row.hash).or_default() += usize::from(row.state != "failed");
            *rows_of_ask
                .entry((row.account, row.client_id.clone()))
                .or_default() += 1;
            self.was_asked_for(row);
            self.agrees_with_the_truth(row);
            self.expect_postings(row);
        }
        for (hash, count) in live_of_hash {
            if count > 1 {
                self.violation(format!(
                    "{count} withdrawals of {} have not failed",
                    short(&hash)
                ));
            }
        }
        for ((_, client_id), count) in rows_of_ask {
            if count > 1 {
                self.violation(format!("request {client_id} made {count} withdrawals"));
            }
        }
        self.calls_were_covered();
        self.outcomes_are_booked();
        self.thefts_are_booked();
    }

    fn was_asked_for(&mut self, row: &Withdrawal) {
        let client = self.client_of(row.account);
        let is_it = |ask: &&Ask| {
            Some(ask.client) == client
                && ask.client_id == row.client_id
                && *ask.payment_hash.as_bytes() == row.hash
                && self.has_the_terms(row, ask)
        };
        let Some(ask) = self.world.asks.iter().find(is_it) else {
            self.violation(format!(
                "nobody asked for the withdrawal of {}",
                short(&row.hash)
            ));
            return;
        };
        let key = (
            row.account,
            "sim.withdraw".to_owned(),
            ask.client_id.clone(),
        );
        if ask.has_key && !self.books.answers.contains_key(&key) {
            self.violation(format!(
                "the withdrawal {} has no answer under its key",
                row.client_id
            ));
        }
    }

    /// Amount, reserve and fee as they were asked for, by the policy.
    fn has_the_terms(&self, row: &Withdrawal, ask: &Ask) -> bool {
        let is_inside = self.world.is_ours(&row.hash, &ask.bolt11);
        if self.world.issued.contains_key(&row.hash) && !is_inside {
            // A forgery: the hash of one of ours in an invoice of another.
            return false;
        }
        let limit_msat = ask.asked.fee_limit_msat.map(|msat| i128::from(msat.get()));
        let reserve_for = |amount_msat: i128| match limit_msat {
            _ if is_inside => 0,
            Some(limit_msat) => reserve(amount_msat).min(limit_msat),
            None => reserve(amount_msat),
        };
        let total = |amount_msat: i128| {
            amount_msat + reserve_for(amount_msat) + withdrawal_fee(amount_msat)
        };
        let stated_msat = ask.stated_msat.map(i128::from);
        let fits_the_invoice = stated_msat.is_none_or(|stated| stated == row.amount_msat);
        let has_reserve = row.reserve_msat == reserve_for(row.amount_msat);
        let held_msat = row.amount_msat + row.reserve_msat + row.platform_fee_msat;
        let is_right = if ask.asked.send_all {
            let is_all = ask.spendable_msat.contains(&held_msat);
            is_all && total(row.amount_msat) <= held_msat && total(row.amount_msat + 1) > held_msat
        } else {
            let asked_msat = ask.asked.amount_msat.map(|msat| i128::from(msat.get()));
            stated_msat.or(asked_msat) == Some(row.amount_msat)
                && row.platform_fee_msat == withdrawal_fee(row.amount_msat)
        };
        fits_the_invoice && has_reserve && is_right && row.keeps_reserve == ask.asked.send_all
    }

    fn agrees_with_the_truth(&mut self, row: &Withdrawal) {
        let truth = self.node.outbound.get(&row.hash);
        let stage = truth.map_or(Stage::Idle, |payment| payment.stage);
        let lied = truth.is_some_and(|payment| payment.lied);
        let is_inside = self.world.issued.contains_key(&row.hash);
        let has_successor =
            self.books.withdrawals.iter().any(|other| {
                other.hash == row.hash && other.id != row.id && other.state != "failed"
            });
        let is_true = match row.state.as_str() {
            "settled" => stage == Stage::Paid || is_inside,
            "failed" => stage == Stage::Idle || has_successor || lied,
            "reserved" => stage == Stage::Idle || lied,
            "dispatched" => true,
            _ => false,
        };
        if !is_true {
            self.violation(format!(
                "{} is {}, and truly {stage:?}",
                short(&row.hash),
                row.state
            ));
        }
        if row.state == "settled"
            && let Some(payment) = truth
            && !payment.fee_is_untold
            && row.fee_msat != Some(payment.fee_msat)
        {
            let (found, fee_msat) = (row.fee_msat, payment.fee_msat);
            self.violation(format!(
                "{} cost {fee_msat} msat and has {found:?}",
                short(&row.hash)
            ));
        }
    }

    /// What the row's state must have done to the accounts.
    fn expect_postings(&mut self, row: &Withdrawal) {
        let ends = [
            ("withdrawal_settled", usize::from(row.state == "settled")),
            ("withdrawal_failed", usize::from(row.state == "failed")),
            ("withdrawal_held", 1),
        ];
        for (code, expected) in ends {
            let found = self.postings(code, &row.id);
            if found != expected {
                self.violation(format!(
                    "{} is {} and has {found} postings {code}",
                    row.client_id, row.state
                ));
            }
        }
        if !self.books.postings.contains_key(&row.hold) {
            self.violation(format!("{} has no hold", row.client_id));
        }
        let payer = self
            .client_of(row.account)
            .map_or(0, |index| self.world.clients[index].ledger_account);
        let truth = self.node.outbound.get(&row.hash).cloned();
        if row.state == "settled" {
            self.moves(payer, PLATFORM, row.platform_fee_msat);
            match self.world.issued.get(&row.hash) {
                Some(issued) => {
                    let payee = self.world.clients[issued.client].ledger_account;
                    self.moves(payer, payee, row.amount_msat - deposit_fee(row.amount_msat));
                    self.moves(payer, PLATFORM, deposit_fee(row.amount_msat));
                }
                None => self.expect_paid(payer, row, truth.as_ref()),
            }
        }
        let contradictions = self.postings("withdrawal_contradicted", &row.id);
        if contradictions > 0 {
            let paid = truth.filter(|payment| payment.stage == Stage::Paid && payment.lied);
            match paid {
                Some(payment) if row.state == "failed" => {
                    let fee_msat = self.booked_fee(&payment, None);
                    self.moves(LOSS, FLOAT, row.amount_msat + fee_msat);
                }
                _ => self.violation(format!(
                    "{} is contradicted, and was not paid",
                    row.client_id
                )),
            }
        }
    }

    fn expect_paid(&mut self, payer: i64, row: &Withdrawal, truth: Option<&Outbound>) {
        let Some(payment) = truth else {
            return;
        };
        let fee_msat = self.booked_fee(payment, row.fee_msat);
        let from_customer_msat = fee_msat.min(row.reserve_msat);
        self.moves(payer, FLOAT, row.amount_msat + from_customer_msat);
        self.moves(LOSS, FLOAT, fee_msat - from_customer_msat);
        if row.keeps_reserve {
            self.moves(payer, PLATFORM, row.reserve_msat - from_customer_msat);
        }
    }

    /// The fee that must be booked: the true one, unless the node never told it.
    fn booked_fee(&mut self, payment: &Outbound, told_msat: Option<i128>) -> i128 {
        if payment.fee_is_untold {
            let booked_msat = told_msat.unwrap_or(0);
            self.untold_msat += payment.fee_msat - booked_msat;
            booked_msat
        } else {
            payment.fee_msat
        }
    }

    /// The node was asked only for what was held, and the fee limit was the reserve.
    fn calls_were_covered(&mut self) {
        for call in &self.node.calls {
            let hash = call.payment_hash.as_bytes();
            let covers = |row: &Withdrawal| {
                row.hash == *hash && row.attempts > 0 && row.reserve_msat == call.fee_limit_msat
            };
            let covered = self.books.withdrawals.iter().any(covers);
            if !covered {
                self.violations.push(format!(
                    "the node was asked to pay {} without its hold",
                    call.payment_hash
                ));
            }
        }
    }

    /// What the node paid by itself is the operator's loss, once, from the moment it is told of.
    fn thefts_are_booked(&mut self) {
        for (hash, stolen) in &self.node.stolen {
            let booked = self.postings("payment_unasked", hash);
            if booked > 1 || (stolen.is_acknowledged && booked == 0) {
                let found = format!(
                    "{}, which nobody asked for, is booked {booked} times",
                    short(hash)
                );
                self.violations.push(found);
            }
            if booked > 0 {
                self.moves(LOSS, FLOAT, stolen.amount_msat + stolen.fee_msat);
            }
        }
    }

    /// What the node told, and was told to forget, is booked.
    fn outcomes_are_booked(&mut self) {
        for (hash, payment) in &self.node.outbound {
            let rows = || {
                self.books
                    .withdrawals
                    .iter()
                    .filter(|row| row.hash == *hash)
            };
            let is_settled = rows().any(|row| row.state == "settled");
            let is_contradicted =
                rows().any(|row| self.postings("withdrawal_contradicted", &row.id) > 0);
            if payment.success_acknowledged > 0 && !is_settled && !is_contradicted {
                self.violations
                    .push(format!("{} was paid, and nothing is booked", short(hash)));
            }
            if is_settled && is_contradicted {
                self.violations
                    .push(format!("{} is booked twice", short(hash)));
            }
        }
    }
}
