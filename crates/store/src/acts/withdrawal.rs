//! Reserves a withdrawal: one transaction writes the idempotency row, the hold, the withdrawal and the event; and, for
//! an invoice of our own, its end and the deposit on the other side.
//!
//! Nothing is sent here. Order of the checks: the client's key (a repeat gets the first answer whatever else is
//! true), whether this account is paying or has paid the invoice (it gets that payment), whether money may move,
//! whether another paid it or is paying it, what the API key may do, whose invoice it is, whether it has run out,
//! whether there is enough, in the key's budgets and in the account, and at the end once more whether money may move,
//! which holds until the commit.

mod request;

use ledger::postings;
use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use ledger::{AccountNumber, FactKind};
use money::Msat;
use payments::api_key::{KeyRules, Scope};
use payments::event::{EventKind, EventSubject};
use payments::ids::{PostingId, WithdrawalId};
use payments::ports::EventBody;
use payments::withdrawal::{Withdrawal, WithdrawalState};

pub use self::request::{ReserveError, ReserveWithdrawal, Reserved};
use super::idempotency::{Claim, answer_with, claim};
use super::outbox::Prepared;
use super::posting::{PostError, lock, post};
use super::{ActContext, budget, halt, internal, outbox};
use crate::queries::account::key_by_id;
use crate::rows::{micros, withdrawal as row};
use crate::{Signal, StoreError, Tx, params, withdrawal_columns};

/// A withdrawal that is about to be written, with its first event and the answer to its client.
struct Draft {
    withdrawal: Withdrawal,
    event: Prepared,
    response: Vec<u8>,
}

/// Makes a client's answer from a withdrawal and an event about it; pure.
type Respond<'a> = &'a dyn Fn(&Withdrawal, &EventBody) -> Vec<u8>;

/// Reserves a withdrawal. `respond` makes the answer from the withdrawal and its event's bytes; it is pure.
///
/// # Errors
/// [`ReserveError`].
pub fn reserve_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
    respond: Respond<'_>,
) -> Result<Reserved, ReserveError> {
    let reserved = accept(tx, act, request, respond)?;
    // Last, so that a halt waits for the commit alone, and whoever halts with an account locked waits for nobody who
    // wants that account.
    if matches!(reserved, Reserved::Now(..)) && halt::hold_moving(tx)?.is_some() {
        return Err(ReserveError::Halted);
    }
    Ok(reserved)
}

fn accept(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
    respond: Respond<'_>,
) -> Result<Reserved, ReserveError> {
    let rules = rules_of_key(tx, act, request)?;
    // All that there is comes to an amount only where it is locked; until then the answer is empty.
    let known = match request.new.send_all {
        None => Some(draft(act, request, &rules, request.new.amounts, respond)?),
        Some(_) => None,
    };
    if let Some(key) = &request.idempotency {
        let response = known.as_ref().map_or(&[][..], |draft| &draft.response);
        match claim(tx, act, request.account_id, key, response)? {
            Claim::Fresh => {}
            Claim::Replay(response) => return Ok(Reserved::Replay(response)),
            Claim::Reused => return Err(ReserveError::KeyReused),
        }
    }
    let earlier = earlier_payment(tx, request)?;
    if let Earlier::Repeat(earlier) = earlier {
        return repeat(tx, act, request, *earlier, respond);
    }
    if halt::halted(tx)?.is_some() {
        return Err(ReserveError::Halted);
    }
    if let Earlier::Refused(refusal) = earlier {
        return Err(refusal);
    }
    may_ask(&rules, request)?;
    let invoice = match internal::invoice_of(tx, act, &request.new) {
        Err(ReserveError::InvoiceSettled) => return settled_meanwhile(tx, act, request, respond),
        invoice => invoice?,
    };
    if request.new.expires_at <= act.now {
        return Err(ReserveError::Expired);
    }
    if crate::queries::onchain::is_disputed(tx, request.account_id)? {
        return Err(ReserveError::DepositDisputed);
    }
    let payer = payer(tx, request)?;
    let budgets = budget::hold(tx, act, request.api_key_id)?;
    if let Some(invoice) = &invoice {
        internal::lock_both(tx, payer, invoice)?;
    }
    let draft = match known {
        Some(draft) => draft,
        None => {
            let amounts = everything(tx, payer, request)?;
            let draft = draft(act, request, &rules, amounts, respond)?;
            if let Some(key) = &request.idempotency {
                answer_with(tx, request.account_id, key, &draft.response)?;
            }
            draft
        }
    };
    within_limits(tx, &rules, &budgets, &draft.withdrawal)?;
    write(tx, act, payer, &draft)?;
    if draft.withdrawal.state == WithdrawalState::Unapproved {
        return Ok(Reserved::Now(Box::new(draft.withdrawal), draft.response));
    }
    let Some(invoice) = invoice else {
        tx.after_commit(Signal::Withdrawals);
        return Ok(Reserved::Now(Box::new(draft.withdrawal), draft.response));
    };
    let paid = internal::settled(draft.withdrawal)?;
    internal::settle(tx, act, &request.fees, &paid, invoice)?;
    Ok(Reserved::Now(Box::new(paid), draft.response))
}

