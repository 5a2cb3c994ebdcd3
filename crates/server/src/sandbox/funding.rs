//! The sandbox's account: made once, with a key, and funded by a real payment.

use std::time::Duration;

use money::Msat;
use payments::api_key::KeySecret;
use payments::deposit::DepositState;
use payments::ids::AccountId;
use rail_ldk::SendError;
use store::StoreError;
use store::acts::account::{create_account, create_api_key};
use store::acts::idempotency::IdempotencyKey;
use store::queries;
use store::queries::transaction::Transaction;

use super::SandboxError;
use super::counterparty::Ended;
use super::credentials::Credentials;
use super::economy::Economy;
use crate::app::App;
use crate::flows::invoice::{NewInvoice, create};
use crate::identity::identify;
use crate::problem::ApiError;

/// What the account begins with, in satoshi.
const FUNDS_SAT: i64 = 1_000_000;
/// How often the first payment is tried: a node takes none in its first two seconds.
const TRIES: u32 = 50;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

fn at(what: &'static str) -> SandboxError {
    SandboxError::Account { what }
}

fn failed(what: &'static str) -> impl FnOnce(ApiError) -> SandboxError {
    move |error| {
        tracing::error!(problem = ?error.problem, "the sandbox's account");
        at(what)
    }
}

/// Makes the account and its key, if a first start was not cut off behind it.
pub(super) async fn account(app: &App, credentials: &mut Credentials) -> Result<(), SandboxError> {
    if credentials.api_key().is_some() {
        return Ok(());
    }
    let act = app.acting();
    let account = app
        .store
        .write_async(move |tx| {
            Ok::<_, StoreError>(match queries::account::list(tx, 1)?.pop() {
                Some(account) => account,
                None => create_account(tx, &act, "Sandbox")?,
            })
        })
        .await
        .map_err(|error| failed("account")(error.into()))?;
    let secret = KeySecret::generate(app.entropy.as_ref());
    let (act, hash, id) = (app.acting(), secret.hash(), account.id);
    let key = app
        .store
        .write_async(move |tx| create_api_key(tx, &act, id, "sandbox", hash))
        .await
        .map_err(|error| failed("key")(error.into()))?;
    credentials.set_account(id.to_string(), secret.reveal(key.number))
}

/// Funds the account by a payment of the counterparty, if it never had one.
pub(super) async fn deposit(
    app: &App,
    economy: &Economy,
    credentials: &Credentials,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), SandboxError> {
    let key = credentials.api_key().ok_or_else(|| at("key"))?;
    let identity = identify(app, key, None).await.map_err(failed("key"))?;
    if has_funds(app, identity.account_id).await? {
        return Ok(());
    }
    progress("funding the account with a first payment");
    let new = NewInvoice {
        amount_msat: Msat::from_sat(FUNDS_SAT).map_err(|_| at("amount"))?,
        description: "Welcome to the sandbox".to_owned(),
        expiry_seconds: 30 * 24 * 3_600,
        metadata: None,
        // A start that was cut off goes on with the same invoice.
        idempotency: Some(IdempotencyKey {
            scope: "sandbox.funding",
            key: "welcome".to_owned(),
            request_hash: [0; 32],
        }),
    };
    let bolt11 = create(app, &identity, new, |invoice| {
        invoice.bolt11.clone().into_bytes()
    })
    .await
    .map_err(failed("invoice"))?;
    let bolt11 = String::from_utf8(bolt11).map_err(|_| at("invoice"))?;
    pay(economy, &bolt11).await?;
    for _ in 0..TRIES {
        if has_funds(app, identity.account_id).await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(at("credit"))
}

/// Whether a payment ever came in.
async fn has_funds(app: &App, account: AccountId) -> Result<bool, SandboxError> {
    let page = app
        .store
        .read_async(move |tx| queries::transaction::page(tx, account, None, 1_000))
        .await
        .map_err(|error| failed("history")(error.into()))?;
    Ok(page.iter().any(|row| {
        matches!(row, Transaction::Deposit(deposit) if deposit.state == DepositState::Settled)
            || matches!(
                row,
                Transaction::Withdrawal(_) | Transaction::OnchainDeposit(_)
            )
    }))
}

/// Pays, unless it was paid by a start that was cut off; the credit is waited for elsewhere.
async fn pay(economy: &Economy, bolt11: &str) -> Result<(), SandboxError> {
    for _ in 0..TRIES {
        let (counterparty, bolt11) = (economy.counterparty.clone(), bolt11.to_owned());
        let sent = tokio::task::spawn_blocking(move || counterparty.pay(&bolt11, None)).await?;
        match sent {
            Ok((_, ended)) => match tokio::time::timeout(PATIENCE, ended).await {
                Ok(Ok(Ended::Failed(reason))) => tracing::debug!(?reason, "tried again"),
                Ok(Ok(Ended::Settled(_))) => return Ok(()),
                Ok(Err(_)) | Err(_) => return Err(at("payment")),
            },
            Err(SendError::Duplicate) => return Ok(()),
            Err(error) => tracing::debug!(%error, "the first payment is tried again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(at("payment"))
}
