//! The state machine of a withdrawal: one pure function.
//!
//! ```text
//! Reserved ── dispatch ──▶ Dispatched ── paid ──▶ Settled
//!    ▲ ▲ └──── give up ────▶ Failed ◀── came back ──┘ │
//!    │ └── not sent, or came back: try again ─────────┘
//!    └─ approve ── Unapproved ── reject ──▶ Failed
//! ```
//! `Settled` and `Failed` are final. What the rail says of an attempt never changes a withdrawal that has none under
//! way, except that the payee has the money. Money that went out for a withdrawal that stands as failed is a
//! [`Transition::Contradiction`], which must be booked and raise an alarm, and is never silent.

use money::Msat;

use crate::payment_hash::PaymentPreimage;

/// Where a withdrawal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WithdrawalState {
    /// Its money is held, and it waits until somebody has approved it.
    Unapproved,
    /// Its money is held, and it is certain that nothing is under way on the rail.
    Reserved,
    /// It was given to the rail, or is about to be: the outcome is not known.
    Dispatched,
    /// The payee has the money.
    Settled,
    /// It came back, or was never sent: the hold is released.
    Failed,
}

impl WithdrawalState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Unapproved,
        Self::Reserved,
        Self::Dispatched,
        Self::Settled,
        Self::Failed,
    ];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unapproved => "unapproved",
            Self::Reserved => "reserved",
            Self::Dispatched => "dispatched",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it can change no more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Failed)
    }
}

/// Why a withdrawal failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WithdrawalFailure {
    /// The payee refused it.
    RecipientRejected,
    /// No route with enough room, within the fee reserve.
    NoRoute,
    /// The invoice ran out before it could be sent.
    InvoiceExpired,
    /// The node refuses the invoice.
    InvalidInvoice,
    /// Trying took too long.
    TimedOut,
    /// Somebody who may approve it said no.
    Disapproved,
    /// Anything else.
    Unexpected,
}

impl WithdrawalFailure {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::RecipientRejected,
        Self::NoRoute,
        Self::InvoiceExpired,
        Self::InvalidInvoice,
        Self::TimedOut,
        Self::Disapproved,
        Self::Unexpected,
    ];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecipientRejected => "recipient_rejected",
            Self::NoRoute => "no_route",
            Self::InvoiceExpired => "invoice_expired",
            Self::InvalidInvoice => "invalid_invoice",
            Self::TimedOut => "timed_out",
            Self::Disapproved => "disapproved",
            Self::Unexpected => "unexpected",
        }
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What can happen to a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Somebody who may says yes.
    Approve,
    /// Somebody who may says no.
    Reject,
    /// A dispatcher takes it.
    Dispatch,
    /// The rail proved that nothing was sent: it may be tried again.
    Requeue,
    /// The rail reports that the attempt under way came back: it may be tried again, once that failure is final.
    ComeBack,
    /// The rail says that the payee has the money.
    Settle {
        /// The proof, when there is one.
        preimage: Option<PaymentPreimage>,
        /// What the routing nodes took.
        fee_msat: Msat,
    },
    /// The rail reports that the attempt under way came back, and no other will follow.
    Fail(WithdrawalFailure),
    /// Nothing is under way, which the rail proved, and nothing will be sent any more.
    GiveUp(WithdrawalFailure),
}

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The state changes to this one.
    To(WithdrawalState),
    /// Nothing changes: the input repeats what is already written, or comes too late to matter.
    AlreadyApplied,
    /// The payee has money that stands here as given back: book it, halt, and raise an alarm.
    Contradiction,
    /// The input makes no sense in this state: a fault of the program.
    Refused,
}

