//! Ask for a withdrawal: check the invoice, reserve the money, and answer. Nothing is sent here.

use money::Msat;
use payments::metadata::Metadata;
use payments::ports::EventBody;
use payments::withdrawal::Withdrawal;
use payments::withdrawal::request;
use store::acts::idempotency::IdempotencyKey;
use store::acts::withdrawal::{ReserveWithdrawal, Reserved, reserve_withdrawal};

use crate::app::App;
use crate::identity::Identity;
use crate::problem::ApiError;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct WithdrawalRequest {
    /// The invoice to pay.
    pub payment_request: String,
    /// The amount the client named beside it.
    pub requested_msat: Option<Msat>,
    /// The client's own id for it.
    pub client_id: Option<String>,
    /// What the client attached.
    pub metadata: Option<Metadata>,
    /// How a repeat is recognised.
    pub idempotency: Option<IdempotencyKey>,
}

/// Reserves a withdrawal for `identity`; `respond` makes the answer that this request and every repeat of it get.
///
/// # Errors
/// [`ApiError`]; nothing changed then.
pub async fn request(
    app: &App,
    identity: &Identity,
    request: WithdrawalRequest,
    respond: impl Fn(&Withdrawal, &EventBody) -> Vec<u8> + Send + 'static,
) -> Result<Reserved, ApiError> {
    let new = request::check(
        &app.terms()?,
        &request.payment_request,
        request.requested_msat,
    )?;
    let reserve = ReserveWithdrawal {
        account_id: identity.account_id,
        api_key_id: identity.api_key_id,
        client_id: request.client_id,
        metadata: request.metadata,
        new,
        idempotency: request.idempotency,
    };
    let act = app.acting();
    let reserved = app
        .store
        .write_async(move |tx| reserve_withdrawal(tx, &act, &reserve, &respond))
        .await?;
    if let Reserved::Now(withdrawal, _) = &reserved {
        tracing::info!(
            withdrawal = %withdrawal.id,
            amount_msat = withdrawal.amounts.amount_msat.get(),
            "withdrawal reserved"
        );
    }
    Ok(reserved)
}
