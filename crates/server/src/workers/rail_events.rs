//! Writes down what the node reports, then acknowledges it: never the other way round.
//!
//! Every event is one transaction of books, state and outbox. Applying it twice changes nothing, so a crash between
//! the write and the acknowledgement is harmless. While money is halted, events are written all the same.

use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{PaymentFailure, RailEvent, RailPayment};
use payments::withdrawal::WithdrawalFailure;
use store::acts::channel::{ClosedChannel, record_closed};
use store::acts::deposit::{CreditError, Credited, credit_deposit};
use store::acts::halt::halt;
use store::acts::outcome::{
    Outcome, OutcomeError, book_unasked_payment, fail_withdrawal, settle_withdrawal,
};
use store::acts::posting::PostError;
use store::acts::set_aside::{Report, set_aside};
use store::{StoreError, crash_point};
use tokio_util::sync::CancellationToken;

use crate::app::NodeApp;
use crate::problem::chain;

/// How long one look for an event waits.
const WAIT: Duration = Duration::from_millis(200);
/// How long to wait before an event that could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Why an event was not written down.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Money that came in.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The end of a withdrawal.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EventError {
    /// Whether the same event may be written a little later.
    fn may_pass(&self) -> bool {
        let store = match self {
            Self::Credit(
                CreditError::Store(error) | CreditError::Post(PostError::Store(error)),
            )
            | Self::Store(error) => Some(error),
            Self::Credit(_) => None,
            Self::Outcome(error) => error.store(),
        };
        matches!(store, Some(StoreError::Unavailable(_) | StoreError::Closed))
    }
}

/// Pumps events until `stop`; runs on a thread of its own.
pub fn run(app: &NodeApp, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = take_one(app, WAIT) {
            tracing::error!(error = %chain(&error), "an event of the node is not written yet");
            std::thread::sleep(PAUSE);
        }
    }
}

/// Writes the node's oldest event down and acknowledges it. Answers whether there was one in `wait`.
///
/// # Errors
/// [`EventError`]; the event is not acknowledged, and comes again.
pub fn take_one(app: &NodeApp, wait: Duration) -> Result<bool, EventError> {
    let Some(event) = app.rail.next_event(wait) else {
        return Ok(false);
    };
    crash_point::reach("event.given");
    write_down(app, &event)?;
    crash_point::reach("event.written");
    app.rail.acknowledge();
    crash_point::reach("event.acknowledged");
    Ok(true)
}

/// Writes an event down: when this has answered it may be acknowledged, and when it has not it must not be.
///
/// # Errors
/// [`EventError`], only for what may pass.
pub fn write_down(app: &NodeApp, event: &RailEvent) -> Result<(), EventError> {
    apply(app, event).or_else(|error| put_aside(app, event, error))
}

/// An event that no act can apply is kept whole, and money is halted: the events behind it must not wait for ever.
fn put_aside(app: &NodeApp, event: &RailEvent, error: EventError) -> Result<(), EventError> {
    let report = match (error.may_pass(), event) {
        (true, _) => return Err(error),
        // Of these the log is the record; a channel that is missing in the books keeps them from agreeing as well.
        (_, RailEvent::ChannelClosed { .. } | RailEvent::Other(_)) => {
            tracing::error!(
                ?event,
                error = chain(&error),
                "ALERT: not written down; money is halted"
            );
            return Ok(stop_money(
                app,
                "an event of the node could not be applied",
            )?);
        }
        (
            _,
            RailEvent::PaymentSucceeded {
                payment_hash,
                preimage,
                fee_msat,
            },
        ) => Report {
            kind: "payment_succeeded",
            payment_hash: *payment_hash,
            amount_msat: fee_msat.map(Msat::get),
            preimage: *preimage,
        },
        (_, RailEvent::PaymentFailed { payment_hash, .. }) => Report {
            kind: "payment_failed",
            payment_hash: *payment_hash,
            amount_msat: None,
            preimage: None,
        },
        (
            _,
            RailEvent::PaymentReceived {
                payment_hash,
                amount_msat,
            },
        ) => Report {
            kind: "payment_received",
            payment_hash: *payment_hash,
            amount_msat: Some(amount_msat.get()),
            preimage: None,
        },
    };
    let (act, why) = (app.acting(), chain(&error));
    tracing::error!(hash = %report.payment_hash, error = why, "ALERT: a report is set aside; money is halted");
    app.store
        .write(move |tx| set_aside(tx, &act, &report, &why))?;
    Ok(())
}

