//! The closed catalogue of everything that can go wrong for a client.
//!
//! One member has one code, one HTTP status and one message, whichever interface reports it. A
//! message says what to do. It must never hold a secret, an internal error text or a path.

use std::borrow::Cow;

mod message;
mod render;

pub use render::BitvoraError;

/// What kind of failure a problem is; it decides the subject on the hub (Hercle section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request itself cannot be taken: something is missing, malformed or out of range.
    Validation,
    /// The request was understood, and the account, the server or the network says no.
    Operational,
}

/// Declares the catalogue as one table: member, data with a sample, status, code, class.
macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident $({
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $sample:expr,)+
    })? => $status:literal $code:literal $class:ident,)+) => {
        /// Everything that can go wrong for a client.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Problem {
            $($(#[$doc])* $variant $({ $($(#[$field_doc])* $field: $type,)+ })?,)+
        }

        impl Problem {
            /// The stable name of the problem, in lower case with underscores.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)+ }
            }

            /// The HTTP status, also used as `httpStatusCode` on the hub.
            #[must_use]
            pub const fn status(&self) -> u16 {
                match self { $(Self::$variant { .. } => $status,)+ }
            }

            /// What kind of failure it is.
            #[must_use]
            pub const fn class(&self) -> Class {
                match self { $(Self::$variant { .. } => Class::$class,)+ }
            }

            /// One example of every member, for documentation and tests.
            #[must_use]
            pub fn catalogue() -> Vec<Self> {
                vec![$(Self::$variant $({ $($field: $sample,)+ })?,)+]
            }
        }
    };
}

