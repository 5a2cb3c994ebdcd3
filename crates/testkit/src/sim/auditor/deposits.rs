//! Deposits, answers and events: what came in is booked once, and what was said is written down.

use std::collections::BTreeMap;

use super::books::{Invoice, Withdrawal};
use super::{Audit, FLOAT, PLATFORM, SUSPENSE, deposit_fee, short};

/// How many accounts have a webhook: the first ones.
const WITH_WEBHOOK: usize = 2;

impl Audit<'_> {
    pub(super) fn deposits(&mut self) {
        let booked = self.received();
        for (hash, amount_msat, is_credited) in &booked {
            let is_opening = self.is_opening(hash);
            let is_true = is_opening || self.node.inbound.contains_key(&(*hash, *amount_msat));
            let times = booked
                .iter()
                .filter(|(other, msat, _)| other == hash && msat == amount_msat)
                .count();
            if !is_true || times != 1 {
                self.violation(format!(
                    "{amount_msat} msat for {} is booked {times} times, and true: {is_true}",
                    short(hash)
                ));
            }
            if !is_opening {
                self.expect_received(hash, *amount_msat, *is_credited);
            }
        }
        let is_booked = |hash, msat| {
            booked
                .iter()
                .any(|(other, booked, _)| other == hash && *booked == msat)
        };
        for ((hash, amount_msat), payment) in &self.node.inbound {
            if payment.is_acknowledged && !is_booked(hash, *amount_msat) {
                self.violations.push(format!(
                    "{amount_msat} msat came for {}, and nothing is booked",
                    short(hash)
                ));
            }
        }
        for (hash, invoice) in &self.books.invoices {
            if let Some(found) = inconsistent(invoice) {
                self.violations
                    .push(format!("the invoice {} {found}", short(hash)));
            }
        }
        for (hash, issued) in &self.world.issued {
            let invoice = self.books.invoices.get(hash);
            let owner = invoice.and_then(|invoice| self.client_of(invoice.account));
            if owner != Some(issued.client) {
                self.violations.push(format!(
                    "the invoice {} was handed out, and is not there",
                    short(hash)
                ));
            }
        }
    }

    /// What is booked as received: hash, amount, and whether it was credited to its invoice.
    fn received(&self) -> Vec<([u8; 32], i128, bool)> {
        let mut all = Vec::new();
        for (id, posting) in &self.books.postings {
            let is_credited = match posting.code.as_str() {
                "deposit_settled" => true,
                "deposit_suspended" => false,
                _ => continue,
            };
            let hash = posting
                .fact
                .get(..32)
                .and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            let legs = self.books.transfers.values();
            let from_float = legs.filter(|leg| leg.posting == *id && leg.debit == FLOAT);
            let amount_msat = from_float.map(|leg| leg.amount_msat).sum();
            all.extend(hash.map(|hash| (hash, amount_msat, is_credited)));
        }
        all
    }

    /// To the invoice's account what is its, once; everything else to suspense.
    fn expect_received(&mut self, hash: &[u8; 32], amount_msat: i128, is_credited: bool) {
        let settled = self
            .books
            .invoices
            .get(hash)
            .and_then(|invoice| invoice.settled);
        let is_paid_inside = self.was_paid_inside(*hash);
        match self.world.issued.get(hash) {
            Some(issued) if is_credited => {
                if is_paid_inside || settled.map(|(_, msat)| msat) != Some(amount_msat) {
                    self.violation(format!(
                        "{} was credited, and not to its invoice",
                        short(hash)
                    ));
                }
                let account = self.world.clients[issued.client].ledger_account;
                self.moves(FLOAT, account, amount_msat - deposit_fee(amount_msat));
                self.moves(FLOAT, PLATFORM, deposit_fee(amount_msat));
            }
            issued => {
                let has_place = issued.is_some() && settled.is_none();
                if is_credited || has_place {
                    self.violation(format!(
                        "{} is in the wrong place (credited: {is_credited})",
                        short(hash)
                    ));
                }
                self.moves(FLOAT, SUSPENSE, amount_msat);
            }
        }
    }

    /// What is in suspense has a row for each posting, and leaves it once, to whom a person gave it.
    pub(super) fn suspense(&mut self) {
        for (id, item) in &self.books.suspended {
            let posting = self.books.postings.get(&item.posting);
            if posting.is_none_or(|posting| posting.code != "deposit_suspended") {
                self.violations
                    .push("an item of suspense has no posting".to_owned());
            }
            let assignments = self.postings("suspense_assigned", id);
            if assignments != usize::from(item.assigned.is_some()) {
                self.violations.push(format!(
                    "an item of suspense is assigned {assignments} times"
                ));
            }
            let Some((_, account, amount_msat)) = item.assigned else {
                continue;
            };
            let client = self.client_of(account);
            let asked = self.world.assigned.get(id);
            let was_asked =
                asked.is_some_and(|asked| client.is_some_and(|client| asked.contains(&client)));
            if !was_asked || amount_msat != item.amount_msat {
                self.violations
                    .push("an item of suspense went to whom nobody gave it".to_owned());
            }
            if let Some(client) = client {
                self.moves(
                    SUSPENSE,
                    self.world.clients[client].ledger_account,
                    amount_msat,
                );
            }
        }
        let code = |posting: &&super::books::Posting| posting.code == "deposit_suspended";
        if self.books.postings.values().filter(code).count() != self.books.suspended.len() {
            self.violation("money is in suspense without an item");
        }
    }

    /// Whether a client paid the invoice: what comes from outside is other money then.
    fn was_paid_inside(&self, hash: [u8; 32]) -> bool {
        let mut rows = self.books.withdrawals.iter();
        rows.any(|row| row.hash == hash && row.state == "settled")
    }

    fn is_opening(&self, hash: &[u8; 32]) -> bool {
        self.books.invoices.contains_key(hash)
            && !self.world.issued.contains_key(hash)
            && !self.node.inbound.keys().any(|(other, _)| other == hash)
    }

    /// An answer that was given is there to the byte, and what it names is there as well.
    pub(super) fn answers(&mut self) {
        for ((client, scope, key), usage) in &self.world.keys {
            let Some((_, answer)) = &usage.answer else {
                continue;
            };
            let account = self.world.clients[*client].identity.account_id.to_bytes();
            let place = (account, (*scope).to_owned(), key.clone());
            if self.books.answers.get(&place) != Some(answer) {
                self.violations.push(format!(
                    "the answer that was given under {key} is not there"
                ));
            }
        }
        for ask in &self.world.asks {
            let Some(id) = &ask.answered_id else { continue };
            let is_it = |row: &&Withdrawal| uuid_text(row.id) == *id;
            if !self.books.withdrawals.iter().any(|row| is_it(&row)) {
                self.violations
                    .push(format!("{} was answered, and is not there", ask.client_id));
            }
        }
    }

    /// Exactly one event for each change that clients are told of, and one delivery for each webhook.
    pub(super) fn events(&mut self) {
        let mut expected: BTreeMap<[u8; 16], Vec<&str>> = BTreeMap::new();
        for row in &self.books.withdrawals {
            let kinds = expected.entry(row.id).or_default();
            kinds.push("withdrawal.lightning.pending");
            match row.state.as_str() {
                "settled" => kinds.push("withdrawal.lightning.completed"),
                "failed" => kinds.push("withdrawal.lightning.failed"),
                _ => {}
            }
        }
        for invoice in self.books.invoices.values() {
            if let Some((id, _)) = invoice.settled {
                expected
                    .entry(id)
                    .or_default()
                    .push("deposit.lightning.completed");
            }
            if let Some(id) = invoice.failed {
                expected
                    .entry(id)
                    .or_default()
                    .push("deposit.lightning.failed");
            }
        }
        for (id, _, _) in self
            .books
            .suspended
            .values()
            .filter_map(|item| item.assigned)
        {
            expected
                .entry(id)
                .or_default()
                .push("deposit.lightning.completed");
        }
        let mut found: BTreeMap<[u8; 16], Vec<&str>> = BTreeMap::new();
        for event in &self.books.events {
            found.entry(event.subject).or_default().push(&event.kind);
            let deliveries = self
                .client_of(event.account)
                .map(|client| i64::from(client < WITH_WEBHOOK));
            if deliveries != Some(event.deliveries) {
                self.violations.push(format!(
                    "{} has {} deliveries",
                    event.kind, event.deliveries
                ));
            }
        }
        for (subject, kinds) in &expected {
            let told = found.remove(subject).unwrap_or_default();
            if told != *kinds {
                self.violations.push(format!(
                    "{} was told {told:?}, and must be told {kinds:?}",
                    short(subject)
                ));
            }
        }
        for kinds in found.values() {
            self.violations
                .push(format!("{kinds:?} were told of nothing"));
        }
    }
}

fn inconsistent(invoice: &Invoice) -> Option<&'static str> {
    let is_settled = invoice.state == "settled";
    if is_settled != invoice.settled.is_some() {
        return Some("is not settled exactly when it has a settled deposit");
    }
    if invoice.settled.map(|(_, amount_msat)| amount_msat) != invoice.received_msat {
        return Some("has another amount than its deposit");
    }
    (invoice.state == "expired" && invoice.failed.is_none()).then_some("ran out and told nobody")
}

fn uuid_text(id: [u8; 16]) -> String {
    payments::ids::WithdrawalId::from_bytes(id).to_string()
}
