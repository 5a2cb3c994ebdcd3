//! [`Process`]: the server's engine on one file, driven by hand, from its start to its death.
//!
//! What is here is lost with the process: claims that were not handed over yet, and answers that were not written down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use payments::ids::Ids;
use payments::network::Network;
use payments::payment_hash::PaymentHash;
use payments::withdrawal::Withdrawal;
use server::app::{App, NodeApp};
use server::workers::dispatcher::{self, Answer, Claims};
use server::workers::{rail_events, recovery, resend};
use store::acts::halt::resume;
use store::acts::invoice::expire_due_invoices;
use store::testing::put_faults;
use store::{Store, StoreConfig};

use super::fate::Fate;
use super::node::{Node, short};
use super::place::fees;
use crate::clock::FakeClock;
use crate::entropy::SeededEntropy;

/// How many withdrawals are claimed at once, as many as the server hands over at once.
const MOST_CLAIMED: i64 = 4;
const BATCH: i64 = 20;

/// What outlives every process of a run.
pub(super) struct Outside {
    pub(super) fate: Arc<Fate>,
    pub(super) node: Arc<Node>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) entropy: Arc<SeededEntropy>,
}

/// A withdrawal that was handed over, and what came of it.
pub(super) type Answered = (Withdrawal, Answer);

/// A running engine.
pub(super) struct Process {
    pub(super) app: NodeApp,
    claims: Claims,
    claimed: Vec<Withdrawal>,
    answered: Vec<Answered>,
}

impl Process {
    /// Opens the file, looks at the node while it is off, and resolves what is in doubt. An error is what kept it from
    /// starting; after a death it means nothing.
    pub(super) fn start(outside: &Outside, file: &Path) -> Result<Self, String> {
        put_faults(file, Some(outside.fate.clone()));
        let store = Store::open(&StoreConfig::SqliteFile(file.to_owned()));
        put_faults(file, None);
        let store = store.map_err(|error| format!("the store did not open: {error}"))?;
        let network = Network::Regtest;
        let app = App {
            clock: outside.clock.clone(),
            entropy: outside.entropy.clone(),
            ids: Ids::new(outside.clock.clone(), outside.entropy.clone()),
            ..App::new(store, network, fees())
        };
        app.node.attach(outside.node.clone());
        let rail = outside.node.clone();
        let app = NodeApp { app, rail };
        let doubt =
            recovery::look(&app.store, outside.node.as_ref()).map_err(|error| error.to_string())?;
        recovery::resolve(&app, doubt).map_err(|error| error.to_string())?;
        Ok(Self {
            app,
            claims: Claims::default(),
            claimed: Vec::new(),
            answered: Vec::new(),
        })
    }

    /// Claims what is due.
    pub(super) fn claim(&mut self) -> String {
        match dispatcher::claim(&self.app, &self.claims, MOST_CLAIMED) {
            Ok(claimed) => {
                let count = claimed.len();
                self.claimed.extend(claimed);
                format!("{count} claimed")
            }
            Err(error) => format!("nothing claimed: {error}"),
        }
    }

    /// How many claims wait to be handed over.
    pub(super) const fn claims(&self) -> usize {
        self.claimed.len()
    }

    /// How many answers wait to be written down.
    pub(super) const fn answers(&self) -> usize {
        self.answered.len()
    }

    /// Whether it has a claim or an answer about this payment in its hands.
    pub(super) fn holds(&self, payment_hash: &PaymentHash) -> bool {
        let answered = self.answered.iter().map(|(withdrawal, _)| withdrawal);
        let mut all = self.claimed.iter().chain(answered);
        all.any(|withdrawal| withdrawal.payment_hash == *payment_hash)
    }

    /// Hands the claim at `index` over to the node.
    pub(super) fn hand_over(&mut self, index: usize) -> String {
        let withdrawal = self.claimed.remove(index);
        let answer = dispatcher::hand_over(&self.app, &withdrawal);
        let line = format!(
            "{} handed over: {answer:?}",
            short(&withdrawal.payment_hash)
        );
        self.answered.push((withdrawal, answer));
        line
    }

    /// Writes the answer at `index` down; one that cannot be written waits for another try.
    pub(super) fn write_answer(&mut self, index: usize) -> String {
        let (withdrawal, answer) = self.answered.remove(index);
        let hash = short(&withdrawal.payment_hash);
        match dispatcher::write_down(&self.app, &withdrawal, &answer) {
            Ok(()) => format!("the answer for {hash} is written"),
            Err(error) => {
                self.answered.push((withdrawal, answer));
                format!("the answer for {hash} is not written: {error}")
            }
        }
    }

    /// Takes one event of the node.
    pub(super) fn take_event(&self) -> String {
        take_event(&self.app)
    }

    /// Lets be sent again what the node says can be.
    pub(super) fn lift_bars(&self) -> String {
        match resend::lift_bars(&self.app) {
            Ok(standing) => format!("{} bars stand", standing.len()),
            Err(error) => format!("not every bar was looked at: {error}"),
        }
    }

    /// Ends invoices that ran out.
    pub(super) fn expire(&self) -> String {
        let act = self.app.acting();
        match self
            .app
            .store
            .write(move |tx| expire_due_invoices(tx, &act, BATCH))
        {
            Ok(ended) => format!("{ended} invoices ended"),
            Err(error) => format!("no invoice ended: {error}"),
        }
    }

    /// A person has looked, and lets money move again.
    pub(super) fn resume(&self) -> String {
        match self.app.store.write(resume) {
            Ok(()) => "money moves again".to_owned(),
            Err(error) => format!("money does not move yet: {error}"),
        }
    }

    /// Writes the answer of a process that another one has overtaken: it was asked for before, and comes now.
    pub(super) fn write_overtaken(&self, (withdrawal, answer): &Answered) -> String {
        let hash = short(&withdrawal.payment_hash);
        match dispatcher::write_down(&self.app, withdrawal, answer) {
            Ok(()) => format!("an overtaken answer for {hash} is written: {answer:?}"),
            Err(error) => format!("an overtaken answer for {hash} is not written: {error}"),
        }
    }

    /// The memory of the process is gone, but for the answers that it may still write, late and from another machine.
    /// Its file goes on as it was kept.
    pub(super) fn end(self) -> Vec<Answered> {
        self.app.store.close();
        self.answered
    }
}

/// Takes one event, as the thread of the node's events does.
pub(super) fn take_event(app: &NodeApp) -> String {
    match rail_events::take_one(app, Duration::ZERO) {
        Ok(true) => "an event is written and acknowledged".to_owned(),
        Ok(false) => "no event".to_owned(),
        Err(error) => format!("an event is not written: {error}"),
    }
}
