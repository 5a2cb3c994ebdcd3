//! The checks a withdrawal must pass before anything is held.
//!
//! Pure: the invoice's text, what was asked for, and our own network and node. Whether it has expired or was
//! paid before, whether it is an invoice of ours, and what all that an account has comes to, is found in the
//! transaction that holds the money, where the rows are known.

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
    /// It states no amount, and the request names none.
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

/// What a client asks for beside the invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The amount it names; `None` leaves it to the invoice.
    pub amount_msat: Option<Msat>,
    /// Whether all that the account can spend is to go. No amount stands beside it.
    pub send_all: bool,
    /// The most that may go to routing nodes; `None` leaves it to the fee policy.
    pub fee_limit_msat: Option<Msat>,
}

/// All that the account can spend, which is known only where the money is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAll {
    /// What the invoice states; all that there is must come to exactly this then.
    pub stated_msat: Option<Msat>,
    /// The most that may be reserved for routing.
    pub fee_limit_msat: Option<Msat>,
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
    /// Whether the payee is our own node: it is paid in the books, if the invoice is one of ours.
    pub to_ourselves: bool,
    /// What has to be held; the least of it when all is to go.
    pub amounts: Amounts,
    /// Set when all that the account can spend is to go.
    pub send_all: Option<SendAll>,
    /// When the invoice runs out.
    pub expires_at: Timestamp,
}

/// Checks a request to pay `payment_request`.
///
/// # Errors
/// [`RequestWithdrawalError`].
pub fn check(
    terms: &Terms,
    payment_request: &str,
    asked: &Asked,
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
    let stated_msat = stated_amount(&invoice)?;
    let destination = invoice.get_payee_pub_key();
    let to_ourselves = destination == terms.node_id;
    // What stays in the books takes no route.
    let fee_limit_msat = if to_ourselves {
        Some(Msat::ZERO)
    } else {
        asked.fee_limit_msat
    };
    let send_all = asked.send_all.then_some(SendAll {
        stated_msat,
        fee_limit_msat,
    });
    let amount_msat = match (stated_msat, asked.amount_msat) {
        (Some(stated_msat), requested_msat) => agreed(stated_msat, requested_msat)?,
        (None, Some(requested_msat)) if !requested_msat.is_zero() => requested_msat,
        (None, None) if asked.send_all => LEAST,
        (None, _) => return Err(RequestWithdrawalError::Amountless),
    };
    let amounts = terms
        .fees
        .withdrawal_within(amount_msat, fee_limit_msat)
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
        to_ourselves,
        amounts,
        send_all,
        expires_at,
    })
}

/// The least that can be paid.
const LEAST: Msat = match Msat::new(1) {
    Ok(least) => least,
    Err(_) => Msat::ZERO,
};

/// What has to be named beside `bolt11` to pay `amount_msat`: nothing, when the invoice states its amount.
pub fn amount_beside(bolt11: &str, amount_msat: Msat) -> Option<Msat> {
    let invoice = Bolt11Invoice::from_str(bolt11).ok()?;
    invoice
        .amount_milli_satoshis()
        .is_none()
        .then_some(amount_msat)
}

fn payment_hash_of(invoice: &Bolt11Invoice) -> [u8; 32] {
    use bitcoin::hashes::Hash;
    invoice.payment_hash().to_byte_array()
}

/// What the invoice states; an invoice over nothing states nothing.
fn stated_amount(invoice: &Bolt11Invoice) -> Result<Option<Msat>, RequestWithdrawalError> {
    let stated = invoice.amount_milli_satoshis().map(Msat::from_unsigned);
    match stated.transpose() {
        Ok(Some(stated_msat)) if stated_msat.is_zero() => Err(RequestWithdrawalError::Amountless),
        Ok(stated_msat) => Ok(stated_msat),
        Err(_) => Err(RequestWithdrawalError::AmountTooLarge),
    }
}

fn agreed(
    invoice_msat: Msat,
    requested_msat: Option<Msat>,
) -> Result<Msat, RequestWithdrawalError> {
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
        _ => Ok(invoice_msat),
    }
}

#[cfg(test)]
mod tests;
