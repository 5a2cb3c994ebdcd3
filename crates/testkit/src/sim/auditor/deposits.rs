//! Deposits, answers and events: what came in is booked once, and what was said is written down.

use std::collections::BTreeMap;

use super::books::{Invoice, Withdrawal};
use super::{Audit, FLOAT, PLATFORM, SUSPENSE, deposit_fee, short};

/// How many accounts have a webhook: the first ones.
const WITH_WEBHOOK: usize = 2;

impl Audit<'_> {
    pub(super) fn deposits(&mut self) {
        let mut booked: BTreeMap<([u8; 32], i128), usize> = BTreeMap::new();
        for (id, posting) in &self.books.postings {
            if !matches!(
                posting.code.as_str(),
                "deposit_settled" | "deposit_suspended"
            ) {
                continue;
            }
            let Some(hash) = posting
                .fact
                .get(..32)
                .and_then(|hash| <[u8; 32]>::try_from(hash).ok())
            else {
                continue;
            };
            let legs = self.books.transfers.values();
            let amount_msat = legs
                .filter(|leg| leg.posting == *id && leg.debit == FLOAT)
                .map(|leg| leg.amount_msat)
                .sum();
            *booked.entry((hash, amount_msat)).or_default() += 1;
        }
        for ((hash, amount_msat), count) in &booked {
            let is_opening = self.is_opening(hash);
            let is_true = is_opening || self.node.inbound.contains_key(&(*hash, *amount_msat));
            if !is_true || *count != 1 {
                self.violation(format!(
                    "{amount_msat} msat for {} is booked {count} times, and true: {is_true}",
                    short(hash)
                ));
            }
            if !is_opening {
                self.expect_received(*hash, *amount_msat);
            }
        }
        for ((hash, amount_msat), payment) in &self.node.inbound {
            if payment.is_acknowledged && !booked.contains_key(&(*hash, *amount_msat)) {
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

    /// To the invoice's account what is its; everything else to suspense.
    fn expect_received(&mut self, hash: [u8; 32], amount_msat: i128) {
        let credited = self
            .books
            .invoices
            .get(&hash)
            .and_then(|invoice| invoice.settled);
        match self.world.issued.get(&hash) {
            Some(issued)
                if credited.is_some_and(|(_, credited)| credited == amount_msat)
                    && !self.was_paid_inside(hash) =>
            {
                let account = self.world.clients[issued.client].ledger_account;
                self.moves(FLOAT, account, amount_msat - deposit_fee(amount_msat));
                self.moves(FLOAT, PLATFORM, deposit_fee(amount_msat));
            }
            _ => self.moves(FLOAT, SUSPENSE, amount_msat),
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
