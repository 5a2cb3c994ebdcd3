//! Books to measure: customers with money, on either database, and the requests that they make.
//!
//! Everything in them was written by the acts of the product, so the audit holds at every moment.

use std::sync::Arc;

use bitcoin::secp256k1::PublicKey;
use jiff::SignedDuration;
use money::Msat;
use payments::api_key::KeyHash;
use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, ApiKeyId, EndpointId, Ids};
use payments::invoice::{Invoice, InvoiceState};
use payments::network::Network;
use payments::payment_hash::PaymentHash;
use payments::ports::{Clock, Entropy, SystemClock, SystemEntropy};
use payments::webhook::{SealedSecret, WebhookEndpoint};
use payments::withdrawal::NewWithdrawal;
use server::event_bodies::{WireBodies, event_name};
use store::acts::ActContext;
use store::acts::account::{CreateKeyError, create_account, create_api_key};
use store::acts::deposit::{CreditError, credit_deposit};
use store::acts::idempotency::IdempotencyKey;
use store::acts::invoice::record_invoice;
use store::acts::outcome::OutcomeError;
use store::acts::webhook::endpoint::create_endpoint;
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal};
use store::{OpenError, Store, StoreConfig, StoreError, Tx};
use webhooks::{SealingKey, Secret};

/// What every withdrawal pays.
const AMOUNT_SAT: i64 = 10;
/// What the secrets of webhooks are sealed with.
pub const SEALING_KEY: [u8; 32] = [1; 32];
/// As long as the invoices of most nodes.
const BOLT11_BYTES: usize = 300;
/// What each customer begins with.
const FUNDS_SAT: i64 = 2_000_000_000;

