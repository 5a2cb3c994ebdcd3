//! The state machine of a deposit: one pure function.
//!
//! A deposit is written when it ends, so both states are final, and an invoice has at most one deposit in each: the
//! failed one of the time that ran out, and the settled one of the money that came, also late.

use super::DepositState;

/// What can happen to the deposit of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Its money is credited.
    Credit,
    /// Its invoice ran out unpaid.
    RunOut,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 2] = [Self::Credit, Self::RunOut];

    /// What it is called in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::RunOut => "run out",
        }
    }
}

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A deposit is written in this state.
    Write(DepositState),
    /// Nothing is written: it was before.
    AlreadyApplied,
    /// Nothing is written: money that was credited does not fail.
    Refused,
}

/// What `input` does when the invoice's latest deposit is `earlier`; `None` when it has none.
pub const fn transition(earlier: Option<DepositState>, input: Input) -> Transition {
    match (earlier, input) {
        (None | Some(DepositState::Failed), Input::Credit) => {
            Transition::Write(DepositState::Settled)
        }
        (None, Input::RunOut) => Transition::Write(DepositState::Failed),
        (Some(DepositState::Settled), Input::Credit)
        | (Some(DepositState::Failed), Input::RunOut) => Transition::AlreadyApplied,
        (Some(DepositState::Settled), Input::RunOut) => Transition::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_input_as_the_table_says() {
        use DepositState::{Failed, Settled};
        let table = [
            (None, Input::Credit, Transition::Write(Settled)),
            (None, Input::RunOut, Transition::Write(Failed)),
            (Some(Settled), Input::Credit, Transition::AlreadyApplied),
            (Some(Settled), Input::RunOut, Transition::Refused),
            (Some(Failed), Input::Credit, Transition::Write(Settled)),
            (Some(Failed), Input::RunOut, Transition::AlreadyApplied),
        ];
        assert_eq!(
            table.len(),
            (DepositState::ALL.len() + 1) * Input::ALL.len()
        );
        for (earlier, input, expected) in table {
            assert_eq!(
                transition(earlier, input),
                expected,
                "{earlier:?} {input:?}"
            );
        }
    }
}
