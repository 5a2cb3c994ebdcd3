//! Writes invoices, and ends those whose time ran out.

use money::Msat;
use payments::deposit::{self, Deposit};
use payments::event::{EventKind, EventSubject};
use payments::invoice::Invoice;
use payments::invoice::state::{Input, Transition, transition};

use super::idempotency::{Claim, IdempotencyKey, claim};
use super::{ActContext, outbox};
use crate::differences::Statement;
use crate::rows::{invoice as row, micros};
use crate::{StoreError, Tx, for_update_skip_locked, params};

const DUE: Statement = for_update_skip_locked!(
    "SELECT id FROM invoice WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2"
);

/// What became of a request to write an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedInvoice {
    /// It is written.
    Written,
    /// The idempotency key's first answer.
    Replay(Vec<u8>),
    /// The idempotency key was used for another request.
    KeyReused,
}

/// Writes an invoice that the node made; `key` comes with the answer the client will get.
///
/// # Errors
/// The database's.
pub fn record_invoice(
    tx: &mut Tx<'_>,
    act: &ActContext,
    invoice: &Invoice,
    key: Option<(&IdempotencyKey, &[u8])>,
) -> Result<RecordedInvoice, StoreError> {
    if let Some((key, response)) = key {
        match claim(tx, act, invoice.account_id, key, response)? {
            Claim::Fresh => {}
            Claim::Replay(response) => return Ok(RecordedInvoice::Replay(response)),
            Claim::Reused => return Ok(RecordedInvoice::KeyReused),
        }
    }
    tx.execute(
        "INSERT INTO invoice (id, account_id, payment_hash, bolt11, amount_msat, description, metadata,
             state, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            invoice.id.to_bytes(),
            invoice.account_id.to_bytes(),
            *invoice.payment_hash.as_bytes(),
            invoice.bolt11.as_str(),
            invoice.amount_msat.map(Msat::get),
            invoice.description.as_str(),
            invoice.metadata.as_ref().map(|metadata| metadata.as_json().to_owned()),
            invoice.state.name(),
            micros(invoice.expires_at),
            micros(invoice.created_at),
            micros(invoice.updated_at)
        ],
    )?;
    Ok(RecordedInvoice::Written)
}

/// Ends at most `limit` open invoices whose time ran out, each with a failed deposit and its event, once.
/// Answers how many were ended.
///
/// # Errors
/// The database's.
pub fn expire_due_invoices(
    tx: &mut Tx<'_>,
    act: &ActContext,
    limit: i64,
) -> Result<usize, StoreError> {
    let due = tx.query(DUE.on(tx.dialect()), params![micros(act.now), limit])?;
    let mut ended = 0;
    for due in &due {
        let Some(invoice) = row::by_id(tx, due.bytes16(0)?)? else {
            continue;
        };
        let Transition::To(state) = transition(invoice.state, Input::RunOut) else {
            continue;
        };
        let changed = tx.execute(
            "UPDATE invoice SET state = $1, updated_at = $2 WHERE id = $3 AND state = 'open'",
            params![state.name(), micros(act.now), invoice.id.to_bytes()],
        )?;
        if changed == 1 {
            tell_expired(tx, act, invoice)?;
            ended += 1;
        }
    }
    Ok(ended)
}

fn tell_expired(tx: &mut Tx<'_>, act: &ActContext, invoice: Invoice) -> Result<(), StoreError> {
    let earlier = super::deposit::latest_of(invoice.state);
    let input = deposit::state::Input::RunOut;
    let deposit::state::Transition::Write(state) = deposit::state::transition(earlier, input)
    else {
        return Ok(());
    };
    let deposit = Deposit {
        id: act.ids.fresh(),
        account_id: invoice.account_id,
        invoice_id: Some(invoice.id),
        payment_hash: invoice.payment_hash,
        bolt11: invoice.bolt11,
        amount_msat: invoice.amount_msat.unwrap_or(Msat::ZERO),
        platform_fee_msat: Msat::ZERO,
        state,
        metadata: invoice.metadata,
        posting_id: None,
        created_at: act.now,
        updated_at: act.now,
    };
    super::deposit::insert(tx, &deposit, None)?;
    let subject = EventSubject::Deposit(Box::new(deposit));
    outbox::tell(tx, act, EventKind::DepositLightningFailed, subject)
}
