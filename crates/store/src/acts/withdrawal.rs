//! Reserves a withdrawal: one transaction writes the idempotency row, the hold, the withdrawal and the event.
//!
//! Nothing is sent here. Order of the checks: the client's key (a repeat gets the first answer whatever else is
//! true), whether money may move, whether the invoice was paid or is being paid, whether it has run out, whether
//! there is enough.

use ledger::postings;
use money::Msat;
use payments::event::{EventKind, EventSubject};
use payments::ids::{AccountId, ApiKeyId, PostingId, WithdrawalId};
use payments::metadata::Metadata;
use payments::ports::EventBody;
use payments::withdrawal::{NewWithdrawal, Withdrawal, WithdrawalState};

use super::idempotency::{Claim, IdempotencyKey, claim};
use super::posting::{PostError, post};
use super::{ActContext, halt, outbox};
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, params};

/// A withdrawal that passed the pure checks, with who asked for it.
#[derive(Debug, Clone)]
pub struct ReserveWithdrawal {
    /// Who pays.
    pub account_id: AccountId,
    /// The key that asked.
    pub api_key_id: ApiKeyId,
    /// The client's own id for it.
    pub client_id: Option<String>,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// What passed the checks.
    pub new: NewWithdrawal,
    /// How a repeat is recognised.
    pub idempotency: Option<IdempotencyKey>,
}

/// Why nothing was reserved. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Money does not move now.
    #[error("the movement of money is stopped")]
    Halted,
    /// This invoice is being paid, or was paid.
    #[error("a withdrawal for this payment hash exists and is {}", .state.name())]
    Duplicate {
        /// Where that withdrawal stands.
        state: WithdrawalState,
    },
    /// This invoice was sent before and came back; only a new invoice is safe.
    #[error("an earlier attempt to pay this invoice failed")]
    FailedBefore,
    /// The invoice ran out.
    #[error("the invoice has expired")]
    Expired,
    /// The account has too little.
    #[error("the account has {available_msat}, the withdrawal needs {required_msat}")]
    InsufficientFunds {
        /// What can be spent.
        available_msat: Msat,
        /// The amount and all that is held beside it.
        required_msat: Msat,
    },
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is reserved now; the bytes are the answer that a repeat will get.
    Now(Box<Withdrawal>, Vec<u8>),
    /// The answer that the first request with this key got.
    Replay(Vec<u8>),
}

/// Reserves a withdrawal. `respond` makes the answer from the withdrawal and its event's bytes; it is pure.
///
/// # Errors
/// [`ReserveError`].
pub fn reserve_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
    respond: &dyn Fn(&Withdrawal, &EventBody) -> Vec<u8>,
) -> Result<Reserved, ReserveError> {
    let withdrawal = build(act, request);
    let subject = EventSubject::Withdrawal(Box::new(withdrawal.clone()));
    let event = outbox::prepare(act, EventKind::WithdrawalLightningPending, subject);
    let response = respond(&withdrawal, &event.body);

    if let Some(key) = &request.idempotency {
        match claim(tx, act, request.account_id, key, &response)? {
            Claim::Fresh => {}
            Claim::Replay(response) => return Ok(Reserved::Replay(response)),
            Claim::Reused => return Err(ReserveError::KeyReused),
        }
    }
    if halt::halted(tx)?.is_some() {
        return Err(ReserveError::Halted);
    }
    refuse_a_second_payment(tx, request)?;
    if request.new.expires_at <= act.now {
        return Err(ReserveError::Expired);
    }
    hold(tx, act, &withdrawal)?;
    insert(tx, &withdrawal)?;
    outbox::record(tx, &event)?;
    tx.after_commit(Signal::Withdrawals);
    Ok(Reserved::Now(Box::new(withdrawal), response))
}

fn build(act: &ActContext, request: &ReserveWithdrawal) -> Withdrawal {
    let id: WithdrawalId = act.ids.fresh();
    let hold_posting_id: PostingId = act.ids.fresh();
    Withdrawal {
        id,
        account_id: request.account_id,
        api_key_id: request.api_key_id,
        client_id: request.client_id.clone(),
        bolt11: request.new.bolt11.clone(),
        payment_hash: request.new.payment_hash,
        destination: request.new.destination,
        amounts: request.new.amounts,
        metadata: request.metadata.clone(),
        state: WithdrawalState::Reserved,
        fee_msat: None,
        preimage: None,
        failure: None,
        hold_posting_id,
        attempts: 0,
        next_attempt_at: act.now,
        expires_at: request.new.expires_at,
        created_at: act.now,
        updated_at: act.now,
    }
}