/// The key as it is in this transaction: it may have ended since the caller was recognised.
fn rules_of_key(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
) -> Result<KeyRules, ReserveError> {
    let key = key_by_id(tx, request.api_key_id)?;
    match key.filter(|key| key.is_live(act.now)) {
        Some(key) => Ok(key.rules),
        None => Err(ReserveError::KeyEnded),
    }
}

fn may_ask(rules: &KeyRules, request: &ReserveWithdrawal) -> Result<(), ReserveError> {
    if !rules.scopes.has(Scope::Send) {
        return Err(ReserveError::MayNotSend);
    }
    if !rules.may_pay(&request.new.destination.to_string()) {
        return Err(ReserveError::DestinationForbidden);
    }
    Ok(())
}

fn within_limits(
    tx: &mut Tx<'_>,
    rules: &KeyRules,
    budgets: &budget::Held,
    withdrawal: &Withdrawal,
) -> Result<(), ReserveError> {
    if let Some(maximum_msat) = rules.max_payment_msat
        && withdrawal.amounts.amount_msat > maximum_msat
    {
        return Err(ReserveError::AboveKeyMaximum { maximum_msat });
    }
    budget::spend(tx, budgets, withdrawal)?
        .map_err(|limit_msat| ReserveError::BudgetSpent { limit_msat })
}

fn draft(
    act: &ActContext,
    request: &ReserveWithdrawal,
    rules: &KeyRules,
    amounts: Amounts,
    respond: Respond<'_>,
) -> Result<Draft, StoreError> {
    let state = match rules.wants_approval(amounts.amount_msat) {
        true => WithdrawalState::Unapproved,
        false => WithdrawalState::Reserved,
    };
    let withdrawal = build(act, request, amounts, state);
    let subject = EventSubject::Withdrawal(Box::new(withdrawal.clone()));
    let event = outbox::prepare(act, EventKind::WithdrawalLightningPending, subject);
    let response = if request.new.to_ourselves && state == WithdrawalState::Reserved {
        respond(&internal::settled(withdrawal.clone())?, &event.body)
    } else {
        respond(&withdrawal, &event.body)
    };
    Ok(Draft {
        withdrawal,
        event,
        response,
    })
}

fn build(
    act: &ActContext,
    request: &ReserveWithdrawal,
    amounts: Amounts,
    state: WithdrawalState,
) -> Withdrawal {
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
        amounts,
        unused_reserve: match request.new.send_all {
            Some(_) => UnusedReserve::Kept,
            None => UnusedReserve::Returned,
        },
        metadata: request.metadata.clone(),
        state,
        fee_msat: None,
        preimage: None,
        failure: None,
        hold_posting_id,
        attempts: 0,
        next_attempt_at: act.now,
        resend_barred: false,
        routes_not_found: 0,
        waits_for_room: false,
        expires_at: request.new.expires_at,
        created_at: act.now,
        updated_at: act.now,
    }
}

/// What earlier payments of the same payment hash make of a request.
enum Earlier {
    /// There is none, or none that counts.
    None,
    /// This account has made it, or is making it, of this very invoice.
    Repeat(Box<Withdrawal>),
    /// It stands in the way.
    Refused(ReserveError),
}

/// For a clear answer; the guard is the unique index at the insert.
fn earlier_payment(tx: &mut Tx<'_>, request: &ReserveWithdrawal) -> Result<Earlier, StoreError> {
    // The unique index allows one such row.
    let earlier = tx.query_opt(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal
              WHERE payment_hash = $1 AND (state <> 'failed' OR resend_barred = 1 OR contradicted = 1)"
        ),
        params![*request.new.payment_hash.as_bytes()],
    )?;
    let Some(earlier) = earlier.as_ref().map(row::read).transpose()? else {
        return unasked_payment(tx, request);
    };
    Ok(if earlier.state == WithdrawalState::Failed {
        Earlier::Refused(match earlier.resend_barred {
            true => ReserveError::ResendBarred,
            false => PAID_AFTER_ALL,
        })
    } else if is_repeat(request, &earlier) {
        Earlier::Repeat(Box::new(earlier))
    } else {
        Earlier::Refused(ReserveError::Duplicate {
            state: earlier.state,
        })
    })
}

/// The node has paid it without a withdrawal, or after its withdrawal had failed: the loss is booked, once.
const PAID_AFTER_ALL: ReserveError = ReserveError::Duplicate {
    state: WithdrawalState::Settled,
};

