//! Who the node is, whether it runs somewhere, and what it was asked.

use bitcoin::secp256k1::PublicKey;
use payments::ids::NodeCommandId;
use payments::payment_hash::PaymentHash;
use payments::ports::RailInvoice;

use crate::acts::node_command::InvoiceAnswer;
use crate::differences::LEASE_HOLDER;
use crate::{StoreError, Tx, params};

/// Who has the node's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// Where it runs, as `host:process`.
    pub holder: String,
    /// Whether the lease lives. On SQLite it never does: the lock on the file stands for it.
    pub is_live: bool,
}

/// The public key of the node that runs on this database; `None` before it ran for the first time.
///
/// # Errors
/// The database's; so for every query here.
pub fn node_key(tx: &mut Tx<'_>, node: &str) -> Result<Option<PublicKey>, StoreError> {
    let row = tx.query_opt(
        "SELECT public_key FROM node_identity WHERE node = $1",
        params![node],
    )?;
    let read = |row: crate::Row| {
        PublicKey::from_slice(row.bytes(0)?).map_err(|_| row.corrupt(0, "a public key"))
    };
    row.map(read).transpose()
}

/// Who has the node's lease, or had it last.
///
/// # Errors
/// See [`node_key`].
pub fn lease_holder(tx: &mut Tx<'_>, node: &str) -> Result<Option<LeaseHolder>, StoreError> {
    let row = tx.query_opt(LEASE_HOLDER.on(tx.dialect()), params![node])?;
    let read = |row: crate::Row| {
        Ok(LeaseHolder {
            holder: row.text(0)?.to_owned(),
            is_live: row.bool(1)?,
        })
    };
    row.map(read).transpose()
}

/// Whether a command waits for the node.
///
/// # Errors
/// See [`node_key`].
pub fn is_command_waiting(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let row = tx.query_opt(
        "SELECT 1 FROM node_command WHERE state = 'waiting' LIMIT 1",
        params![],
    )?;
    Ok(row.is_some())
}

/// The node's answer to a command; `None` while there is none.
///
/// # Errors
/// See [`node_key`].
pub fn answer_to(tx: &mut Tx<'_>, id: NodeCommandId) -> Result<Option<InvoiceAnswer>, StoreError> {
    let row = tx.query_opt(
        "SELECT state, bolt11, payment_hash FROM node_command WHERE id = $1",
        params![id.to_bytes()],
    )?;
    let Some(row) = row else { return Ok(None) };
    match row.text(0)? {
        "waiting" | "claimed" => Ok(None),
        "refused" => Ok(Some(InvoiceAnswer::Refused)),
        "unavailable" => Ok(Some(InvoiceAnswer::Unavailable)),
        "done" => Ok(Some(InvoiceAnswer::Made(RailInvoice {
            bolt11: row.text(1)?.to_owned(),
            payment_hash: PaymentHash::from_bytes(row.bytes32(2)?),
        }))),
        _ => Err(row.corrupt(0, "a state of a command")),
    }
}