catalogue! {
    /// The call has no API key.
    AuthenticationRequired => 401 "authentication_required" Operational,
    /// The API key is unknown, revoked or expired.
    InvalidApiKey => 401 "invalid_api_key" Operational,
    /// The name or the password of a person is wrong, or the session has ended.
    InvalidLogin => 401 "invalid_login" Operational,
    /// A call with a session's cookie lacks the session's token against forged requests.
    CsrfTokenRequired => 403 "csrf_token_required" Operational,
    /// The API key lacks a permission.
    Forbidden {
        /// The permission that is needed.
        scope: Cow<'static, str> = "withdrawals:write".into(),
    } => 403 "forbidden" Operational,
    /// The API key may not be used from where the call comes from.
    AddressForbidden => 403 "address_forbidden" Operational,
    /// The API key may pay certain destinations only.
    DestinationForbidden => 403 "destination_forbidden" Operational,
    /// No such object, or it belongs to another account.
    NotFound {
        /// The kind of object, for example `invoice`; `path` for an unknown path.
        what: Cow<'static, str> = "invoice".into(),
    } => 404 "not_found" Operational,
    /// The path exists, but not with this method.
    MethodNotAllowed => 405 "method_not_allowed" Validation,
    /// The body is not declared as JSON.
    UnsupportedMediaType => 415 "unsupported_media_type" Validation,
    /// The body is not a JSON object.
    MalformedJson {
        /// Where the reader stopped, from 1; 0 when unknown.
        line: usize = 1,
        /// Where the reader stopped, from 1; 0 when unknown.
        column: usize = 2,
    } => 400 "malformed_json" Validation,
    /// The body is longer than the server reads.
    BodyTooLarge {
        /// The limit in bytes.
        limit_bytes: u64 = 65_536,
    } => 413 "body_too_large" Validation,
    /// A required field or argument is absent.
    MissingParameter {
        /// The name as the contract writes it.
        name: Cow<'static, str> = "destination".into(),
    } => 400 "missing_parameter" Validation,
    /// A field or argument has a value that cannot be taken.
    InvalidParameter {
        /// The name as the contract writes it.
        name: Cow<'static, str> = "amount".into(),
        /// What is wrong, as a clause with `it`.
        why: Cow<'static, str> = "it must be a JSON number".into(),
    } => 400 "invalid_parameter" Validation,
    /// A hub command was called with more arguments than it takes.
    TooManyArguments {
        /// How many it takes.
        expected: usize = 2,
        /// How many came.
        found: usize = 3,
    } => 400 "too_many_arguments" Validation,
    /// `ClientId` is not 1 to 36 UTF-16 units long (Hercle section 2).
    ClientIdLength {
        /// Its length in UTF-16 units.
        length: usize = 37,
    } => 400 "client_id_length" Validation,
    /// The idempotency key, or the `ClientId`, was used before with another request.
    IdempotencyKeyReused => 409 "idempotency_key_reused" Validation,
    /// Not a BOLT 11 invoice: wrong form, checksum or signature.
    InvalidInvoice {
        /// What is wrong, as a clause with `it`.
        why: Cow<'static, str> = "its checksum is wrong".into(),
    } => 400 "invalid_invoice" Validation,
    /// An invoice or address of another Bitcoin network.
    WrongNetwork {
        /// The network of this server.
        expected: Cow<'static, str> = "regtest".into(),
        /// The network of the destination.
        found: Cow<'static, str> = "mainnet".into(),
    } => 400 "wrong_network" Validation,
    /// The invoice can no longer be paid.
    InvoiceExpired => 400 "invoice_expired" Operational,
    /// The invoice names no amount, and the request gives none.
    AmountlessInvoice => 400 "amountless_invoice" Validation,
    /// The amount of the request is not that of the invoice.
    AmountMismatch {
        /// The amount of the invoice.
        invoice_msat: i64 = 21_000,
        /// The amount of the request.
        requested_msat: i64 = 22_000,
    } => 400 "amount_mismatch" Validation,
    /// The invoice names this server's node as its payee, and no invoice of the server is like it.
    UnknownInvoice => 400 "unknown_invoice" Operational,
    /// The invoice carries the payment hash of an invoice of this server, and is another one.
    ForgedInvoice => 400 "forged_invoice" Operational,
    /// The invoice has been paid before.
    AlreadyPaid => 409 "already_paid" Operational,
    /// The invoice was sent before and came back a moment ago; it can be paid again when that is certain.
    EarlierAttemptEnding => 409 "earlier_attempt_ending" Operational,
    /// A payment of the same invoice is under way.
    PaymentInProgress => 409 "payment_in_progress" Operational,
    /// No payment of this hash is held by the sandbox's counterparty.
    PaymentNotHeld => 409 "payment_not_held" Operational,
    /// Below the smallest amount of a payment.
    AmountTooSmall {
        /// The smallest amount.
        minimum_msat: i64 = 1_000,
    } => 400 "amount_too_small" Validation,
    /// Above the largest amount of a payment.
    AmountTooLarge {
        /// The largest amount.
        maximum_msat: i64 = 100_000_000,
    } => 400 "amount_too_large" Validation,
    /// The payment would exceed a limit of the account or the key over a period.
    LimitReached {
        /// The limit over the period.
        limit_msat: i64 = 100_000_000,
    } => 403 "limit_reached" Operational,
    /// The account cannot cover the amount and the fee reserve.
    InsufficientFunds {
        /// What the account can spend.
        available_msat: i64 = 50_000,
        /// The amount and the whole fee reserve.
        required_msat: i64 = 101_500,
    } => 400 "insufficient_funds" Operational,
    /// The block of an on-chain deposit that was credited has left the chain.
    DepositDisputed => 409 "deposit_disputed" Operational,
    /// No route, no answer or no usable data at the destination of a payment.
    DestinationUnavailable {
        /// What went wrong, as a clause.
        why: Cow<'static, str> = "its server did not answer".into(),
    } => 502 "destination_unavailable" Operational,
    /// The chosen name is taken.
    AlreadyExists {
        /// The kind of object, for example `lightning address`.
        what: Cow<'static, str> = "lightning address".into(),
    } => 409 "already_exists" Operational,
    /// The withdrawal does not wait for an approval, or no more.
    AlreadyDecided => 409 "already_decided" Operational,
    /// The API key that asked for a withdrawal may not approve it.
    OwnRequest => 403 "own_request" Operational,
    /// The account holds money, or has payments under way.
    AccountNotEmpty => 409 "account_not_empty" Operational,
    /// The account is closed.
    AccountClosed => 409 "account_closed" Operational,
    /// The money was given to an account before.
    AlreadyAssigned => 409 "already_assigned" Operational,
    /// The node or wallet is not ready.
    RailUnavailable {
        /// `lightning` or `onchain`.
        rail: Cow<'static, str> = "lightning".into(),
    } => 503 "rail_unavailable" Operational,
    /// The operator asked for the node in a process that does not run it.
    NodeElsewhere {
        /// Where it runs, as `host:process`.
        holder: String = "pay-2:4711".to_owned(),
    } => 503 "node_elsewhere" Operational,
    /// A peer of the node does not answer.
    PeerUnreachable => 502 "peer_unreachable" Operational,
    /// The node's own wallet holds too little for a channel, its fee and its reserve.
    NodeFundsTooLow {
        /// What it may spend.
        spendable_sats: u64 = 20_000,
    } => 400 "node_funds_too_low" Operational,
    /// The node, or the peer, does not do what its operator asked.
    NodeRefused => 409 "node_refused" Operational,
    /// Movement of money is stopped until an operator has looked.
    ReadOnly => 503 "read_only" Operational,
    /// The books and the node do not say alike, so money stays halted.
    BooksDiffer {
        /// How many differences nothing explains.
        differences: i64 = 1,
    } => 409 "books_differ" Operational,
    /// A fiat currency, and the server has no rates.
    FiatUnavailable {
        /// The currency of the request, in lower case.
        currency: Cow<'static, str> = "usd".into(),
    } => 400 "currency_unavailable" Validation,
    /// The URL of a webhook may not be called.
    WebhookUrlForbidden {
        /// What is wrong, as a clause with `it`.
        why: Cow<'static, str> = "it must begin with https".into(),
    } => 400 "webhook_url_forbidden" Validation,
    /// The webhook is disabled: it must be resumed before anything is sent again.
    WebhookDisabled => 409 "webhook_disabled" Operational,
    /// An event name that does not exist.
    UnknownEvent {
        /// The name that was given, cut to 64 characters when shown.
        name: String = "deposit.chain.completed".to_owned(),
    } => 400 "unknown_event" Validation,
    /// Too many calls.
    RateLimited {
        /// When to try again.
        retry_after_seconds: u64 = 1,
    } => 429 "rate_limited" Operational,
    /// The request took longer than the server waits.
    Timeout => 503 "timeout" Operational,
    /// A defect of the server; what happened stands in its log.
    Internal => 500 "internal" Operational,
}

impl Problem {
    /// The subject of the event that reports it on the hub (Hercle section 4).
    #[must_use]
    pub const fn hub_subject(&self) -> crate::hercle::Subject {
        match self.class() {
            Class::Validation => crate::hercle::Subject::PreChecksError,
            Class::Operational => crate::hercle::Subject::WithdrawalError,
        }
    }

    /// The value of the `Retry-After` header, in seconds, where there is one.
    #[must_use]
    pub const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited {
                retry_after_seconds,
            } => Some(*retry_after_seconds),
            _ => None,
        }
    }

    /// The field or argument that it is about, where there is one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::MissingParameter { name } | Self::InvalidParameter { name, .. } => Some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
