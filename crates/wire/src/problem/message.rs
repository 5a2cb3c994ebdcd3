//! The sentence that a client reads: what is wrong, and what to do.
//!
//! It must never quote what the client sent at length, nor anything internal.

use super::Problem;
use crate::number::Sats;

/// How much of a name that the client made up is shown, in characters.
const SHOWN_CHARS: usize = 64;

impl Problem {
    /// The message: one or two sentences that say what is wrong and what to do.
    #[must_use]
    pub fn message(&self) -> String {
        self.request_message()
            .or_else(|| self.access_message())
            .or_else(|| self.invoice_message())
            .or_else(|| self.payment_message())
            .or_else(|| self.node_message())
            .unwrap_or_else(|| {
                "Something went wrong on the server. Ask for the state of the object before you \
             try again."
                    .to_owned()
            })
    }

    /// The message of a problem with the call itself.
    fn request_message(&self) -> Option<String> {
        Some(match self {
            Self::AuthenticationRequired => {
                "No API key provided. Send it in the header 'Authorization: Bearer <api key>'."
                    .to_owned()
            }
            Self::InvalidApiKey => {
                "Invalid API key provided. Check that it is complete and has not been revoked."
                    .to_owned()
            }
            Self::Forbidden { scope } => {
                format!("This API key lacks the permission {scope}. Use a key that has it.")
            }
            Self::NotFound { what } => {
                format!("There is no such {what}. Check the id and the path.")
            }
            Self::MethodNotAllowed => {
                "This path does not take this method. Check the method.".to_owned()
            }
            Self::UnsupportedMediaType => {
                "The body must be JSON. Send the header 'Content-Type: application/json'."
                    .to_owned()
            }
            Self::MalformedJson { line, column } => format!(
                "The body is not a JSON object (line {line}, column {column}). Send valid JSON."
            ),
            Self::BodyTooLarge { limit_bytes } => {
                format!("The body is too large. Send at most {limit_bytes} bytes.")
            }
            Self::MissingParameter { name } => format!("Missing required parameter: {name}"),
            Self::InvalidParameter { name, why } => format!("Invalid parameter {name}: {why}."),
            Self::TooManyArguments { expected, found } => format!(
                "The command takes {expected} arguments and got {found}. Leave the others out."
            ),
            Self::ClientIdLength { length: 0 } => {
                "ClientId must not be empty. Use 1 to 36 characters.".to_owned()
            }
            Self::ClientIdLength { length } => {
                format!("ClientId must be at most 36 characters; it has {length}.")
            }
            Self::IdempotencyKeyReused => {
                "This idempotency key or ClientId was used before with another request. Use a \
                 new one for a new request."
                    .to_owned()
            }
            Self::WebhookUrlForbidden { why } => {
                format!("The webhook URL cannot be used: {why}. Use a public https URL.")
            }
            Self::WebhookDisabled => {
                "The webhook is disabled. Resume it first, and then send again.".to_owned()
            }
            Self::UnknownEvent { name } => {
                let shown: String = name.chars().take(SHOWN_CHARS).collect();
                format!("There is no event {shown:?}. Use the names of the documentation.")
            }
            Self::RateLimited {
                retry_after_seconds,
            } => {
                format!("Too many requests. Try again in {retry_after_seconds} s.")
            }
            Self::AlreadyExists { what } => {
                format!("This {what} already exists. Choose another name.")
            }
            Self::Timeout => "The server is busy and gave up waiting. Ask for the state of the \
                              object before you try again."
                .to_owned(),
            _ => return None,
        })
    }

    /// The message of a problem with who calls, from where, and whether it may.
    fn access_message(&self) -> Option<String> {
        Some(match self {
            Self::InvalidLogin => {
                "The name or the password is wrong, or the session has ended. Sign in again.".to_owned()
            }
            Self::CsrfTokenRequired => {
                "Send the session's csrf_token in the header X-CSRF-Token.".to_owned()
            }
            Self::AddressForbidden => {
                "This API key may not be used from this address. Call from an address that it allows."
                    .to_owned()
            }
            Self::AccountNotEmpty => {
                "The account holds money or has payments under way. Empty it first.".to_owned()
            }
            Self::AccountClosed => "The account is closed. Use another one.".to_owned(),
            Self::AlreadyDecided => {
                "The withdrawal does not wait for an approval. Ask for its state.".to_owned()
            }
            Self::OwnRequest => "The key that asked for a withdrawal may not approve it. Use \
                                 another key."
                .to_owned(),
            _ => return None,
        })
    }

