//! Accounts with keys and money, made by the acts, and webhooks, made by the admin API.

use jiff::SignedDuration;
use money::Msat;
use payments::api_key::KeySecret;
use payments::fee_policy::FeePolicy;
use payments::ids::AccountId;
use payments::invoice::{Invoice, InvoiceState};
use serde_json::{Value, json};
use store::StoreError;
use store::acts::account::{CreateKeyError, create_account, create_api_key};
use store::acts::capital::add_capital;
use store::acts::deposit::{Credited, credit_deposit};
use store::acts::invoice::record_invoice;

use super::{ADMIN_TOKEN, TestServer};
use crate::invoice::InvoiceSpec;
use crate::receiver::TestReceiver;

/// An account with one key.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The account.
    pub account_id: AccountId,
    /// The whole key, as it is presented.
    pub key: String,
}

/// A webhook as its owner knows it.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The same in the form of Standard Webhooks.
    pub standard_secret: String,
}

impl TestServer {
    /// A new account that can spend `sats`.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn customer(&self, sats: i64) -> Customer {
        let app = &self.serving().app;
        let act = app.acting();
        let made = app
            .store
            .write_async(move |tx| Ok::<_, StoreError>(create_account(tx, &act, "a customer")?.id));
        let account_id = made.await.expect("an account");
        let key = self.new_key(account_id).await;
        if sats > 0 {
            self.fund(account_id, sats).await;
        }
        Customer { account_id, key }
    }

    /// One more key of an account.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn new_key(&self, account_id: AccountId) -> String {
        let app = &self.serving().app;
        let (act, secret) = (app.acting(), KeySecret::generate(app.entropy.as_ref()));
        let hash = secret.hash();
        let made = app.store.write_async(move |tx| {
            Ok::<_, CreateKeyError>(create_api_key(tx, &act, account_id, "a key", hash)?.number)
        });
        secret.reveal(made.await.expect("a key"))
    }

    /// One more key of an account, made by the admin API with these `rules` (`scopes`, `budgets`, …).
    ///
    /// # Panics
    /// When the admin API refuses.
    pub async fn ruled_key(&self, account_id: AccountId, rules: &Value) -> String {
        let mut request = rules.clone();
        request["name"] = json!("a key");
        request["account_id"] = json!(account_id.to_string());
        let call = self.post("/admin/v1/keys").key(ADMIN_TOKEN).json(&request);
        let made = call.send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["key"].as_str().expect("a made key").to_owned()
    }

    /// Credits `sats` as a paid invoice does, without a fee.
    ///
    /// # Panics
    /// When the database or the books refuse.
    pub async fn fund(&self, account_id: AccountId, sats: i64) {
        let app = &self.serving().app;
        let act = app.acting();
        let amount_msat = Msat::from_sat(sats).expect("an amount");
        let spec = InvoiceSpec {
            node: 1,
            ..InvoiceSpec::new(amount_msat.unsigned(), act.now)
        };
        let signed = spec.sign();
        let invoice = Invoice {
            id: app.ids.fresh(),
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
        let credited = app.store.write_async(move |tx| {
            record_invoice(tx, &act, &invoice, None)?;
            let (fees, hash) = (FeePolicy::default(), invoice.payment_hash);
            credit_deposit(tx, &act, &fees, &hash, amount_msat)
        });
        let credited = credited.await.expect("the books take it");
        assert!(matches!(credited, Credited::Deposit(_)), "{credited:?}");
    }

    /// Books `sats` of the operator's own money in a channel: what losses are borne from.
    ///
    /// # Panics
    /// When the books refuse.
    pub async fn add_capital(&self, sats: i64) {
        let app = &self.serving().app;
        let (act, channel_id) = (app.acting(), app.ids.fresh_bytes().to_vec());
        let amount_msat = Msat::from_sat(sats).expect("an amount");
        let booked = app
            .store
            .write_async(move |tx| add_capital(tx, &act, channel_id.clone(), amount_msat));
        booked.await.expect("the books take it");
    }

    /// A webhook of `customer` that goes to `receiver`.
    ///
    /// # Panics
    /// When the admin API refuses.
    pub async fn webhook(
        &self,
        customer: &Customer,
        receiver: &TestReceiver,
        events: &[&str],
    ) -> Webhook {
        let request = json!({
            "url": receiver.url(),
            "events": events,
            "account_id": customer.account_id.to_string(),
        });
        let call = self
            .post("/admin/v1/webhooks")
            .key(ADMIN_TOKEN)
            .json(&request);
        let made = call.send().await.json();
        let text = |name: &str| made[name].as_str().expect("a made webhook").to_owned();
        Webhook {
            id: text("id"),
            secret: text("secret"),
            standard_secret: text("standard_secret"),
        }
    }
}
