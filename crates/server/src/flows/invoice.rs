//! Make an invoice: the node makes it, then its row is written, and only then the client sees it.
//!
//! An invoice whose row was not written is never handed out, so nobody can pay it.

use jiff::SignedDuration;
use money::Msat;
use payments::ids::InvoiceId;
use payments::invoice::{Invoice, InvoiceState, MAX_DESCRIPTION_BYTES, MAX_EXPIRY_SECONDS};
use payments::metadata::Metadata;
use payments::ports::{CreateInvoiceError, InvoiceRequest, RailInvoice};
use store::acts::idempotency::{Claim, IdempotencyKey, find};
use store::acts::invoice::{RecordedInvoice, record_invoice};
use store::crash_point;
use wire::Problem;

use crate::app::App;
use crate::identity::Identity;
use crate::problem::{ApiError, chain};

/// How long an invoice can be paid when the client does not say: a day, as the Hercle contract has it.
pub const DEFAULT_EXPIRY_SECONDS: u64 = 24 * 3_600;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct NewInvoice {
    /// The amount.
    pub amount_msat: Msat,
    /// The description.
    pub description: String,
    /// How long it can be paid.
    pub expiry_seconds: u64,
    /// What the client attached.
    pub metadata: Option<Metadata>,
    /// How a repeat is recognised.
    pub idempotency: Option<IdempotencyKey>,
}

/// Makes an invoice for `identity`; `respond` makes the answer that this request and every repeat of it get.
///
/// # Errors
/// [`ApiError`]; no invoice was handed out then.
pub async fn create(
    app: &App,
    identity: &Identity,
    new: NewInvoice,
    respond: impl Fn(&Invoice) -> Vec<u8> + Send + 'static,
) -> Result<Vec<u8>, ApiError> {
    if let Some(response) = earlier_answer(app, identity, new.idempotency.as_ref()).await? {
        return Ok(response);
    }
    let expiry_seconds = check(&new)?;
    let made = on_the_node(app, &new, expiry_seconds).await?;
    crash_point::reach("invoice.made");
    let act = app.acting();
    let expiry = SignedDuration::from_secs(i64::from(expiry_seconds));
    let invoice = Invoice {
        id: app.ids.fresh::<InvoiceId>(),
        account_id: identity.account_id,
        payment_hash: made.payment_hash,
        bolt11: made.bolt11,
        amount_msat: Some(new.amount_msat),
        description: new.description,
        metadata: new.metadata,
        state: InvoiceState::Open,
        received_msat: None,
        settled_at: None,
        expires_at: act
            .now
            .checked_add(expiry)
            .map_err(|error| ApiError::internal(&error))?,
        created_at: act.now,
        updated_at: act.now,
    };
    let response = respond(&invoice);
    let answer = response.clone();
    let recorded = app
        .store
        .write_async(move |tx| {
            let key = new.idempotency.as_ref().map(|key| (key, answer.as_slice()));
            record_invoice(tx, &act, &invoice, key)
        })
        .await?;
    match recorded {
        RecordedInvoice::Written => Ok(response),
        RecordedInvoice::Replay(first) => Ok(first),
        RecordedInvoice::KeyReused => Err(Problem::IdempotencyKeyReused.into()),
    }
}

/// The answer to an earlier request with the same key, so that no second invoice is made.
async fn earlier_answer(
    app: &App,
    identity: &Identity,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(key) = key.cloned() else {
        return Ok(None);
    };
    let account = identity.account_id;
    let claim = app
        .store
        .read_async(move |tx| find(tx, account, &key))
        .await?;
    match claim {
        Some(Claim::Replay(response)) => Ok(Some(response)),
        Some(Claim::Reused) => Err(Problem::IdempotencyKeyReused.into()),
        Some(Claim::Fresh) | None => Ok(None),
    }
}

fn check(new: &NewInvoice) -> Result<u32, ApiError> {
    if new.description.len() > MAX_DESCRIPTION_BYTES {
        return Err(invalid("description", "it must be at most 639 bytes long"));
    }
    u32::try_from(new.expiry_seconds)
        .ok()
        .filter(|seconds| (1..=MAX_EXPIRY_SECONDS).contains(seconds))
        .ok_or_else(|| invalid("expiry_seconds", "it must be from 1 to 2592000 (30 days)"))
}

fn invalid(name: &'static str, why: &'static str) -> ApiError {
    Problem::InvalidParameter {
        name: name.into(),
        why: why.into(),
    }
    .into()
}

async fn on_the_node(
    app: &App,
    new: &NewInvoice,
    expiry_seconds: u32,
) -> Result<RailInvoice, ApiError> {
    let request = InvoiceRequest {
        amount_msat: Some(new.amount_msat),
        description: new.description.clone(),
        expiry_seconds,
    };
    let made = app.node.create_invoice(request).await;
    made.map_err(|error| match error {
        CreateInvoiceError::Refused => invalid("amount", "the Lightning node refused it"),
        CreateInvoiceError::Unavailable(_) => {
            tracing::error!(error = %chain(&error), "no invoice was made");
            Problem::RailUnavailable {
                rail: "lightning".into(),
            }
            .into()
        }
    })
}
