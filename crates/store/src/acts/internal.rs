//! Pays an invoice of our own in the books: no route, no routing fee, and the float is not touched.
//!
//! Payer and recipient change in one transaction, or neither does. An invoice is ours only when the whole text that
//! was presented is the text that stands in the invoice's row: a payment hash alone proves nothing (D1).

use std::collections::BTreeSet;

use ledger::{AccountNumber, postings};
use money::Msat;
use payments::event::EventKind;
use payments::fee_policy::FeePolicy;
use payments::invoice::state::{Input as InvoiceInput, Transition as InvoiceTransition};
use payments::invoice::{self, Invoice, InvoiceState};
use payments::withdrawal::state::transition;
use payments::withdrawal::{Input, NewWithdrawal, Transition, Withdrawal};

use super::ActContext;
use super::deposit::{CreditError, Paid, credit, ledger_account, locked};
use super::outcome::{OutcomeError, hold_of, write_end};
use super::posting::{PostError, lock};
use super::withdrawal::ReserveError;
use crate::{StoreError, Tx};

/// The invoice of ours that `new` pays, its row locked; `None` for an invoice of another node.
pub(super) fn invoice_of(
    tx: &mut Tx<'_>,
    act: &ActContext,
    new: &NewWithdrawal,
) -> Result<Option<Invoice>, ReserveError> {
    let Some(invoice) = locked(tx, &new.payment_hash)? else {
        return if new.to_ourselves {
            Err(ReserveError::UnknownInvoice)
        } else {
            Ok(None)
        };
    };
    if !new.to_ourselves || invoice.bolt11 != new.bolt11 {
        return Err(ReserveError::ForgedInvoice);
    }
    payable(act, invoice).map(Some)
}

/// `invoice`, while somebody may pay it.
pub(super) fn payable(act: &ActContext, invoice: Invoice) -> Result<Invoice, ReserveError> {
    let payable = invoice::state::transition(invoice.state, InvoiceInput::PayInternally);
    if !matches!(payable, InvoiceTransition::To(_)) {
        return Err(match invoice.state {
            InvoiceState::Settled => ReserveError::InvoiceSettled,
            InvoiceState::Open | InvoiceState::Expired => ReserveError::Expired,
        });
    }
    if invoice.expires_at <= act.now {
        return Err(ReserveError::Expired);
    }
    Ok(invoice)
}

/// Takes the rows of payer and recipient in ascending order, before either is changed.
pub(super) fn lock_both(
    tx: &mut Tx<'_>,
    payer: AccountNumber,
    invoice: &Invoice,
) -> Result<(), StoreError> {
    let recipient = ledger_account(tx, invoice)?;
    lock(tx, BTreeSet::from([payer, recipient]))
}

/// How `withdrawal` stands once it is paid in the books. No route was taken, so there is no preimage: the node still
/// knows it alone, and money that comes for the same hash from outside may be locked to it.
pub(super) fn settled(mut withdrawal: Withdrawal) -> Result<Withdrawal, StoreError> {
    let input = Input::Settle {
        preimage: None,
        fee_msat: Msat::ZERO,
    };
    let Transition::To(state) = transition(withdrawal.state, &input) else {
        return Err(StoreError::Inconsistent {
            what: "a reserved withdrawal that cannot settle",
        });
    };
    withdrawal.state = state;
    withdrawal.fee_msat = Some(Msat::ZERO);
    Ok(withdrawal)
}

/// Settles a withdrawal that is held and written, and credits the invoice with it.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    paid: &Withdrawal,
    invoice: Invoice,
) -> Result<(), ReserveError> {
    let hold = hold_of(tx, paid)?;
    let posting = postings::withdrawal::settled_internally(paid.id.to_bytes(), &hold);
    let completed = EventKind::WithdrawalLightningCompleted;
    write_end(tx, act, paid, &posting, completed).map_err(|error| match error {
        OutcomeError::Post(error) => ReserveError::Post(error),
        OutcomeError::Store(error) => ReserveError::Store(error),
    })?;
    let input = InvoiceInput::PayInternally;
    let InvoiceTransition::To(state) = invoice::state::transition(invoice.state, input) else {
        return Err(ReserveError::InvoiceSettled);
    };
    receive(tx, act, fees, paid.amounts.amount_msat, invoice, state).map_err(|error| match error {
        CreditError::Post(PostError::AlreadyBooked) => ReserveError::InvoiceSettled,
        CreditError::Post(error) => ReserveError::Post(error),
        CreditError::Store(error) => ReserveError::Store(error),
        CreditError::Amount(_) => ReserveError::Store(StoreError::Inconsistent {
            what: "a fee that is more than its amount",
        }),
    })
}

fn receive(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    amount_msat: Msat,
    invoice: Invoice,
    state: InvoiceState,
) -> Result<(), CreditError> {
    let recipient = ledger_account(tx, &invoice)?;
    let platform_fee_msat = fees.deposit(amount_msat)?;
    let hash = *invoice.payment_hash.as_bytes();
    let posting = postings::deposit::transferred(hash, recipient, amount_msat, platform_fee_msat)?;
    let paid = Paid {
        amount_msat,
        platform_fee_msat,
        posting: &posting,
    };
    credit(tx, act, invoice, state, &paid)?;
    Ok(())
}
