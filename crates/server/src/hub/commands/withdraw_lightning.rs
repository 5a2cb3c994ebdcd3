//! `WithdrawLightning(ClientId, PaymentRequestHash)`: pay a BOLT 11 invoice.
//!
//! The created event leaves through the outbox, to every connection of the key. A repeated `ClientId` is answered
//! on its own connection, with the first event; an invoice that the account is paying or has paid, under another
//! `ClientId`, with that payment as it stands.

use payments::api_key::Scope;
use payments::withdrawal::Asked;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use signalr_server::{Arguments, Caller, Completion, HubException, JsonText};
use store::acts::idempotency::IdempotencyKey;
use store::acts::withdrawal::Reserved;
use wire::Problem;
use wire::hercle::{EVENT_CHANNEL, Envelope, WithdrawLightningArguments, client_id_of};

use crate::app::App;
use crate::flows::withdraw::{WithdrawalRequest, request};
use crate::hub::session::{self, Session};
use crate::problem::ApiError;

/// The idempotency keys of this command are the client's `ClientId`s.
const SCOPE: &str = "hub.WithdrawLightning";

/// Runs the command.
pub(in crate::hub) async fn run(
    app: &App,
    caller: &Caller,
    arguments: &Arguments,
) -> Result<Completion, HubException> {
    let session = session::of(caller).ok_or_else(HubException::unauthorized)?;
    let raw = arguments.to_json()?;
    let raw: Vec<&RawValue> = raw.iter().map(AsRef::as_ref).collect();
    let (client_id, outcome) = match WithdrawLightningArguments::parse(&raw) {
        Ok(parsed) => (
            parsed.client_id.clone(),
            withdraw(app, &session, parsed).await,
        ),
        Err(problem) => (client_id_of(&raw), Err(problem.into())),
    };
    match outcome {
        // The outbox has the event; it is on its way to every connection of the key.
        Ok(None) => {}
        Ok(Some(first)) => send(caller, &first),
        Err(ApiError { problem }) => {
            let event = Envelope::error(&problem, client_id, session.format);
            send(caller, &event.to_raw_value());
        }
    }
    Ok(().into())
}

/// `Ok(None)` when the withdrawal is new, `Ok(Some(event))` with the first event when it is not.
async fn withdraw(
    app: &App,
    session: &Session,
    arguments: WithdrawLightningArguments,
) -> Result<Option<Box<RawValue>>, ApiError> {
    session.identity.need(Scope::Send)?;
    let request_hash = Sha256::digest(arguments.payment_request.as_bytes()).into();
    let withdrawal = WithdrawalRequest {
        payment_request: arguments.payment_request,
        // The command has no argument for an amount.
        asked: Asked::default(),
        client_id: Some(arguments.client_id.clone()),
        metadata: None,
        idempotency: Some(IdempotencyKey {
            scope: SCOPE,
            key: arguments.client_id,
            request_hash,
        }),
    };
    let respond = |_: &_, event: &payments::ports::EventBody| event.hub.clone();
    match request(app, &session.identity, withdrawal, respond).await? {
        Reserved::Now(..) => Ok(None),
        Reserved::Replay(first) | Reserved::Earlier(_, first) => {
            let text = String::from_utf8(first).map_err(|error| ApiError::internal(&error))?;
            let event = Envelope::stored(&text, session.format);
            Ok(Some(
                event.ok_or_else(|| ApiError::from(Problem::Internal))?,
            ))
        }
    }
}

fn send(caller: &Caller, event: &RawValue) {
    if let Err(error) = caller.send_to_caller(EVENT_CHANNEL, &[JsonText(event)]) {
        tracing::error!(%error, "an event could not be written for its caller");
    }
}
