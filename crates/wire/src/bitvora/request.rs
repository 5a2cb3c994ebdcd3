//! Request bodies, read from their bytes (contract sections 3.5 to 3.10).
//!
//! Unknown fields are ignored, and every problem names its field. Amounts are never read through a
//! float.

use super::names::Currency;
use crate::decimal::{Decimal, DecimalError};
use crate::fields::{Fields, invalid, missing};
use crate::{Metadata, Problem};

/// The most that a request may name: 21 million bitcoin, in millisatoshis.
pub const MAX_AMOUNT_MSAT: i64 = 2_100_000_000_000_000_000;

/// The amount of a request, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedAmount {
    /// An amount in `sats` or `btc`, 1 to [`MAX_AMOUNT_MSAT`] millisatoshis.
    Bitcoin {
        /// Millisatoshis.
        amount_msat: i64,
    },
    /// An amount in a fiat currency, exactly as it was written.
    Fiat {
        /// The currency.
        currency: Currency,
        /// The number of its units, for example 6.99; above zero.
        amount: Decimal,
    },
}

impl RequestedAmount {
    /// The amount where there are no exchange rates.
    ///
    /// # Errors
    ///
    /// [`Problem::FiatUnavailable`] for a fiat currency.
    pub fn bitcoin_msat(self) -> Result<i64, Problem> {
        match self {
            Self::Bitcoin { amount_msat } => Ok(amount_msat),
            Self::Fiat { currency, .. } => Err(Problem::FiatUnavailable {
                currency: currency.as_str().into(),
            }),
        }
    }
}

/// POST `/v1/bitcoin/withdraw/confirm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawRequest {
    /// The amount. Every published client sends one; `None` lets the invoice decide (extension).
    pub amount: Option<RequestedAmount>,
    /// An on-chain address, a BOLT 11 invoice, a Lightning address or an LNURL; not blank.
    pub destination: String,
    /// Whether all that the account can spend is to go; no amount stands beside it then (extension).
    pub send_all: bool,
    /// The most that may go to routing nodes, 0 to [`MAX_AMOUNT_MSAT`] millisatoshis; `None` leaves it to the server
    /// (extension).
    pub fee_limit_msat: Option<i64>,
    /// What the client attaches.
    pub metadata: Metadata,
}

impl WithdrawRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let amount = amount(&fields)?;
        let send_all = fields.flag("send_all")?;
        if send_all && amount.is_some() {
            return Err(invalid("send_all", "it must not stand beside an amount"));
        }
        Ok(Self {
            amount,
            destination: destination(&fields)?,
            send_all,
            fee_limit_msat: fee_limit(&fields)?,
            metadata: fields.metadata()?,
        })
    }
}

/// POST `/v1/bitcoin/withdraw/estimate`: the same as [`WithdrawRequest`], without metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateRequest {
    /// The amount; `None` lets the invoice decide (extension).
    pub amount: Option<RequestedAmount>,
    /// The destination, as in [`WithdrawRequest`].
    pub destination: String,
}

impl EstimateRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            amount: amount(&fields)?,
            destination: destination(&fields)?,
        })
    }
}

/// POST `/v1/bitcoin/deposit/lightning-invoice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightningInvoiceRequest {
    /// The amount.
    pub amount: RequestedAmount,
    /// The description; empty when there is none.
    pub description: String,
    /// How long it can be paid, at least 1; `None` leaves it to the server.
    pub expiry_seconds: Option<u64>,
    /// What the client attaches.
    pub metadata: Metadata,
}

impl LightningInvoiceRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            amount: amount(&fields)?.ok_or_else(|| missing("amount"))?,
            description: fields.string("description")?.unwrap_or_default(),
            expiry_seconds: expiry_seconds(&fields)?,
            metadata: fields.metadata()?,
        })
    }
}

/// POST `/v1/bitcoin/deposit/lightning-address`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightningAddressRequest {
    /// The part before the `@`; `None` asks for a random one.
    pub handle: Option<String>,
    /// The part after the `@`; `None` asks for the default.
    pub domain: Option<String>,
    /// What the client attaches.
    pub metadata: Metadata,
}

impl LightningAddressRequest {
    /// Reads a body, which the PHP client leaves out altogether. Blank counts as absent.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse_optional(body)?;
        let filled = |text: &String| !text.trim().is_empty();
        Ok(Self {
            handle: fields.string("handle")?.filter(filled),
            domain: fields.string("domain")?.filter(filled),
            metadata: fields.metadata()?,
        })
    }
}