fn apply(app: &NodeApp, event: &RailEvent) -> Result<(), EventError> {
    match event {
        RailEvent::PaymentSucceeded {
            payment_hash,
            preimage,
            fee_msat,
        } => {
            let (mut preimage, mut fee_msat) = (*preimage, *fee_msat);
            if (preimage.is_none() || fee_msat.is_none())
                && let RailPayment::Succeeded {
                    preimage: known,
                    fee_msat: fee,
                    ..
                } = app.rail.payment(payment_hash)
            {
                preimage = preimage.or(known);
                fee_msat = fee_msat.or(fee);
            }
            let (act, hash) = (app.acting(), *payment_hash);
            if fee_msat.is_none() {
                tracing::error!(hash = %payment_hash, "ALERT: paid for an unknown fee; money is halted");
                stop_money(app, "the node paid a fee that it does not tell")?;
            }
            let fee_msat = fee_msat.unwrap_or(Msat::ZERO);
            let outcome = app
                .store
                .write(move |tx| settle_withdrawal(tx, &act, &hash, preimage, fee_msat))?;
            report(app, payment_hash, preimage, fee_msat, &outcome)
        }
        RailEvent::PaymentFailed {
            payment_hash,
            reason,
        } => {
            let (act, hash, reason) = (app.acting(), *payment_hash, failure(*reason));
            let outcome = app
                .store
                .write(move |tx| fail_withdrawal(tx, &act, &hash, reason))?;
            match outcome {
                Outcome::Applied(withdrawal) => {
                    tracing::info!(withdrawal = %withdrawal.id, ?reason, "withdrawal failed");
                }
                Outcome::ComesAgain(withdrawal) => {
                    tracing::info!(withdrawal = %withdrawal.id, ?reason, "came back: tried again");
                }
                Outcome::Before | Outcome::Contradiction(_) | Outcome::NotOurs => {}
            }
            Ok(())
        }
        RailEvent::PaymentReceived {
            payment_hash,
            amount_msat,
        } => receive(app, *payment_hash, *amount_msat),
        RailEvent::ChannelClosed {
            channel_id,
            peer,
            by_crash,
            reason,
        } => close(app, *channel_id, *peer, *by_crash, reason),
        RailEvent::Other(what) => {
            tracing::info!(what, "node event");
            Ok(())
        }
    }
}

fn close(
    app: &NodeApp,
    channel_id: [u8; 32],
    peer: Option<PublicKey>,
    by_crash: bool,
    reason: &str,
) -> Result<(), EventError> {
    let channel = hex::encode(channel_id);
    tracing::warn!(channel, by_crash, reason, "a channel is closed");
    let closed = ClosedChannel {
        channel_id,
        peer,
        by_crash,
        reason: reason.to_owned(),
    };
    let act = app.acting();
    app.store
        .write(move |tx| record_closed(tx, &act, &closed))?;
    Ok(())
}

fn receive(app: &NodeApp, hash: PaymentHash, amount_msat: Msat) -> Result<(), EventError> {
    let (act, fees) = (app.acting(), app.fees);
    match app
        .store
        .write(move |tx| credit_deposit(tx, &act, &fees, &hash, amount_msat))?
    {
        Credited::Deposit(deposit) => {
            tracing::info!(deposit = %deposit.id, amount_msat = amount_msat.get(), "deposit credited");
        }
        Credited::Suspense(reason) => {
            let (amount_msat, reason) = (amount_msat.get(), reason.name());
            tracing::error!(%hash, amount_msat, reason, "ALERT: money that cannot be placed is in suspense");
        }
        Credited::Before => {}
    }
    Ok(())
}

/// A success that does not fit the books stops the movement of money: a person must look.
fn report(
    app: &NodeApp,
    hash: &PaymentHash,
    preimage: Option<PaymentPreimage>,
    fee_msat: Msat,
    outcome: &Outcome,
) -> Result<(), EventError> {
    match outcome {
        Outcome::Applied(withdrawal) => {
            let fee_msat = withdrawal.fee_msat.map_or(0, Msat::get);
            tracing::info!(withdrawal = %withdrawal.id, fee_msat, "withdrawal settled");
        }
        Outcome::Before | Outcome::ComesAgain(_) => {}
        Outcome::Contradiction(withdrawal) => {
            tracing::error!(
                withdrawal = %withdrawal.id,
                "ALERT: a withdrawal that stands as failed was paid; money is halted"
            );
        }
        Outcome::NotOurs => unasked(app, hash, preimage, fee_msat)?,
    }
    Ok(())
}

/// Somebody has the node's keys, or the books are older than the node. The node's record tells how much it was; what
/// it does not tell waits for a person.
fn unasked(
    app: &NodeApp,
    hash: &PaymentHash,
    preimage: Option<PaymentPreimage>,
    fee_msat: Msat,
) -> Result<(), EventError> {
    tracing::error!(%hash, "ALERT: the node paid what no withdrawal asked for; money is halted");
    let (act, hash) = (app.acting(), *hash);
    let paid_msat = match app.rail.payment(&hash) {
        RailPayment::Succeeded { amount_msat, .. } => amount_msat,
        _ => None,
    };
    let paid_out_msat = paid_msat.and_then(|paid_msat| paid_msat.checked_add(fee_msat).ok());
    match paid_out_msat.filter(|paid_out_msat| !paid_out_msat.is_zero()) {
        Some(paid_out_msat) => {
            app.store
                .write(move |tx| book_unasked_payment(tx, &act, &hash, paid_out_msat))?;
        }
        None => {
            let report = Report {
                kind: "payment_succeeded",
                payment_hash: hash,
                amount_msat: Some(fee_msat.get()),
                preimage,
            };
            let error = "the node paid what no withdrawal asked for, and does not tell how much";
            app.store
                .write(move |tx| set_aside(tx, &act, &report, error))?;
        }
    }
    Ok(())
}

fn stop_money(app: &NodeApp, reason: &'static str) -> Result<(), StoreError> {
    let act = app.acting();
    app.store.write(move |tx| halt(tx, &act, reason))
}

/// The node's reason in the domain's words.
#[must_use]
pub fn failure(reason: PaymentFailure) -> WithdrawalFailure {
    match reason {
        PaymentFailure::RecipientRejected => WithdrawalFailure::RecipientRejected,
        PaymentFailure::RouteNotFound => WithdrawalFailure::NoRoute,
        PaymentFailure::RetriesExhausted => WithdrawalFailure::TimedOut,
        PaymentFailure::Expired => WithdrawalFailure::InvoiceExpired,
        PaymentFailure::Unexpected => WithdrawalFailure::Unexpected,
    }
}
