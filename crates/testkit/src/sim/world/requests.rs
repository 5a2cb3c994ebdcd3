//! What clients ask for, through the server's own flows, and what they make of the answers.

use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::suspense::SuspenseState;
use payments::withdrawal::{Asked, Withdrawal};
use server::app::App;
use server::flows::invoice::{NewInvoice, create};
use server::flows::withdraw::{WithdrawalRequest, request};
use server::problem::ApiError;
use sha2::{Digest, Sha256};
use store::acts::idempotency::IdempotencyKey;
use store::acts::suspense::assign_suspended;
use store::acts::withdrawal::Reserved;
use store::queries::suspense::list;
use wire::Problem;

use super::{Ask, Bill, InvoiceAsk, Issued, World};
use crate::sim::dice::Dice;
use crate::sim::fate::Fate;
use crate::sim::node::short;

const WITHDRAW: &str = "sim.withdraw";
const INVOICE: &str = "sim.invoice";

impl World {
    /// A client asks to pay `bill`.
    pub(in crate::sim) fn withdraw(
        &mut self,
        app: &App,
        fate: &Fate,
        client: usize,
        bill: &Bill,
    ) -> String {
        let has_key = fate.draw(|dice| dice.percent(70));
        let client_id = self.fresh_name("w");
        let ask = Ask {
            client,
            bolt11: bill.bolt11.clone(),
            payment_hash: bill.payment_hash,
            stated_msat: bill.stated_msat,
            asked: bill.asked,
            spendable_msat: Vec::new(),
            client_id,
            has_key,
            answered_id: None,
        };
        self.asks.push(ask);
        self.send_ask(app, fate, self.asks.len() - 1)
    }

    /// A client repeats a request with its key, or uses the key for another one.
    pub(in crate::sim) fn repeat(&mut self, app: &App, fate: &Fate) -> String {
        let with_key: Vec<usize> = (0..self.asks.len())
            .filter(|index| self.asks[*index].has_key)
            .collect();
        let Some(index) = fate.draw(|dice| dice.pick(&with_key).copied()) else {
            return "nothing to repeat".to_owned();
        };
        let other = fate.draw(|dice| dice.percent(15).then(|| dice.index(self.asks.len())));
        match other {
            None => self.send_ask(app, fate, index),
            Some(other) => {
                let mut ask = self.asks[other].clone();
                ask.client = self.asks[index].client;
                ask.client_id.clone_from(&self.asks[index].client_id);
                ask.has_key = true;
                ask.answered_id = None;
                ask.spendable_msat.clear();
                self.asks.push(ask);
                self.send_ask(app, fate, self.asks.len() - 1)
            }
        }
    }

    /// Any client asks to pay an invoice that was asked for before, in a request of its own.
    pub(in crate::sim) fn ask_again(&mut self, app: &App, fate: &Fate) -> String {
        let Some(mut ask) = fate.draw(|dice| dice.pick(&self.asks).cloned()) else {
            return "nothing to ask for again".to_owned();
        };
        ask.client = fate.draw(|dice| dice.index(self.clients.len()));
        ask.has_key = false;
        ask.client_id = self.fresh_name("w");
        ask.answered_id = None;
        ask.spendable_msat.clear();
        self.asks.push(ask);
        self.send_ask(app, fate, self.asks.len() - 1)
    }

    /// A client pays an invoice of ours.
    pub(in crate::sim) fn pay_one_of_ours(&mut self, app: &App, fate: &Fate) -> String {
        let hashes: Vec<[u8; 32]> = self.issued.keys().copied().collect();
        let Some(hash) = fate.draw(|dice| dice.pick(&hashes).copied()) else {
            return "no invoice of ours to pay".to_owned();
        };
        let issued = self.issued[&hash].clone();
        let client = fate.draw(|dice| dice.index(self.clients.len()));
        let ask = Ask {
            client,
            bolt11: issued.bolt11,
            payment_hash: PaymentHash::from_bytes(hash),
            stated_msat: Some(issued.amount_msat),
            asked: Asked::default(),
            spendable_msat: Vec::new(),
            client_id: self.fresh_name("w"),
            has_key: true,
            answered_id: None,
        };
        self.asks.push(ask);
        self.send_ask(app, fate, self.asks.len() - 1)
    }

