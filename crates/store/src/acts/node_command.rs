//! What other processes ask of the process that runs the node: asked, claimed and answered as rows.
//!
//! Whoever asks waits for a limited time, by the database's clock, and a command that nobody waits for any more is
//! not claimed. One that was claimed just in time may be carried out late, so only what is harmless then may be a
//! command: an invoice that nobody was given cannot be paid. Sending money is none; that is the dispatcher's.

use bitcoin::secp256k1::PublicKey;
use money::Msat;
use payments::ids::NodeCommandId;
use payments::ports::{InvoiceRequest, RailInvoice};

use crate::differences::Statement;
use crate::{Signal, StoreError, Tx, at_database_time, params, rows};

const ASK: Statement = at_database_time!(
    "INSERT INTO node_command (id, kind, state, amount_msat, description, expiry_seconds, expires_at)
     VALUES ($1, 'create_invoice', 'waiting', $2, $3, $4, ",
    " + $5)"
);
const CLAIM: Statement = at_database_time!(
    "UPDATE node_command SET state = 'claimed' WHERE id IN
         (SELECT id FROM node_command WHERE state = 'waiting' AND expires_at > ",
    " ORDER BY id LIMIT $1)
     RETURNING id, amount_msat, description, expiry_seconds"
);
const REOPEN: Statement = at_database_time!(
    "UPDATE node_command SET state = 'waiting' WHERE state = 'claimed' AND expires_at > ",
    ""
);
const FORGET_OLD: Statement = at_database_time!("DELETE FROM node_command WHERE expires_at < ", "");

/// A command to make an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceCommand {
    /// Which.
    pub id: NodeCommandId,
    /// What is asked for.
    pub request: InvoiceRequest,
}

/// What the node said to a command to make an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvoiceAnswer {
    /// It is made.
    Made(RailInvoice),
    /// The node refuses the description or the amount.
    Refused,
    /// The node cannot make one now.
    Unavailable,
}

/// Asks for an invoice; the command lapses after `patience_ms` milliseconds.
///
/// # Errors
/// The database's; so for every act here.
pub fn ask_for_invoice(
    tx: &mut Tx<'_>,
    id: NodeCommandId,
    request: &InvoiceRequest,
    patience_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(
        ASK.on(tx.dialect()),
        params![
            id.to_bytes(),
            request.amount_msat.map(Msat::get),
            request.description.as_str(),
            i64::from(request.expiry_seconds),
            patience_ms
        ],
    )?;
    tx.after_commit(Signal::NodeCommands);
    Ok(())
}

/// Takes at most `limit` commands that somebody still waits for.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn claim_commands(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<InvoiceCommand>, StoreError> {
    let claimed = tx.query(CLAIM.on(tx.dialect()), params![limit])?;
    let read = |row: &crate::Row| {
        let expiry_seconds = u32::try_from(row.int(3)?);
        Ok(InvoiceCommand {
            id: NodeCommandId::from_bytes(row.bytes16(0)?),
            request: InvoiceRequest {
                amount_msat: rows::opt_msat(row, 1)?,
                description: row.text(2)?.to_owned(),
                expiry_seconds: expiry_seconds.map_err(|_| row.corrupt(3, "seconds"))?,
            },
        })
    };
    claimed.iter().map(read).collect()
}

/// Puts back what a process that ran the node before has claimed and not answered. Answers how many.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn reopen_commands(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    tx.execute(REOPEN.on(tx.dialect()), params![])
}

/// Writes the answer to a claimed command. Answers whether anybody can still read it.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn answer_command(
    tx: &mut Tx<'_>,
    id: NodeCommandId,
    answer: &InvoiceAnswer,
) -> Result<bool, StoreError> {
    let (state, made) = match answer {
        InvoiceAnswer::Made(made) => ("done", Some(made)),
        InvoiceAnswer::Refused => ("refused", None),
        InvoiceAnswer::Unavailable => ("unavailable", None),
    };
    let changed = tx.execute(
        "UPDATE node_command SET state = $1, bolt11 = $2, payment_hash = $3
         WHERE id = $4 AND state = 'claimed'",
        params![
            state,
            made.map(|made| made.bolt11.clone()),
            made.map(|made| *made.payment_hash.as_bytes()),
            id.to_bytes()
        ],
    )?;
    tx.after_commit(Signal::NodeAnswers);
    Ok(changed == 1)
}

/// Whoever asked has the answer, or waits no longer.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn forget_command(tx: &mut Tx<'_>, id: NodeCommandId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM node_command WHERE id = $1",
        params![id.to_bytes()],
    )?;
    Ok(())
}

/// Removes what lapsed: whoever asked has died. Answers how many.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn forget_lapsed_commands(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    tx.execute(FORGET_OLD.on(tx.dialect()), params![])
}

/// Writes the public key of the node that runs on this database, once and for all.
///
/// # Errors
/// See [`ask_for_invoice`].
pub fn publish_node(tx: &mut Tx<'_>, node: &str, key: &PublicKey) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO node_identity (node, public_key) VALUES ($1, $2) ON CONFLICT (node) DO NOTHING",
        params![node, key.serialize()],
    )?;
    tx.after_commit(Signal::NodeAnswers);
    Ok(())
}