/// For a clear answer; the guard is the unique index at the insert.
fn refuse_a_second_payment(
    tx: &mut Tx<'_>,
    request: &ReserveWithdrawal,
) -> Result<(), ReserveError> {
    let earlier = tx.query(
        "SELECT state, attempts FROM withdrawal WHERE payment_hash = $1 ORDER BY id DESC",
        params![*request.new.payment_hash.as_bytes()],
    )?;
    for row in &earlier {
        let state = crate::rows::withdrawal::state(row, 0)?;
        if state != WithdrawalState::Failed {
            return Err(ReserveError::Duplicate { state });
        }
        if row.int(1)? > 0 {
            return Err(ReserveError::FailedBefore);
        }
    }
    Ok(())
}

fn hold(tx: &mut Tx<'_>, act: &ActContext, withdrawal: &Withdrawal) -> Result<(), ReserveError> {
    let customer = crate::queries::account::ledger_account(tx, withdrawal.account_id)?.ok_or(
        StoreError::Inconsistent {
            what: "a withdrawal without an account",
        },
    )?;
    let required_msat = withdrawal
        .amounts
        .total_msat()
        .map_err(|_| StoreError::Inconsistent {
            what: "a checked withdrawal is above all bitcoin",
        })?;
    let posting =
        postings::withdrawal::held(withdrawal.id.to_bytes(), customer, &withdrawal.amounts);
    post(tx, act, withdrawal.hold_posting_id, &posting).map_err(|error| match error {
        PostError::Overdrawn { available_msat } => ReserveError::InsufficientFunds {
            available_msat,
            required_msat,
        },
        PostError::Store(error) => ReserveError::Store(error),
        error => ReserveError::Post(error),
    })
}

fn insert(tx: &mut Tx<'_>, withdrawal: &Withdrawal) -> Result<(), ReserveError> {
    let written = tx.execute(
        "INSERT INTO withdrawal (id, account_id, api_key_id, client_id, bolt11, payment_hash, destination,
             amount_msat, fee_reserve_msat, platform_fee_msat, metadata, state, hold_posting_id,
             next_attempt_at, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'reserved', $12, $13, $14, $15, $16)
         ON CONFLICT (payment_hash) WHERE state <> 'failed' DO NOTHING",
        params![
            withdrawal.id.to_bytes(),
            withdrawal.account_id.to_bytes(),
            withdrawal.api_key_id.to_bytes(),
            withdrawal.client_id.clone(),
            withdrawal.bolt11.as_str(),
            *withdrawal.payment_hash.as_bytes(),
            withdrawal.destination.serialize(),
            withdrawal.amounts.amount_msat.get(),
            withdrawal.amounts.fee_reserve_msat.get(),
            withdrawal.amounts.platform_fee_msat.get(),
            withdrawal.metadata.as_ref().map(|metadata| metadata.as_json().to_owned()),
            withdrawal.hold_posting_id.to_bytes(),
            micros(withdrawal.next_attempt_at),
            micros(withdrawal.expires_at),
            micros(withdrawal.created_at),
            micros(withdrawal.updated_at)
        ],
    )?;
    if written == 0 {
        // Another transaction reserved the same hash since we looked: it is under way.
        return Err(ReserveError::Duplicate {
            state: WithdrawalState::Reserved,
        });
    }
    // While this one waited for its account's row another may have been sent and come back, which leaves room in
    // the index. Whatever did so before the insert is committed, and seen by a statement that begins after it.
    let sent_before = tx.query(
        "SELECT 1 FROM withdrawal WHERE payment_hash = $1 AND id <> $2 AND attempts > 0",
        params![
            *withdrawal.payment_hash.as_bytes(),
            withdrawal.id.to_bytes()
        ],
    )?;
    if !sent_before.is_empty() {
        return Err(ReserveError::FailedBefore);
    }
    Ok(())
}