    fn send_ask(&mut self, app: &App, fate: &Fate, index: usize) -> String {
        let spendable_msat = self.spendable_msat[self.asks[index].client];
        self.asks[index].spendable_msat.push(spendable_msat);
        let ask = self.asks[index].clone();
        let body = body_of(&ask);
        let key = ask.has_key.then(|| key(WITHDRAW, &ask.client_id, &body));
        if ask.has_key {
            self.keys
                .entry((ask.client, WITHDRAW, ask.client_id.clone()))
                .or_default()
                .requests
                .push(body.clone());
        }
        let wanted = WithdrawalRequest {
            payment_request: ask.bolt11.clone(),
            asked: ask.asked,
            client_id: Some(ask.client_id.clone()),
            metadata: None,
            idempotency: key,
        };
        let identity = self.clients[ask.client].identity;
        let respond = |withdrawal: &Withdrawal, _: &_| {
            let Withdrawal {
                id,
                payment_hash,
                amounts,
                ..
            } = withdrawal;
            format!("{id} pays {} to {payment_hash}", amounts.amount_msat).into_bytes()
        };
        let answer = self
            .runtime
            .block_on(request(app, &identity, wanted, respond));
        let asked = format!(
            "client {} asks {} to pay {} of {}",
            ask.client,
            ask.client_id,
            short(&ask.payment_hash),
            amounts_of(&ask)
        );
        if fate.is_dead() {
            return format!("{asked}: no answer");
        }
        match answer {
            Ok(Reserved::Now(_, bytes) | Reserved::Earlier(_, bytes) | Reserved::Replay(bytes)) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.asks[index].answered_id = text.split(' ').next().map(str::to_owned);
                if ask.has_key {
                    self.keep_answer((ask.client, WITHDRAW, ask.client_id), &body, bytes);
                }
                format!("{asked}: accepted")
            }
            Err(error) => {
                self.refused(&ask, &error);
                format!("{asked}: {:?}", error.problem)
            }
        }
    }

    /// A client asks for an invoice, or repeats such a request.
    pub(in crate::sim) fn ask_for_invoice(
        &mut self,
        app: &App,
        fate: &Fate,
        repeat: bool,
    ) -> String {
        let again = fate.draw(|dice| dice.pick(&self.invoice_asks).cloned());
        let ask = match again {
            Some(ask) if repeat => ask,
            _ => self.new_invoice_ask(fate),
        };
        let body = format!("{} {}", ask.amount_msat, ask.expiry_seconds);
        let place = (ask.client, INVOICE, ask.key.clone());
        self.keys
            .entry(place.clone())
            .or_default()
            .requests
            .push(body.clone());
        let new = NewInvoice {
            amount_msat: Msat::new(ask.amount_msat).expect("an amount"),
            description: "one of ours".to_owned(),
            expiry_seconds: ask.expiry_seconds,
            metadata: None,
            idempotency: Some(key(INVOICE, &ask.key, &body)),
        };
        let identity = self.clients[ask.client].identity;
        let made = create(app, &identity, new, |invoice| {
            format!("{} {}", invoice.payment_hash, invoice.bolt11).into_bytes()
        });
        let made = self.runtime.block_on(made);
        let asked = format!(
            "client {} asks for an invoice of {}",
            ask.client, ask.amount_msat
        );
        match made {
            _ if fate.is_dead() => format!("{asked}: no answer"),
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some(issued) = issued(&ask, &text) {
                    self.issued.insert(issued.0, issued.1);
                }
                self.keep_answer(place, &body, bytes);
                format!("{asked}: {}", text.get(..8).unwrap_or_default())
            }
            Err(error) => format!("{asked}: {:?}", error.problem),
        }
    }

    /// A person gives an item of suspense to a client.
    pub(in crate::sim) fn assign(&mut self, app: &App, fate: &Fate) -> String {
        let items = app
            .store
            .read(|tx| list(tx, SuspenseState::Open, 10))
            .unwrap_or_default();
        let Some(item) = fate.draw(|dice| dice.pick(&items).cloned()) else {
            return "nothing in suspense".to_owned();
        };
        let client = fate.draw(|dice| dice.index(self.clients.len()));
        self.assigned
            .entry(item.id.to_bytes())
            .or_default()
            .push(client);
        let (act, account) = (app.acting(), self.clients[client].identity.account_id);
        let given = app
            .store
            .write(move |tx| assign_suspended(tx, &act, item.id, account));
        let outcome = given.map_or_else(|error| error.to_string(), |_| "done".to_owned());
        format!(
            "{} in suspense are given to client {client}: {outcome}",
            item.amount_msat
        )
    }

    fn new_invoice_ask(&mut self, fate: &Fate) -> InvoiceAsk {
        let key = self.fresh_name("i");
        let ask = fate.draw(|dice: &mut Dice| InvoiceAsk {
            client: dice.index(self.clients.len()),
            amount_msat: i64::try_from(dice.between(1, 900_000)).expect("an amount"),
            expiry_seconds: dice.weighted(&[(3, 5), (3, 120), (3, 7_200)]),
            key,
        });
        self.invoice_asks.push(ask.clone());
        ask
    }

    /// The first answer under a key is the answer to every repeat, to the byte.
    fn keep_answer(&mut self, place: (usize, &'static str, String), body: &str, bytes: Vec<u8>) {
        let usage = self.keys.entry(place.clone()).or_default();
        match &usage.answer {
            None => usage.answer = Some((body.to_owned(), bytes)),
            Some((first_body, first)) if first_body == body && *first == bytes => {}
            Some((first_body, _)) => {
                let same = first_body == body;
                let found = format!(
                    "key {} was answered twice and not alike (the same request: {same})",
                    place.2
                );
                self.violations.push(found);
            }
        }
    }

    fn refused(&mut self, ask: &Ask, error: &ApiError) {
        let place = (ask.client, WITHDRAW, ask.client_id.clone());
        let usage = self.keys.get(&place).cloned().unwrap_or_default();
        let answered = usage
            .answer
            .as_ref()
            .is_some_and(|(body, _)| *body == body_of(ask));
        // Timeout says that it is not known; a repeat tells.
        if ask.has_key && answered && error.problem != Problem::Timeout {
            let found = format!(
                "key {} was answered, and its repeat is refused: {:?}",
                place.2, error.problem
            );
            self.violations.push(found);
        }
        match error.problem {
            Problem::IdempotencyKeyReused
                if usage.requests.iter().all(|body| *body == body_of(ask)) =>
            {
                let found = format!(
                    "key {} is called reused, and was used for one request only",
                    place.2
                );
                self.violations.push(found);
            }
            Problem::InsufficientFunds { available_msat, .. } => {
                let known = self.spendable_msat[ask.client];
                if i128::from(available_msat) != known {
                    let found = format!(
                        "a client is told that {available_msat} is there, and it is {known}"
                    );
                    self.violations.push(found);
                }
            }
            Problem::Internal => self.violations.push("a request failed inside".to_owned()),
            _ => {}
        }
    }
}

