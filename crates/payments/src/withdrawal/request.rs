//! The checks a withdrawal must pass before anything is held.
//!
//! Pure: the invoice's text, what was asked for, and our own network and node. Whether it has expired or was
//! paid before is checked in the transaction that holds the money, where the earlier attempt is known.

use std::str::FromStr;

use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use ledger::postings::withdrawal::Amounts;
use lightning_invoice::Bolt11Invoice;
use money::Msat;

use crate::fee_policy::FeePolicy;
use crate::network::Network;
use crate::payment_hash::PaymentHash;

/// Why a withdrawal cannot be made from this invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestWithdrawalError {
    /// The text is no BOLT 11 invoice: its form, checksum or signature is wrong.
    #[error("the text is not a valid BOLT 11 invoice")]
    InvalidInvoice,
    /// It is for another network.
    #[error("the invoice is for {found}, this server runs on {expected}")]
    WrongNetwork {
        /// Ours.
        expected: Network,
        /// The invoice's.
        found: &'static str,
    },
    /// It states no amount.
    #[error("the invoice states no amount")]
    Amountless,
    /// It states another amount than the request.
    #[error("the invoice is for {invoice_msat}, the request is for {requested_msat}")]
    AmountMismatch {
        /// The invoice's.
        invoice_msat: Msat,
        /// The request's.
        requested_msat: Msat,
    },
    /// The amount, with its fees, is more than there can be.
    #[error("the amount is too large")]
    AmountTooLarge,
    /// It was made by our own node.
    #[error("the invoice was made by this server")]
    OwnInvoice,
}

/// What the checks are made against.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The network this server runs on.
    pub network: Network,
    /// Our node's public key.
    pub node_id: PublicKey,
    /// The fees.
    pub fees: FeePolicy,
}

/// A withdrawal that passed the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWithdrawal {
    /// The invoice, in lower case.
    pub bolt11: String,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// The payee's node.
    pub destination: PublicKey,
    /// What has to be held.
    pub amounts: Amounts,
    /// When the invoice runs out.
    pub expires_at: Timestamp,
}

/// Checks a request to pay `payment_request`; `requested_msat` is the amount the client named beside it.
///
/// # Errors
/// [`RequestWithdrawalError`].
pub fn check(
    terms: &Terms,
    payment_request: &str,
    requested_msat: Option<Msat>,
) -> Result<NewWithdrawal, RequestWithdrawalError> {
    let bolt11 = payment_request.trim().to_ascii_lowercase();
    let bolt11 = bolt11
        .strip_prefix("lightning:")
        .unwrap_or(&bolt11)
        .to_owned();
    // Parsing checks the checksum, the required fields and the signature (BOLT 11 "Requirements").
    let invoice =
        Bolt11Invoice::from_str(&bolt11).map_err(|_| RequestWithdrawalError::InvalidInvoice)?;
    let found = Network::of_currency(&invoice.currency());
    if found != Some(terms.network) {
        return Err(RequestWithdrawalError::WrongNetwork {
            expected: terms.network,
            found: found.map_or("simnet", Network::name),
        });
    }
    let amount_msat = amount_of(&invoice, requested_msat)?;
    let destination = invoice.get_payee_pub_key();
    if destination == terms.node_id {
        return Err(RequestWithdrawalError::OwnInvoice);
    }
    let amounts = terms
        .fees
        .withdrawal(amount_msat)
        .map_err(|_| RequestWithdrawalError::AmountTooLarge)?;
    let expires_at = invoice
        .expires_at()
        .and_then(|since_epoch| i64::try_from(since_epoch.as_secs()).ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX);
    let payment_hash = PaymentHash::from_bytes(payment_hash_of(&invoice));
    Ok(NewWithdrawal {
        bolt11,
        payment_hash,
        destination,
        amounts,
        expires_at,
    })
}

fn payment_hash_of(invoice: &Bolt11Invoice) -> [u8; 32] {
    use bitcoin::hashes::Hash;
    invoice.payment_hash().to_byte_array()
}

fn amount_of(
    invoice: &Bolt11Invoice,
    requested_msat: Option<Msat>,
) -> Result<Msat, RequestWithdrawalError> {
    let stated = invoice
        .amount_milli_satoshis()
        .ok_or(RequestWithdrawalError::Amountless)?;
    let invoice_msat =
        Msat::from_unsigned(stated).map_err(|_| RequestWithdrawalError::AmountTooLarge)?;
    match requested_msat {
        // A client that counts in satoshis names a started one for an invoice with a fraction.
        Some(requested_msat)
            if requested_msat != invoice_msat
                && requested_msat.get() != invoice_msat.ceil_sat() * money::MSAT_PER_SAT =>
        {
            Err(RequestWithdrawalError::AmountMismatch {
                invoice_msat,
                requested_msat,
            })
        }
        _ if invoice_msat.is_zero() => Err(RequestWithdrawalError::Amountless),
        _ => Ok(invoice_msat),
    }
}

#[cfg(test)]
mod tests;
