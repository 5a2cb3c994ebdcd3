//! Ask for a withdrawal: check the invoice, reserve the money, and answer. Nothing is sent here; an invoice of our
//! own is paid in the books.

use std::sync::Arc;

use payments::metadata::Metadata;
use payments::ports::EventBody;
use payments::withdrawal::Withdrawal;
use payments::withdrawal::{Asked, request};
use store::acts::idempotency::IdempotencyKey;
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved, reserve_withdrawal};
use store::crash_point;

use crate::app::App;
use crate::identity::Identity;
use crate::problem::ApiError;

/// How often a request is asked that others overtake.
const TIMES: usize = 5;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct WithdrawalRequest {
    /// The invoice to pay.
    pub payment_request: String,
    /// What the client asks for beside it.
    pub asked: Asked,
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
    respond: impl Fn(&Withdrawal, &EventBody) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Reserved, ApiError> {
    let new = request::check(
        &app.terms().await?,
        &request.payment_request,
        &request.asked,
    )?;
    let wanted = ReserveWithdrawal {
        account_id: identity.account_id,
        api_key_id: identity.api_key_id,
        client_id: request.client_id,
        metadata: request.metadata,
        new,
        fees: app.fees,
        idempotency: request.idempotency,
    };
    let reserved = reserve(app, wanted, respond).await?;
    crash_point::reach("withdrawal.reserved");
    if let Reserved::Now(withdrawal, _) = &reserved {
        tracing::info!(
            withdrawal = %withdrawal.id,
            amount_msat = withdrawal.amounts.amount_msat.get(),
            state = withdrawal.state.name(),
            "withdrawal accepted"
        );
    }
    Ok(reserved)
}

/// A request that another one for the same invoice overtook is asked again: it is told of that one then.
async fn reserve(
    app: &App,
    wanted: ReserveWithdrawal,
    respond: impl Fn(&Withdrawal, &EventBody) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Reserved, ReserveError> {
    let asked = Arc::new((wanted, respond));
    let mut outcome = Err(ReserveError::Overtaken);
    for _ in 0..TIMES {
        let (act, asked) = (app.acting(), Arc::clone(&asked));
        outcome = app
            .store
            .write_async(move |tx| reserve_withdrawal(tx, &act, &asked.0, &asked.1))
            .await;
        if !matches!(outcome, Err(ReserveError::Overtaken)) {
            break;
        }
    }
    outcome
}