fn unasked_payment(tx: &mut Tx<'_>, request: &ReserveWithdrawal) -> Result<Earlier, StoreError> {
    let booked = tx.query_opt(
        "SELECT 1 FROM posting WHERE fact_kind = $1 AND fact_id = $2",
        params![
            FactKind::LightningSent.name(),
            *request.new.payment_hash.as_bytes()
        ],
    )?;
    Ok(match booked {
        Some(_) => Earlier::Refused(PAID_AFTER_ALL),
        None => Earlier::None,
    })
}

/// An invoice of ours is settled. Who waited for its row may have waited for another of the same requests.
fn settled_meanwhile(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
    respond: Respond<'_>,
) -> Result<Reserved, ReserveError> {
    match earlier_payment(tx, request)? {
        Earlier::Repeat(earlier) => repeat(tx, act, request, *earlier, respond),
        Earlier::Refused(refusal) => Err(refusal),
        Earlier::None => Err(ReserveError::InvoiceSettled),
    }
}

/// Whether `request` asks for what `found` is: the same invoice, from the same account, over the same amount.
fn is_repeat(request: &ReserveWithdrawal, found: &Withdrawal) -> bool {
    let same_amount = request.new.send_all.is_some()
        || request.new.amounts.amount_msat == found.amounts.amount_msat;
    found.account_id == request.account_id && found.bolt11 == request.new.bolt11 && same_amount
}

/// Answers with the earlier payment as it stands, and in the words of who asks now.
fn repeat(
    tx: &mut Tx<'_>,
    act: &ActContext,
    request: &ReserveWithdrawal,
    earlier: Withdrawal,
    respond: Respond<'_>,
) -> Result<Reserved, ReserveError> {
    let kind = match earlier.state {
        WithdrawalState::Settled => EventKind::WithdrawalLightningCompleted,
        _ => EventKind::WithdrawalLightningPending,
    };
    let told = Withdrawal {
        client_id: request.client_id.clone(),
        ..earlier.clone()
    };
    let subject = EventSubject::Withdrawal(Box::new(told));
    let response = respond(&earlier, &outbox::prepare(act, kind, subject).body);
    if let Some(key) = &request.idempotency {
        answer_with(tx, request.account_id, key, &response)?;
    }
    Ok(Reserved::Earlier(Box::new(earlier), response))
}

/// What a withdrawal of all that `payer` can spend comes to, with its row locked until the hold is written.
fn everything(
    tx: &mut Tx<'_>,
    payer: AccountNumber,
    request: &ReserveWithdrawal,
) -> Result<Amounts, ReserveError> {
    lock(tx, [payer].into())?;
    let balance = crate::queries::account::balance(tx, request.account_id)?;
    let available_msat = balance.map_or(Msat::ZERO, |balance| balance.available_msat);
    let all = request.new.send_all.and_then(|all| {
        let amounts = request
            .fees
            .everything(available_msat, all.fee_limit_msat)?;
        Some((amounts, all.stated_msat))
    });
    match all {
        None => Err(ReserveError::InsufficientFunds {
            available_msat,
            required_msat: total(&request.new.amounts)?,
        }),
        Some((amounts, Some(invoice_msat))) if invoice_msat != amounts.amount_msat => {
            Err(ReserveError::NotAll {
                invoice_msat,
                most_msat: amounts.amount_msat,
            })
        }
        Some((amounts, _)) => Ok(amounts),
    }
}

fn payer(tx: &mut Tx<'_>, request: &ReserveWithdrawal) -> Result<AccountNumber, StoreError> {
    crate::queries::account::ledger_account(tx, request.account_id)?.ok_or(
        StoreError::Inconsistent {
            what: "a withdrawal without an account",
        },
    )
}

fn total(amounts: &Amounts) -> Result<Msat, StoreError> {
    amounts.total_msat().map_err(|_| StoreError::Inconsistent {
        what: "a checked withdrawal is above all bitcoin",
    })
}

fn write(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payer: AccountNumber,
    draft: &Draft,
) -> Result<(), ReserveError> {
    hold(tx, act, payer, &draft.withdrawal)?;
    insert(tx, &draft.withdrawal)?;
    outbox::record(tx, &draft.event)?;
    Ok(())
}

fn hold(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payer: AccountNumber,
    withdrawal: &Withdrawal,
) -> Result<(), ReserveError> {
    let required_msat = total(&withdrawal.amounts)?;
    let posting = postings::withdrawal::held(withdrawal.id.to_bytes(), payer, &withdrawal.amounts);
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
             next_attempt_at, expires_at, created_at, updated_at, keeps_reserve)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (payment_hash) WHERE state <> 'failed' OR resend_barred = 1 OR contradicted = 1 DO NOTHING",
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
            withdrawal.state.name(),
            withdrawal.hold_posting_id.to_bytes(),
            micros(withdrawal.next_attempt_at),
            micros(withdrawal.expires_at),
            micros(withdrawal.created_at),
            micros(withdrawal.updated_at),
            i64::from(withdrawal.unused_reserve == UnusedReserve::Kept)
        ],
    )?;
    if written == 0 {
        return Err(ReserveError::Overtaken);
    }
    Ok(())
}
