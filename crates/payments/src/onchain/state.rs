//! The state machine of an on-chain deposit: one pure function.
//!
//! ```text
//! Pending ── confirmed ──▶ Settled ── not in the chain ──▶ Disputed
//!    │ ▲                      ▲ └──────── confirmed ◀────────┘ │
//!    │ └ in a block ┐         │                                │
//!    └ replaced ──▶ Failed ◀──┴───────── double-spent ─────────┘
//! ```
//! A transaction that cannot be found proves nothing: only another one that spends what it spends ends a deposit, and
//! one that is credited only when that other one stands in a block.

/// Where an on-chain deposit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnchainDepositState {
    /// Seen, and not credited: the chain may still take it back.
    Pending,
    /// Credited.
    Settled,
    /// Credited, and then its block left the chain. The account cannot withdraw until it is in a block again.
    Disputed,
    /// Its transaction was replaced or double-spent: what was credited is taken back.
    Failed,
}

impl OnchainDepositState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Settled, Self::Disputed, Self::Failed];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Settled => "settled",
            Self::Disputed => "disputed",
            Self::Failed => "failed",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether its money is in the customer's balance.
    pub const fn is_credited(self) -> bool {
        matches!(self, Self::Settled | Self::Disputed)
    }
}

/// What the chain says of a deposit's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// It waits for a block.
    InMempool,
    /// It is in a block, with too few on top.
    InBlock,
    /// It is in a block that is deep enough.
    Confirmed,
    /// The backend does not know it now, and nothing else spends what it spends.
    Missing,
    /// A transaction that waits for a block spends what it spends.
    Replaced,
    /// A transaction in a block spends what it spends.
    DoubleSpent,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 6] = [
        Self::InMempool,
        Self::InBlock,
        Self::Confirmed,
        Self::Missing,
        Self::Replaced,
        Self::DoubleSpent,
    ];

    /// What it is called in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InMempool => "in the mempool",
            Self::InBlock => "in a block",
            Self::Confirmed => "confirmed",
            Self::Missing => "missing",
            Self::Replaced => "replaced",
            Self::DoubleSpent => "double-spent",
        }
    }
}

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The state changes to this one; the same input is then asked of the new state.
    To(OnchainDepositState),
    /// Nothing changes.
    Unchanged,
}

/// Where `input` leads from `state`; `None` while the deposit is not written.
///
/// Every deposit begins as pending, so that whoever is told of it is told in order.
pub const fn transition(state: Option<OnchainDepositState>, input: Input) -> Transition {
    use OnchainDepositState::{Disputed, Failed, Pending, Settled};
    match (state, input) {
        (None, Input::InMempool | Input::InBlock | Input::Confirmed)
        // What was replaced in the mempool can be mined all the same.
        | (Some(Failed), Input::InBlock | Input::Confirmed) => Transition::To(Pending),
        (Some(Pending | Disputed), Input::Confirmed) => Transition::To(Settled),
        (Some(Settled), Input::InMempool | Input::Missing | Input::Replaced) => {
            Transition::To(Disputed)
        }
        (Some(Pending), Input::Replaced)
        | (Some(Pending | Settled | Disputed), Input::DoubleSpent) => Transition::To(Failed),
        (None, Input::Missing | Input::Replaced | Input::DoubleSpent)
        | (Some(Pending), Input::InMempool | Input::InBlock | Input::Missing)
        | (Some(Settled), Input::InBlock | Input::Confirmed)
        | (
            Some(Disputed),
            Input::InMempool | Input::InBlock | Input::Missing | Input::Replaced,
        )
        | (
            Some(Failed),
            Input::InMempool | Input::Missing | Input::Replaced | Input::DoubleSpent,
        ) => Transition::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Option<OnchainDepositState>; 5] = {
        let [pending, settled, disputed, failed] = OnchainDepositState::ALL;
        [
            None,
            Some(pending),
            Some(settled),
            Some(disputed),
            Some(failed),
        ]
    };

    /// Feeds `input` until nothing changes.
    fn end(mut state: Option<OnchainDepositState>, input: Input) -> Option<OnchainDepositState> {
        for _ in 0..STATES.len() {
            match transition(state, input) {
                Transition::To(next) => state = Some(next),
                Transition::Unchanged => return state,
            }
        }
        panic!("{state:?} never comes to rest on {input:?}");
    }

    #[test]
    fn f1_nothing_is_credited_before_it_is_confirmed() {
        for state in STATES
            .into_iter()
            .filter(|state| !state.is_some_and(|s| s.is_credited()))
        {
            for input in Input::ALL {
                let credited = end(state, input).is_some_and(OnchainDepositState::is_credited);
                assert_eq!(credited, input == Input::Confirmed, "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn f2_a_credit_is_taken_back_only_when_another_transaction_stands_in_a_block() {
        for state in STATES
            .into_iter()
            .filter(|state| state.is_some_and(|s| s.is_credited()))
        {
            for input in Input::ALL {
                let failed = end(state, input) == Some(OnchainDepositState::Failed);
                assert_eq!(failed, input == Input::DoubleSpent, "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn what_the_chain_says_again_changes_nothing_again() {
        for state in STATES {
            for input in Input::ALL {
                let once = end(state, input);
                assert_eq!(end(once, input), once, "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn stored_names_read_back() {
        let names = OnchainDepositState::ALL.map(OnchainDepositState::name);
        assert_eq!(names, ["pending", "settled", "disputed", "failed"]);
        for state in OnchainDepositState::ALL {
            assert_eq!(OnchainDepositState::from_name(state.name()), Some(state));
        }
    }
}
