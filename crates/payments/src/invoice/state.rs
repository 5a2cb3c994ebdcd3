//! The state machine of an invoice: one pure function.
//!
//! ```text
//! Open ── paid, from outside or by another account ──▶ Settled
//!   └──── its time ran out ──▶ Expired ── late money ────▲
//! ```
//! Money that comes for an invoice that is settled is not the invoice's: it goes to suspense, never back and never
//! to the customer twice.

use super::InvoiceState;

/// What can happen to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Our node has claimed money for it.
    Receive,
    /// An account of this server pays it in the books.
    PayInternally,
    /// Its time ran out.
    RunOut,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 3] = [Self::Receive, Self::PayInternally, Self::RunOut];

    /// What it is called in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::PayInternally => "pay internally",
            Self::RunOut => "run out",
        }
    }
}

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The state changes to this one.
    To(InvoiceState),
    /// The money is somebody's, and not this invoice's any more: book it to suspense, if it is not booked yet.
    Suspense,
    /// Nothing changes: it had ended before.
    AlreadyApplied,
    /// It cannot be paid so: the payer keeps the money.
    Refused,
}

/// Where `input` leads from `state`.
pub const fn transition(state: InvoiceState, input: Input) -> Transition {
    use InvoiceState::{Expired, Open, Settled};
    match (state, input) {
        (Open, Input::Receive | Input::PayInternally) | (Expired, Input::Receive) => {
            Transition::To(Settled)
        }
        (Open, Input::RunOut) => Transition::To(Expired),
        (Settled, Input::Receive) => Transition::Suspense,
        (Settled | Expired, Input::PayInternally) => Transition::Refused,
        (Settled | Expired, Input::RunOut) => Transition::AlreadyApplied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_input_as_the_table_says() {
        use InvoiceState::{Expired, Open, Settled};
        let table = [
            (Open, Input::Receive, Transition::To(Settled)),
            (Open, Input::PayInternally, Transition::To(Settled)),
            (Open, Input::RunOut, Transition::To(Expired)),
            (Settled, Input::Receive, Transition::Suspense),
            (Settled, Input::PayInternally, Transition::Refused),
            (Settled, Input::RunOut, Transition::AlreadyApplied),
            (Expired, Input::Receive, Transition::To(Settled)),
            (Expired, Input::PayInternally, Transition::Refused),
            (Expired, Input::RunOut, Transition::AlreadyApplied),
        ];
        assert_eq!(table.len(), InvoiceState::ALL.len() * Input::ALL.len());
        for (state, input, expected) in table {
            assert_eq!(transition(state, input), expected, "{state:?} {input:?}");
        }
    }
}
