//! The arguments of hub commands, read from raw JSON (contract section 2).
//!
//! The documentation shows two calling forms, positional and one array; both mean the same. A
//! wrong argument must never fail the invocation: it becomes an event that names the argument.

use serde_json::value::RawValue;

use crate::Problem;
use crate::fields::{invalid, missing, without_nul};

/// The longest `ClientId`, in UTF-16 units as .NET counts.
const MAX_CLIENT_ID_UNITS: usize = 36;

/// The arguments of `WithdrawLightning`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawLightningArguments {
    /// The client's own id of the command, 1 to 36 UTF-16 units.
    pub client_id: String,
    /// The BOLT 11 invoice, not blank. The contract calls it `PaymentRequestHash`.
    pub payment_request: String,
}

impl WithdrawLightningArguments {
    /// Reads the arguments in either calling form.
    ///
    /// # Errors
    ///
    /// [`Problem::MissingParameter`], [`Problem::InvalidParameter`], [`Problem::ClientIdLength`]
    /// or [`Problem::TooManyArguments`], for the first argument that is wrong.
    pub fn parse(arguments: &[&RawValue]) -> Result<Self, Problem> {
        let spread = spread(arguments);
        let client_id = string(spread.first().copied(), "ClientId")?;
        check_client_id(&client_id)?;
        let payment_request = string(spread.get(1).copied(), "PaymentRequestHash")?;
        let payment_request = payment_request.trim();
        if payment_request.is_empty() {
            return Err(missing("PaymentRequestHash"));
        }
        if spread.len() > 2 {
            return Err(Problem::TooManyArguments {
                expected: 2,
                found: spread.len(),
            });
        }
        Ok(Self {
            client_id,
            payment_request: payment_request.to_owned(),
        })
    }
}

/// The `clientId` of an error event about arguments that cannot be taken: what was sent as the
/// first argument if it is a string, cut to 36 UTF-16 units, else nothing.
#[must_use]
pub fn client_id_of(arguments: &[&RawValue]) -> String {
    let first = spread(arguments)
        .first()
        .copied()
        .and_then(|raw| string(Some(raw), "").ok());
    let mut units = 0;
    let within = |letter: &char| {
        units += letter.len_utf16();
        units <= MAX_CLIENT_ID_UNITS
    };
    first
        .unwrap_or_default()
        .chars()
        .take_while(within)
        .collect()
}

/// Checks the length of a `ClientId`: 1 to 36 UTF-16 units, as .NET counts.
///
/// # Errors
///
/// [`Problem::ClientIdLength`] with the length that was found.
pub fn check_client_id(client_id: &str) -> Result<(), Problem> {
    let length = client_id.encode_utf16().count();
    if (1..=MAX_CLIENT_ID_UNITS).contains(&length) {
        Ok(())
    } else {
        Err(Problem::ClientIdLength { length })
    }
}

/// The arguments without the array around them. No command takes an array as its first argument,
/// so a single array can only be the second calling form.
fn spread<'a>(arguments: &[&'a RawValue]) -> Vec<&'a RawValue> {
    match arguments {
        [one] => serde_json::from_str(one.get()).unwrap_or_else(|_| vec![*one]),
        many => many.to_vec(),
    }
}

fn string(argument: Option<&RawValue>, name: &'static str) -> Result<String, Problem> {
    match argument.map(RawValue::get) {
        None | Some("null") => Err(missing(name)),
        Some(text) => {
            let text =
                serde_json::from_str(text).map_err(|_| invalid(name, "it must be a string"))?;
            without_nul(name, text)
        }
    }
}