/// POST `/v1/bitcoin/deposit/on-chain`. The `address_type` of the PHP client is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChainAddressRequest {
    /// What the client attaches.
    pub metadata: Metadata,
}

impl OnChainAddressRequest {
    /// Reads a body, which may be absent.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            metadata: Fields::parse_optional(body)?.metadata()?,
        })
    }
}

fn destination(fields: &Fields<'_>) -> Result<String, Problem> {
    let text = fields.required_string("destination")?;
    let destination = text.trim();
    if destination.is_empty() {
        Err(missing("destination"))
    } else {
        Ok(destination.to_owned())
    }
}

fn expiry_seconds(fields: &Fields<'_>) -> Result<Option<u64>, Problem> {
    let wrong = || invalid("expiry_seconds", "it must be an integer of at least 1");
    let Some(text) = fields.raw("expiry_seconds")? else {
        return Ok(None);
    };
    let value = Decimal::parse(text)
        .and_then(|value| value.scaled(0))
        .map_err(|_| wrong())?;
    u64::try_from(value)
        .ok()
        .filter(|&value| value > 0)
        .map(Some)
        .ok_or_else(wrong)
}

/// Reads `fee_limit_sats`, a whole number of satoshis.
fn fee_limit(fields: &Fields<'_>) -> Result<Option<i64>, Problem> {
    let wrong = || {
        let why = "it must be a whole number of satoshis, at most 21 million bitcoin";
        invalid("fee_limit_sats", why)
    };
    let Some(text) = fields.raw("fee_limit_sats")? else {
        return Ok(None);
    };
    let sats = Decimal::parse(text)
        .and_then(|value| value.scaled(0))
        .map_err(|_| wrong())?;
    sats.checked_mul(1_000)
        .filter(|limit_msat| (0..=MAX_AMOUNT_MSAT).contains(limit_msat))
        .map(Some)
        .ok_or_else(wrong)
}

/// Reads `amount` with `currency`, or `amount_sats` as older clients send it. Both may be there
/// only if they say the same.
fn amount(fields: &Fields<'_>) -> Result<Option<RequestedAmount>, Problem> {
    let legacy = match fields.raw("amount_sats")? {
        Some(text) => Some(bitcoin("amount_sats", text, 3)?),
        None => None,
    };
    let Some(text) = fields.raw("amount")? else {
        return Ok(legacy);
    };
    let amount = in_currency(text, currency(fields)?)?;
    match legacy {
        Some(legacy) if legacy != amount => {
            Err(invalid("amount_sats", "it must not differ from amount"))
        }
        _ => Ok(Some(amount)),
    }
}

fn currency(fields: &Fields<'_>) -> Result<Currency, Problem> {
    Currency::from_request(&fields.required_string("currency")?).ok_or_else(|| {
        let names: Vec<_> = Currency::all().iter().map(|known| known.as_str()).collect();
        invalid(
            "currency",
            format!("it must be one of {}", names.join(", ")),
        )
    })
}

fn in_currency(text: &str, currency: Currency) -> Result<RequestedAmount, Problem> {
    match currency {
        Currency::Sats => bitcoin("amount", text, 3),
        Currency::Btc => bitcoin("amount", text, 11),
        _ => Ok(RequestedAmount::Fiat {
            currency,
            amount: above_zero("amount", text)?,
        }),
    }
}

fn bitcoin(name: &'static str, text: &str, places: u8) -> Result<RequestedAmount, Problem> {
    let amount_msat = above_zero(name, text)?
        .scaled(places)
        .map_err(|error| refused(name, error))?;
    if amount_msat > MAX_AMOUNT_MSAT {
        return Err(refused(name, DecimalError::TooLarge));
    }
    Ok(RequestedAmount::Bitcoin { amount_msat })
}

fn above_zero(name: &'static str, text: &str) -> Result<Decimal, Problem> {
    let amount = Decimal::parse(text).map_err(|error| refused(name, error))?;
    if amount.is_zero() {
        Err(invalid(name, "it must be above zero"))
    } else {
        Ok(amount)
    }
}

fn refused(name: &'static str, error: DecimalError) -> Problem {
    invalid(name, error.to_string())
}
