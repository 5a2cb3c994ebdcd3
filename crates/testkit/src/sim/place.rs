//! [`Place`]: the folder of the runs, with the database that each of them begins on.
//!
//! The template is made once: accounts, keys, a webhook, the operator's capital and an opening balance for each
//! account. A run copies it, and shares nothing with another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use money::{BasisPoints, Msat};
use payments::api_key::KeyHash;
use payments::event::EventKind;
use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, Ids};
use payments::invoice::{Invoice, InvoiceState};
use payments::network::Network;
use payments::ports::Clock;
use payments::webhook::{SealedSecret, WebhookEndpoint};
use server::event_bodies::WireBodies;
use server::identity::Identity;
use store::acts::ActContext;
use store::acts::account::{CreateKeyError, create_account, create_api_key};
use store::acts::capital::add_capital;
use store::acts::deposit::credit_deposit;
use store::acts::invoice::record_invoice;
use store::acts::webhook::endpoint::create_endpoint;
use store::{Store, StoreConfig, StoreError};

use crate::clock::FakeClock;
use crate::entropy::SeededEntropy;
use crate::invoice::InvoiceSpec;

/// The operator's own money in the node.
pub(super) const CAPITAL_MSAT: i64 = 50_000_000;
/// What each account begins with.
pub(super) const OPENING_MSAT: [i64; 3] = [3_000_000, 400_000, 20_000_000];

/// The fees of every run: none is zero, so that each leg of a posting is there to go wrong.
pub(super) fn fees() -> FeePolicy {
    FeePolicy {
        withdrawal_fee: BasisPoints::new(30).expect("a share"),
        deposit_fee: BasisPoints::new(20).expect("a share"),
        ..FeePolicy::default()
    }
}

/// An account of the template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) identity: Identity,
    /// Its number in the books.
    pub(super) ledger_account: i64,
}

/// The folder and the template in it.
pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) clients: Vec<Client>,
}

impl Place {
    /// Makes the folder, in memory where there is such a place, and the template.
    pub(super) fn make() -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = tempfile::Builder::new()
            .prefix("leyden-sim-")
            .tempdir_in(base)
            .expect("a folder");
        let store =
            Store::open(&StoreConfig::SqliteFile(template(folder.path()))).expect("a new database");
        let clients = fill(&store);
        store.close();
        Self { folder, clients }
    }

    /// A copy of the template for this run.
    pub(super) fn begin(&self, run: &str) -> PathBuf {
        let file = self.file(run, 0);
        std::fs::copy(template(self.folder.path()), &file).expect("a copy of the template");
        file
    }

    /// The file of the `generation`th process of a run.
    pub(super) fn file(&self, run: &str, generation: u64) -> PathBuf {
        self.folder
            .path()
            .join(format!("{run}-{generation}.sqlite"))
    }
}

fn template(folder: &Path) -> PathBuf {
    folder.join("template.sqlite")
}

fn fill(store: &Store) -> Vec<Client> {
    let clock: Arc<FakeClock> = Arc::default();
    let act = ActContext {
        ids: Ids::new(clock.clone(), Arc::new(SeededEntropy::new(0))),
        now: clock.now(),
        bodies: Arc::new(WireBodies {
            network: Network::Regtest,
        }),
    };
    let made = act.clone();
    let capital_msat = Msat::new(CAPITAL_MSAT).expect("an amount");
    let booked = store.write(move |tx| add_capital(tx, &made, vec![1; 32], capital_msat));
    booked.expect("capital");
    let open = |(number, opening_msat): (usize, i64)| {
        let client = client(store, &act, number);
        fund(
            store,
            &act,
            client.identity.account_id,
            number,
            opening_msat,
        );
        client
    };
    OPENING_MSAT.into_iter().enumerate().map(open).collect()
}

fn client(store: &Store, act: &ActContext, number: usize) -> Client {
    let (act, now) = (act.clone(), act.now);
    let made = store.write(move |tx| {
        let account = create_account(tx, &act, "a client")?;
        let key = create_api_key(tx, &act, account.id, "a key", KeyHash([7; 32]))?;
        // The last account has no webhook.
        if number < 2 {
            let (url, secret) = ("http://127.0.0.1:9/events".to_owned(), "00".repeat(32));
            let secret = SealedSecret::from_stored(secret);
            let events = EventKind::ALL.map(|kind| kind.name().to_owned()).to_vec();
            let endpoint = WebhookEndpoint::new(act.ids.fresh(), account.id, url, secret, now)
                .with_events(events);
            create_endpoint(tx, &endpoint)?;
        }
        Ok::<_, CreateKeyError>((account, key))
    });
    let (account, key) = made.expect("an account with a key");
    Client {
        identity: Identity {
            account_id: account.id,
            api_key_id: key.id,
            key_number: key.number,
            scopes: key.rules.scopes,
        },
        ledger_account: account.ledger_account.get(),
    }
}

/// Credits an opening balance, for no fee.
fn fund(store: &Store, act: &ActContext, account_id: AccountId, number: usize, opening_msat: i64) {
    let act = act.clone();
    let amount_msat = Msat::new(opening_msat).expect("an amount");
    let spec = InvoiceSpec {
        node: 1,
        ..InvoiceSpec::new(amount_msat.unsigned(), act.now)
    };
    let signed = spec.sign_with([u8::try_from(number).expect("a few accounts") + 1; 32]);
    let invoice = Invoice {
        id: act.ids.fresh(),
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
    let free = FeePolicy {
        deposit_fee: BasisPoints::ZERO,
        ..fees()
    };
    let credited = store.write(move |tx| {
        record_invoice(tx, &act, &invoice, None)?;
        Ok::<_, StoreError>(
            credit_deposit(tx, &act, &free, &invoice.payment_hash, amount_msat).is_ok(),
        )
    });
    assert!(credited.expect("an opening balance"), "the books take it");
}