/// Why the books could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    #[error("a file or thread was refused")]
    Io(#[from] std::io::Error),
    #[error("the database cannot be opened")]
    Open(#[from] OpenError),
    #[error("the database")]
    Store(#[from] StoreError),
    #[error("no key was made")]
    Key(#[from] CreateKeyError),
    #[error("no deposit was credited")]
    Credit(#[from] CreditError),
    #[error("no withdrawal was reserved")]
    Reserve(#[from] ReserveError),
    #[error("no withdrawal was ended")]
    Outcome(#[from] OutcomeError),
    #[error("SQLite, the rival")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL, the rival")]
    Postgres(#[from] postgres::Error),
    #[error("the audit does not hold: {0}")]
    Audit(String),
    #[error("{0}")]
    Surprise(&'static str),
}

/// A customer with money.
#[derive(Debug, Clone, Copy)]
pub struct Customer {
    /// Whose balance.
    pub account_id: AccountId,
    /// Who asks.
    pub api_key_id: ApiKeyId,
}

/// An open database and what acts on it need.
#[derive(Clone)]
pub struct Books {
    /// The database.
    pub store: Store,
    ids: Ids,
}

impl Books {
    /// Opens the database, which may be new.
    pub fn open(config: &StoreConfig) -> Result<Self, BooksError> {
        Ok(Self {
            store: Store::open(config)?,
            ids: Ids::new(Arc::new(SystemClock), Arc::new(SystemEntropy)),
        })
    }

    /// What an act needs, at this moment.
    pub fn acting(&self) -> ActContext {
        ActContext {
            ids: self.ids.clone(),
            now: SystemClock.now(),
            bodies: Arc::new(WireBodies {
                network: Network::Regtest,
            }),
        }
    }

    /// Makes a customer with money, and with a webhook endpoint if that is asked for.
    pub fn customer(&self, has_endpoint: bool) -> Result<Customer, BooksError> {
        let act = self.acting();
        let customer = self.store.write(move |tx| {
            let account = create_account(tx, &act, "a customer")?;
            let key = create_api_key(tx, &act, account.id, "a key", KeyHash([1; 32]))?;
            Ok::<_, CreateKeyError>(Customer {
                account_id: account.id,
                api_key_id: key.id,
            })
        })?;
        if has_endpoint {
            let endpoint = self.endpoint(customer.account_id);
            self.store.write(move |tx| create_endpoint(tx, &endpoint))?;
        }
        let (act, invoice) = (self.acting(), self.invoice(&customer));
        let funds_msat = Msat::from_sat(FUNDS_SAT).unwrap_or(Msat::ZERO);
        self.store
            .write(move |tx| deposit(tx, &act, &invoice, funds_msat))?;
        Ok(customer)
    }

    fn endpoint(&self, account_id: AccountId) -> WebhookEndpoint {
        let kind = payments::event::EventKind::WithdrawalLightningPending;
        let url = "https://example.com/webhooks".to_owned();
        let secret = SealedSecret::from_stored("0".repeat(64));
        WebhookEndpoint::new(self.ids.fresh(), account_id, url, secret, SystemClock.now())
            .with_events(vec![event_name(kind).as_str().to_owned()])
    }

    /// An endpoint that gets the deposits of a customer, as many at once as an endpoint may.
    pub fn deposit_endpoint(&self, of: &Customer, url: String) -> Result<(), BooksError> {
        let kind = payments::event::EventKind::DepositLightningCompleted;
        let (id, now): (EndpointId, _) = (self.ids.fresh(), SystemClock.now());
        let secret = Secret::generate([2; 32]);
        let sealed = SealingKey::new(SEALING_KEY).seal(&secret, id.to_bytes(), [3; 12]);
        let sealed = sealed.map_err(|_| BooksError::Surprise("a secret that cannot be sealed"))?;
        let secret = SealedSecret::from_stored(sealed);
        let mut endpoint = WebhookEndpoint::new(id, of.account_id, url, secret, now)
            .with_events(vec![event_name(kind).as_str().to_owned()]);
        endpoint.max_in_flight = 64;
        Ok(self.store.write(move |tx| create_endpoint(tx, &endpoint))?)
    }

    /// An invoice of a customer that nobody has written down or paid.
    pub fn invoice(&self, of: &Customer) -> Invoice {
        let (payment_hash, bolt11) = fresh_bolt11();
        let now = SystemClock.now();
        Invoice {
            id: self.ids.fresh(),
            account_id: of.account_id,
            payment_hash,
            bolt11,
            amount_msat: None,
            description: "bench".to_owned(),
            metadata: None,
            state: InvoiceState::Open,
            received_msat: None,
            settled_at: None,
            expires_at: now + SignedDuration::from_hours(24 * 365),
            created_at: now,
            updated_at: now,
        }
    }

    /// The newest id of a transaction that is about half as old as all of them: ids begin with their time.
    pub fn middle(of: &Customer, newest: [u8; 16]) -> [u8; 16] {
        let millis =
            |id: [u8; 16]| u64::from_be_bytes([0, 0, id[0], id[1], id[2], id[3], id[4], id[5]]);
        let first = millis(of.account_id.to_bytes());
        let mut middle = [0xff; 16];
        let half = u64::midpoint(first, millis(newest)).to_be_bytes();
        middle[..6].copy_from_slice(&half[2..]);
        middle
    }

    /// Fails unless every invariant holds.
    pub fn audit(&self) -> Result<(), BooksError> {
        let audit = self.store.read(store::queries::audit::audit)?;
        if audit.holds() {
            Ok(())
        } else {
            Err(BooksError::Audit(format!("{:?}", audit.checks)))
        }
    }
}

/// Writes an invoice down and credits what was paid for it: one incoming payment.
pub fn deposit(
    tx: &mut Tx<'_>,
    act: &ActContext,
    invoice: &Invoice,
    amount_msat: Msat,
) -> Result<(), CreditError> {
    record_invoice(tx, act, invoice, None)?;
    credit_deposit(
        tx,
        act,
        &FeePolicy::default(),
        &invoice.payment_hash,
        amount_msat,
    )?;
    Ok(())
}

/// A request to pay an invoice of somebody else's, as it comes over the hub.
pub fn request(customer: &Customer, client_id: String) -> ReserveWithdrawal {
    let (payment_hash, bolt11) = fresh_bolt11();
    asked(customer, client_id, payment_hash, bolt11, false)
}

/// A request to pay an invoice of ours, which is settled in the books.
pub fn internal_request(
    customer: &Customer,
    client_id: String,
    invoice: &Invoice,
) -> ReserveWithdrawal {
    let (payment_hash, bolt11) = (invoice.payment_hash, invoice.bolt11.clone());
    asked(customer, client_id, payment_hash, bolt11, true)
}

fn asked(
    customer: &Customer,
    client_id: String,
    payment_hash: PaymentHash,
    bolt11: String,
    to_ourselves: bool,
) -> ReserveWithdrawal {
    let amount_msat = Msat::from_sat(AMOUNT_SAT).unwrap_or(Msat::ZERO);
    let fees = FeePolicy::default();
    let amounts = fees.withdrawal(amount_msat);
    ReserveWithdrawal {
        fees,
        account_id: customer.account_id,
        api_key_id: customer.api_key_id,
        client_id: Some(client_id.clone()),
        metadata: None,
        new: NewWithdrawal {
            bolt11,
            payment_hash,
            destination: destination(),
            to_ourselves,
            send_all: None,
            amounts: amounts.expect("ten satoshis and their reserve are an amount"),
            expires_at: SystemClock.now() + SignedDuration::from_hours(1),
        },
        idempotency: Some(IdempotencyKey {
            scope: "hub.WithdrawLightning",
            key: client_id,
            request_hash: *payment_hash.as_bytes(),
        }),
    }
}

fn fresh_bolt11() -> (PaymentHash, String) {
    let mut hash = [0; 32];
    SystemEntropy.fill(&mut hash);
    let hash = PaymentHash::from_bytes(hash);
    let mut bolt11 = format!("lnbcrt{hash}");
    while bolt11.len() < BOLT11_BYTES {
        bolt11.push('q');
    }
    (hash, bolt11)
}

/// The generator of the curve: a public key that nobody has to make.
fn destination() -> PublicKey {
    const GENERATOR: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    GENERATOR.parse().expect("the generator is a public key")
}