    /// The message of a problem with an invoice that is to be paid.
    fn invoice_message(&self) -> Option<String> {
        Some(match self {
            Self::InvalidInvoice { why } => {
                format!("The payment request is not a valid BOLT11 invoice: {why}. Copy it again.")
            }
            Self::WrongNetwork { expected, found } => format!(
                "The destination is for {found}, and this server is on {expected}. Ask for one \
                 on {expected}."
            ),
            Self::InvoiceExpired => {
                "The invoice has expired. Ask the recipient for a new one.".to_owned()
            }
            Self::AmountlessInvoice => {
                "The invoice has no amount. Send one beside it, or ask the recipient for an invoice \
                 with an amount."
                    .to_owned()
            }
            Self::AmountMismatch {
                invoice_msat,
                requested_msat,
            } => format!(
                "The invoice is for {} sats and the request for {} sats. Send the amount of the \
                 invoice.",
                sats(*invoice_msat),
                sats(*requested_msat)
            ),
            Self::DestinationForbidden => {
                "This API key may not pay this destination. Use one that it allows, or another key."
                    .to_owned()
            }
            Self::UnknownInvoice => {
                "The invoice names this server as its payee, and this server does not know it. Ask \
                 the recipient for a new one."
                    .to_owned()
            }
            Self::ForgedInvoice => {
                "The invoice carries the payment hash of an invoice of this server, and is not that \
                 invoice. Do not pay it; ask the recipient for a new one."
                    .to_owned()
            }
            Self::EarlierAttemptEnding => {
                "An earlier payment of this invoice failed a moment ago and is being concluded. \
                 Send the request again in a minute."
                    .to_owned()
            }
            Self::AlreadyPaid => {
                "The invoice has been paid already. Ask the recipient for a new one.".to_owned()
            }
            Self::PaymentInProgress => {
                "A payment of this invoice is in progress. Wait for its result.".to_owned()
            }
            _ => return None,
        })
    }

    /// The message of a problem with a payment.
    fn payment_message(&self) -> Option<String> {
        Some(match self {
            Self::PaymentNotHeld => "No payment of this hash is held. Pay an invoice with the \
                                     behaviour hang, and wait until it has arrived."
                .to_owned(),
            Self::AmountTooSmall { minimum_msat } => {
                format!(
                    "The amount is too small. Send at least {} sats.",
                    sats(*minimum_msat)
                )
            }
            Self::AmountTooLarge { maximum_msat } => {
                format!(
                    "The amount is too large. Send at most {} sats.",
                    sats(*maximum_msat)
                )
            }
            Self::LimitReached { limit_msat } => format!(
                "This would exceed the limit of {} sats. Wait, or ask the operator to raise it.",
                sats(*limit_msat)
            ),
            Self::InsufficientFunds {
                available_msat,
                required_msat,
            } => format!(
                "Insufficient funds: {} sats are needed with the fee reserve, and {} sats are \
                 available. Deposit more or send less.",
                sats(*required_msat),
                sats(*available_msat)
            ),
            Self::DestinationUnavailable { why } => {
                format!("The destination cannot be paid now: {why}. Try again later.")
            }
            Self::DepositDisputed => {
                "The block of a deposit of this account has left the chain. Try again when the deposit is in a \
                 block again."
                    .to_owned()
            }
            Self::AlreadyAssigned => {
                "This money has been assigned to an account already. List what is assigned to see \
                 to which."
                    .to_owned()
            }
            Self::RailUnavailable { rail } => {
                format!("The {rail} node is not ready. Try again in a minute.")
            }
            Self::ReadOnly => "The server is in read-only mode and moves no money. Try again \
                               when the operator has ended it."
                .to_owned(),
            Self::BooksDiffer { differences } => format!(
                "The books and the Lightning node differ in {differences} points, so money stays \
                 halted. See GET /admin/v1/reconciliation."
            ),
            Self::FiatUnavailable { currency } => format!(
                "This server has no exchange rate for {currency}. Send the amount in sats or btc."
            ),
            _ => return None,
        })
    }

    /// The message of a problem with what the operator asks of the node.
    fn node_message(&self) -> Option<String> {
        Some(match self {
            Self::NodeElsewhere { holder } => {
                let shown: String = holder.chars().take(SHOWN_CHARS).collect();
                format!(
                    "The Lightning node runs in another process ({shown}). Send this to that process."
                )
            }
            Self::PeerUnreachable => "The peer does not answer there. Check its key, host and \
                                      port, and whether it is up."
                .to_owned(),
            Self::NodeFundsTooLow { spendable_sats } => format!(
                "The node's on-chain wallet may spend {spendable_sats} sats, and a channel takes its \
                 amount, a fee and 25,000 sats of reserve. Send coins to a fresh address (leyden node \
                 address) or open a smaller one."
            ),
            Self::NodeRefused => "The Lightning node or its peer refused. See the log for the reason, \
                                  and look at the channels before you try again (leyden node status)."
                .to_owned(),
            _ => return None,
        })
    }
}

fn sats(amount_msat: i64) -> Sats {
    Sats::from_msat(amount_msat)
}
