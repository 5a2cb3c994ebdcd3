//! Processes that deliver from one PostgreSQL database, and a pen that writes events into it. No node runs.

use std::path::PathBuf;

use jiff::SignedDuration;
use money::Msat;
use payments::event::EventKind;
use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, EndpointId};
use payments::invoice::{Invoice, InvoiceState};
use payments::network::Network;
use payments::webhook::{SealedSecret, WebhookEndpoint};
use server::app::App;
use server::event_bodies::event_name;
use store::acts::account::create_account;
use store::acts::deposit::{CreditError, credit_deposit};
use store::acts::invoice::record_invoice;
use store::acts::webhook::endpoint::create_endpoint;
use store::{StoreConfig, StoreError};
use testkit::{Database, InvoiceSpec};
use webhooks::Secret;

use crate::processes::process::Process;

pub struct Office {
    pub app: App,
    folder: tempfile::TempDir,
    _database: Database,
}

impl Office {
    pub fn new(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let StoreConfig::Postgres { url, .. } = database.config() else {
            panic!("a PostgreSQL database");
        };
        let config = format!(
            "network = \"regtest\"\ndata_dir = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [database]\nurl = {url:?}\n[webhooks]\nallow = [\"127.0.0.0/8\"]\n",
            folder.path().display().to_string(),
        );
        std::fs::write(folder.path().join("leyden.toml"), config).expect("a file");
        let store = database.store().clone();
        Self {
            app: App::new(store, Network::Regtest, FeePolicy::default()),
            folder,
            _database: database,
        }
    }

    /// One more process that delivers, and does nothing else.
    pub async fn start(&self) -> Process {
        let config: PathBuf = self.folder.path().join("leyden.toml");
        let started = tokio::task::spawn_blocking(move || Process::start(&config, "worker", ""));
        started.await.expect("a process that serves")
    }

    /// An account whose deposits go to `endpoints` endpoints at `url`.
    pub async fn account(&self, url: &str, endpoints: usize) -> AccountId {
        let key = server::sealing::key(&self.app.store, self.folder.path()).await;
        let (key, act, url) = (key.expect("a key"), self.app.acting(), url.to_owned());
        let made = self.app.store.write_async(move |tx| {
            let account_id = create_account(tx, &act, "a customer")?.id;
            for number in 0..endpoints {
                let id: EndpointId = act.ids.fresh();
                let sealed = key.seal(&Secret::generate([1; 32]), id.to_bytes(), [2; 12]);
                let secret = SealedSecret::from_stored(sealed.expect("sealed"));
                let url = format!("{url}/{number}");
                let name = event_name(EventKind::DepositLightningCompleted)
                    .as_str()
                    .to_owned();
                let mut endpoint = WebhookEndpoint::new(id, account_id, url, secret, act.now);
                endpoint.max_in_flight = 50;
                create_endpoint(tx, &endpoint.with_events(vec![name]))?;
            }
            Ok::<_, StoreError>(account_id)
        });
        made.await.expect("an account")
    }

    /// One deposit of `account_id`: one event.
    pub async fn deposit(&self, account_id: AccountId) {
        let (act, amount_msat) = (self.app.acting(), Msat::from_sat(1).expect("an amount"));
        let spec = InvoiceSpec {
            node: 1,
            ..InvoiceSpec::new(amount_msat.unsigned(), act.now)
        };
        let signed = spec.sign();
        let invoice = Invoice {
            id: self.app.ids.fresh(),
            account_id,
            payment_hash: signed.payment_hash,
            bolt11: signed.bolt11,
            amount_msat: Some(amount_msat),
            description: spec.description,
            metadata: None,
            state: InvoiceState::Open,
            received_msat: None,
            settled_at: None,
            expires_at: act.now + SignedDuration::from_hours(1),
            created_at: act.now,
            updated_at: act.now,
        };
        let credited = self.app.store.write_async(move |tx| {
            record_invoice(tx, &act, &invoice, None)?;
            let (fees, hash) = (FeePolicy::default(), invoice.payment_hash);
            credit_deposit(tx, &act, &fees, &hash, amount_msat)
        });
        let credited: Result<_, CreditError> = credited.await;
        credited.expect("the books take it");
    }

    /// What a query counts.
    pub async fn count(&self, sql: &'static str) -> usize {
        let count = self
            .app
            .store
            .read_async(move |tx| tx.query(sql, &[])?[0].int(0));
        let count: Result<i64, StoreError> = count.await;
        usize::try_from(count.expect("a count")).expect("no less than none")
    }

    /// As if the time of all leases had passed.
    pub async fn end_leases(&self) {
        let sql = "UPDATE webhook_delivery SET lease_until = 0 WHERE state = 'leased'";
        let ended = self.app.store.write_async(move |tx| tx.execute(sql, &[]));
        let ended: Result<_, StoreError> = ended.await;
        ended.expect("leases that are over");
    }
}

/// Runs a case on a database of its own.
pub fn run(case: impl AsyncFnOnce(&Office)) {
    let Some(database) = testkit::postgres() else {
        return;
    };
    let office = Office::new(database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // A database cannot be dropped on a runtime.
    runtime.block_on(case(&office));
}
