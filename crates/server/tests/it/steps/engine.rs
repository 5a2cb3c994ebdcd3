//! [`Engine`]: the engine of a server on one database, without its loops and its interfaces.
//!
//! A death is the loss of the process's memory: the store is closed, and what a case holds (claims, answers, events
//! that were given) is dropped by the case.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::ids::{Ids, WithdrawalId};
use payments::invoice::{Invoice, InvoiceState};
use payments::network::Network;
use payments::ports::Clock;
use payments::withdrawal::{Asked, Withdrawal, WithdrawalState, request};
use server::app::{App, NodeApp};
use server::workers::dispatcher::{self, Claims};
use server::workers::{rail_events, recovery, resend};
use store::acts::account::{CreateKeyError, create_account, create_api_key};
use store::acts::capital::add_capital;
use store::acts::deposit::credit_deposit;
use store::acts::invoice::record_invoice;
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved, reserve_withdrawal};
use store::queries::account::balance;
use store::queries::audit::audit;
use store::queries::payment;
use store::testing::Database;
use store::{Store, StoreConfig};
use testkit::{FakeClock, FakeRail, ForeignInvoice, InvoiceSpec, SeededEntropy};

use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash};

/// Makes a test on each database of every function named, which takes a `&mut Engine`.
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $case() {
                crate::steps::engine::run(&testkit::sqlite(), super::$case);
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $case() {
                if let Some(database) = testkit::postgres() {
                    crate::steps::engine::run(&database, super::$case);
                }
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// Runs a case and audits the books in the end.
pub fn run(database: &Database, case: fn(&mut Engine)) {
    let mut engine = Engine::new(database);
    case(&mut engine);
    engine.audit();
    engine.app.store.close();
}

pub struct Engine {
    pub app: NodeApp,
    pub clock: Arc<FakeClock>,
    pub rail: Arc<FakeRail>,
    pub claims: Claims,
    config: StoreConfig,
    entropy: Arc<SeededEntropy>,
    customer: Option<(Account, ApiKey)>,
}

impl Engine {
    fn new(database: &Database) -> Self {
        let clock = Arc::new(FakeClock::default());
        let rail = Arc::new(FakeRail::new(Arc::clone(&clock)));
        let entropy = Arc::new(SeededEntropy::new(11));
        let app = app(database.store().clone(), &clock, &entropy, &rail);
        let mut engine = Self {
            app,
            clock,
            rail,
            claims: Claims::default(),
            config: database.config().clone(),
            entropy,
            customer: None,
        };
        engine.customer = Some(engine.new_customer());
        engine
    }

    /// The process dies, and another one starts on the same database and the same node.
    pub fn die(&mut self) {
        self.app.store.close();
        let store = Store::open(&self.config).expect("the same database again");
        self.app = app(store, &self.clock, &self.entropy, &self.rail);
        self.claims = Claims::default();
        let doubt = recovery::look(&self.app.store, self.rail.as_ref()).expect("a look");
        recovery::resolve(&self.app, doubt).expect("what was in doubt is resolved");
    }

    /// An account that can spend a million satoshi.
    fn new_customer(&self) -> (Account, ApiKey) {
        let act = self.app.acting();
        let made = self
            .app
            .store
            .write(move |tx| -> Result<_, CreateKeyError> {
                let account = create_account(tx, &act, "a customer")?;
                let key = create_api_key(tx, &act, account.id, "a key", KeyHash([1; 32]))?;
                Ok((account, key))
            });
        let (account, key) = made.expect("a customer");
        // What the operator may lose.
        let (act, capital_msat) = (self.app.acting(), Msat::from_sat(1_000).expect("in range"));
        let added = self
            .app
            .store
            .write(move |tx| add_capital(tx, &act, vec![1], capital_msat));
        added.expect("the operator's capital");
        let invoice = self.invoice_of_ours(&account, 3_600);
        let (act, hash) = (self.app.acting(), invoice.payment_hash);
        let opening = Msat::from_sat(1_000_000).expect("in range");
        let fees = FeePolicy::default();
        self.app
            .store
            .write(move |tx| credit_deposit(tx, &act, &fees, &hash, opening))
            .expect("the opening balance");
        (account, key)
    }

    /// An open invoice of the customer, as the node and the books know it.
    pub fn asked_invoice(&self, expiry_seconds: i64) -> Invoice {
        let (account, _) = self.customer.as_ref().expect("a customer");
        self.invoice_of_ours(account, expiry_seconds)
    }

    fn invoice_of_ours(&self, account: &Account, expiry_seconds: i64) -> Invoice {
        let signed = InvoiceSpec {
            node: 1,
            ..InvoiceSpec::new(1_000, self.clock.now())
        }
        .sign();
        let now = self.clock.now();
        let invoice = Invoice {
            id: self.app.ids.fresh(),
            account_id: account.id,
            payment_hash: signed.payment_hash,
            bolt11: signed.bolt11,
            amount_msat: None,
            description: String::new(),
            metadata: None,
            state: InvoiceState::Open,
            received_msat: None,
            settled_at: None,
            expires_at: now + SignedDuration::from_secs(expiry_seconds),
            created_at: now,
            updated_at: now,
        };
        let (act, written) = (self.app.acting(), invoice.clone());
        self.app
            .store
            .write(move |tx| record_invoice(tx, &act, &written, None))
            .expect("an invoice");
        invoice
    }

    /// An invoice of another node for `sats`.
    pub fn foreign_invoice(&self, sats: u64) -> ForeignInvoice {
        InvoiceSpec::new(sats * 1_000, self.clock.now()).sign()
    }

    pub fn try_reserve(&self, invoice: &ForeignInvoice) -> Result<Reserved, ReserveError> {
        let (account, key) = self.customer.as_ref().expect("a customer");
        let terms = request::Terms {
            network: Network::Regtest,
            node_id: testkit::payee(1),
            fees: self.app.fees,
        };
        let new = request::check(&terms, &invoice.bolt11, &Asked::default());
        let wanted = ReserveWithdrawal {
            account_id: account.id,
            api_key_id: key.id,
            client_id: None,
            metadata: None,
            new: new.expect("a payable invoice"),
            fees: self.app.fees,
            idempotency: None,
        };
        let act = self.app.acting();
        self.app
            .store
            .write(move |tx| reserve_withdrawal(tx, &act, &wanted, &|_, _| Vec::new()))
    }

    pub fn reserve(&self, invoice: &ForeignInvoice) -> WithdrawalId {
        match self.try_reserve(invoice) {
            Ok(Reserved::Now(withdrawal, _)) => withdrawal.id,
            other => panic!("nothing was reserved: {other:?}"),
        }
    }

    pub fn claim(&self) -> Vec<Withdrawal> {
        dispatcher::claim(&self.app, &self.claims, 100).expect("a claim")
    }

    /// Claims what is due, asks the node, and writes its answers down.
    pub fn dispatch(&self) -> usize {
        let claimed = self.claim();
        for withdrawal in &claimed {
            let answer = dispatcher::hand_over(&self.app, withdrawal);
            dispatcher::write_down(&self.app, withdrawal, &answer).expect("written");
        }
        claimed.len()
    }

    /// Takes every event that waits.
    pub fn take_events(&self) {
        while rail_events::take_one(&self.app, Duration::ZERO).expect("written") {}
    }

    /// How many bars stand after a look at all of them.
    pub fn bars(&self) -> usize {
        resend::lift_bars(&self.app).expect("a look").len()
    }

    pub fn withdrawal(&self, id: WithdrawalId) -> Withdrawal {
        let (account, _) = self.customer.as_ref().expect("a customer");
        let account_id = account.id;
        let found = self
            .app
            .store
            .read(move |tx| payment::withdrawal(tx, account_id, id));
        found.expect("a read").expect("a withdrawal")
    }

    pub fn state(&self, id: WithdrawalId) -> WithdrawalState {
        self.withdrawal(id).state
    }

    /// What the customer spent or has on hold, in millisatoshi: `(spent, held)`.
    pub fn moved(&self) -> (i64, i64) {
        let (account, _) = self.customer.as_ref().expect("a customer");
        let account_id = account.id;
        let found = self.app.store.read(move |tx| balance(tx, account_id));
        let found = found.expect("a read").expect("an account");
        let held = found.held_msat.get();
        (1_000_000_000 - found.available_msat.get() - held, held)
    }

    /// How many rows a query counts.
    pub fn count(&self, sql: &'static str) -> i64 {
        let counted = self.app.store.read(move |tx| tx.query(sql, &[])?[0].int(0));
        counted.expect("a count")
    }

    /// Breaks or mends something behind the engine's back.
    pub fn run_sql(&self, sql: &'static str) {
        let done = self
            .app
            .store
            .write(move |tx| tx.execute(sql, &[]).map(drop));
        done.map_err(|error: store::StoreError| error)
            .expect("SQL of a test");
    }

    pub fn halted(&self) -> Option<String> {
        let read = self.app.store.read(store::acts::halt::halted);
        read.expect("a read")
    }

    pub fn audit(&self) {
        let verdict = self.app.store.read(audit).expect("the books can be read");
        assert!(verdict.holds(), "{:#?}", verdict.checks);
    }
}

fn app(
    store: Store,
    clock: &Arc<FakeClock>,
    entropy: &Arc<SeededEntropy>,
    rail: &Arc<FakeRail>,
) -> NodeApp {
    let app = App {
        clock: clock.clone(),
        entropy: entropy.clone(),
        ids: Ids::new(clock.clone(), entropy.clone()),
        ..App::new(store, Network::Regtest, FeePolicy::default())
    };
    NodeApp {
        app,
        rail: rail.clone(),
    }
}