/// Where `input` leads from `state`.
pub fn transition(state: WithdrawalState, input: &Input) -> Transition {
    use WithdrawalState::{Dispatched, Failed, Reserved, Settled, Unapproved};
    match (state, input) {
        (Unapproved, Input::Approve) => Transition::To(Reserved),
        (Unapproved, Input::Reject) => Transition::To(Failed),
        (Reserved, Input::Dispatch) => Transition::To(Dispatched),
        (Dispatched, Input::Requeue | Input::ComeBack) => Transition::To(Reserved),
        (Dispatched, Input::Fail(_)) | (Unapproved | Reserved | Dispatched, Input::GiveUp(_)) => {
            Transition::To(Failed)
        }
        // A rail that pays what it proved unsent is wrong, but the payee has the money and the hold covers it.
        (Unapproved | Reserved | Dispatched, Input::Settle { .. }) => Transition::To(Settled),
        // The failure of an attempt that has come back already says nothing about the next one.
        (Unapproved | Reserved, Input::ComeBack | Input::Fail(_)) => Transition::AlreadyApplied,
        // A failure that comes after the success is the late twin of an earlier attempt (ldk-node #1065).
        (Settled, Input::Settle { .. })
        | (Settled | Failed, Input::ComeBack | Input::Fail(_) | Input::GiveUp(_)) => {
            Transition::AlreadyApplied
        }
        (Failed, Input::Settle { .. }) => Transition::Contradiction,
        (Unapproved | Dispatched | Settled | Failed, Input::Dispatch)
        | (Unapproved | Reserved | Settled | Failed, Input::Requeue)
        | (Reserved | Dispatched | Settled | Failed, Input::Approve | Input::Reject) => {
            Transition::Refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_input_as_the_table_says() {
        use WithdrawalState::{Dispatched, Failed, Reserved, Settled, Unapproved};
        let settle = Input::Settle {
            preimage: None,
            fee_msat: Msat::ZERO,
        };
        let fail = Input::Fail(WithdrawalFailure::NoRoute);
        let give_up = Input::GiveUp(WithdrawalFailure::InvoiceExpired);
        let table = [
            (Unapproved, Input::Approve, Transition::To(Reserved)),
            (Unapproved, Input::Reject, Transition::To(Failed)),
            (Unapproved, Input::Dispatch, Transition::Refused),
            (Unapproved, Input::Requeue, Transition::Refused),
            (Unapproved, Input::ComeBack, Transition::AlreadyApplied),
            (Unapproved, settle, Transition::To(Settled)),
            (Unapproved, fail, Transition::AlreadyApplied),
            (Unapproved, give_up, Transition::To(Failed)),
            (Reserved, Input::Approve, Transition::Refused),
            (Reserved, Input::Reject, Transition::Refused),
            (Dispatched, Input::Approve, Transition::Refused),
            (Dispatched, Input::Reject, Transition::Refused),
            (Settled, Input::Approve, Transition::Refused),
            (Settled, Input::Reject, Transition::Refused),
            (Failed, Input::Approve, Transition::Refused),
            (Failed, Input::Reject, Transition::Refused),
            (Reserved, Input::Dispatch, Transition::To(Dispatched)),
            (Reserved, Input::Requeue, Transition::Refused),
            (Reserved, Input::ComeBack, Transition::AlreadyApplied),
            (Reserved, settle, Transition::To(Settled)),
            (Reserved, fail, Transition::AlreadyApplied),
            (Reserved, give_up, Transition::To(Failed)),
            (Dispatched, Input::Dispatch, Transition::Refused),
            (Dispatched, Input::Requeue, Transition::To(Reserved)),
            (Dispatched, Input::ComeBack, Transition::To(Reserved)),
            (Dispatched, settle, Transition::To(Settled)),
            (Dispatched, fail, Transition::To(Failed)),
            (Dispatched, give_up, Transition::To(Failed)),
            (Settled, Input::Dispatch, Transition::Refused),
            (Settled, Input::Requeue, Transition::Refused),
            (Settled, Input::ComeBack, Transition::AlreadyApplied),
            (Settled, settle, Transition::AlreadyApplied),
            (Settled, fail, Transition::AlreadyApplied),
            (Settled, give_up, Transition::AlreadyApplied),
            (Failed, Input::Dispatch, Transition::Refused),
            (Failed, Input::Requeue, Transition::Refused),
            (Failed, Input::ComeBack, Transition::AlreadyApplied),
            (Failed, settle, Transition::Contradiction),
            (Failed, fail, Transition::AlreadyApplied),
            (Failed, give_up, Transition::AlreadyApplied),
        ];
        assert_eq!(table.len(), WithdrawalState::ALL.len() * 8);
        for (state, input, expected) in table {
            assert_eq!(transition(state, &input), expected, "{state:?} {input:?}");
        }
        for state in WithdrawalState::ALL {
            let leads_on =
                |row: &(_, Input, Transition)| row.0 == state && matches!(row.2, Transition::To(_));
            assert_eq!(state.is_final(), !table.iter().any(leads_on), "{state:?}");
        }
    }

    #[test]
    fn stored_names_read_back() {
        for state in WithdrawalState::ALL {
            assert_eq!(WithdrawalState::from_name(state.name()), Some(state));
        }
        for reason in WithdrawalFailure::ALL {
            assert_eq!(WithdrawalFailure::from_name(reason.name()), Some(reason));
        }
    }
}