/// What is hashed under a key.
fn body_of(ask: &Ask) -> String {
    format!("{} {:?}", ask.bolt11, ask.asked)
}

fn amounts_of(ask: &Ask) -> String {
    let stated = ask
        .stated_msat
        .map_or_else(|| "no amount".to_owned(), |msat| format!("{msat} msat"));
    let limit = ask
        .asked
        .fee_limit_msat
        .map_or_else(String::new, |msat| format!(", a fee of {msat} at most"));
    match (ask.asked.send_all, ask.asked.amount_msat) {
        (true, _) => format!("{stated}, with all there is{limit}"),
        (false, Some(msat)) => format!("{stated}, with {msat}{limit}"),
        (false, None) => format!("{stated}{limit}"),
    }
}

fn key(scope: &'static str, key: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey {
        scope,
        key: key.to_owned(),
        request_hash: Sha256::digest(body.as_bytes()).into(),
    }
}

fn issued(ask: &InvoiceAsk, answer: &str) -> Option<([u8; 32], Issued)> {
    let (hash, bolt11) = answer.split_once(' ')?;
    let payment_hash: PaymentHash = hash.parse().ok()?;
    let issued = Issued {
        client: ask.client,
        bolt11: bolt11.to_owned(),
        amount_msat: ask.amount_msat,
    };
    Some((*payment_hash.as_bytes(), issued))
}
