//! Event names, subjects and failure reasons (contract sections 3 to 5 and 7).
//!
//! The sets are closed; a client tells events apart by their subject alone.

use crate::string_enum::string_enum;

/// The event name under which every answer and every later event is sent.
pub const EVENT_CHANNEL: &str = "executionEvents";

string_enum! {
    /// What an event is about.
    Subject, "subject", {
        /// A Lightning withdrawal has been accepted.
        WithdrawalCreated = "execution.withdrawal.lightspark.created",
        /// A Lightning withdrawal has been paid (extension).
        WithdrawalCompleted = "execution.withdrawal.lightspark.completed",
        /// A Lightning withdrawal has failed (extension).
        WithdrawalFailed = "execution.withdrawal.lightspark.failed",
        /// A command could not be carried out.
        WithdrawalError = "execution.withdrawal.lightspark.error",
        /// The arguments of a command cannot be taken.
        PreChecksError = "preChecksError",
        /// An invoice has been made.
        InvoiceCreated = "execution.invoice.created",
        /// All invoices.
        InvoicesSnapshot = "lightspark.invoices.snapshot",
        /// The balances.
        BalancesSnapshot = "account.balances.snapshot",
    }
}

impl Subject {
    /// The topic: the first segment of the subject; `execution` for `preChecksError`, which has
    /// none.
    #[must_use]
    pub fn topic(self) -> &'static str {
        self.as_str()
            .split_once('.')
            .map_or("execution", |(topic, _)| topic)
    }
}

string_enum! {
    /// Why a Lightning withdrawal failed: the payment failure reasons of Lightspark.
    FailureReason, "failure reason", {
        /// No reason.
        None = "NONE",
        /// No result within the time allowed.
        Timeout = "TIMEOUT",
        /// No route with enough liquidity within the fee limit.
        NoRoute = "NO_ROUTE",
        /// Any other failure.
        Error = "ERROR",
        /// The recipient does not know the payment hash, secret or amount.
        IncorrectPaymentDetails = "INCORRECT_PAYMENT_DETAILS",
        /// The node has too little outbound liquidity.
        InsufficientBalance = "INSUFFICIENT_BALANCE",
        /// The invoice has been paid already.
        InvoiceAlreadyPaid = "INVOICE_ALREADY_PAID",
        /// The payer is the recipient.
        SelfPayment = "SELF_PAYMENT",
        /// The invoice has expired.
        InvoiceExpired = "INVOICE_EXPIRED",
        /// Refused by a screening of risks.
        RiskScreeningFailed = "RISK_SCREENING_FAILED",
    }
}
