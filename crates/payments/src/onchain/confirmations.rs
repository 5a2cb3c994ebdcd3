//! [`ConfirmationPolicy`]: how deep a deposit must be in the chain before it is credited.
//!
//! What counts is all that one transaction brings: ten small outputs are as good a reason to rewrite the chain as one
//! large one.

use money::Msat;

/// Blocks that must stand on a reward before it can be spent (consensus).
const COINBASE_MATURITY: u32 = 100;

/// One step of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    below_sat: i64,
    confirmations: u32,
}

/// How many confirmations a deposit needs, by amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmationPolicy {
    steps: [Step; 2],
    above: u32,
}

impl Default for ConfirmationPolicy {
    /// 1 below 1 million sat, 3 below 10 million, 6 above.
    fn default() -> Self {
        Self {
            steps: [
                Step {
                    below_sat: 1_000_000,
                    confirmations: 1,
                },
                Step {
                    below_sat: 10_000_000,
                    confirmations: 3,
                },
            ],
            above: 6,
        }
    }
}

impl ConfirmationPolicy {
    /// Other numbers for the same amounts; `None` unless each is at least 1 and at least the one before.
    pub fn new(small: u32, medium: u32, large: u32) -> Option<Self> {
        if small == 0 || medium < small || large < medium {
            return None;
        }
        let mut policy = Self::default();
        policy.steps[0].confirmations = small;
        policy.steps[1].confirmations = medium;
        policy.above = large;
        Some(policy)
    }

    /// How many confirmations a transaction needs that brings `total_msat` to addresses of ours.
    pub fn required(&self, total_msat: Msat, is_coinbase: bool) -> u32 {
        let step = self
            .steps
            .iter()
            .find(|step| total_msat.floor_sat() < step.below_sat);
        let by_amount = step.map_or(self.above, |step| step.confirmations);
        if is_coinbase {
            by_amount.max(COINBASE_MATURITY)
        } else {
            by_amount
        }
    }

    /// The most that it asks for.
    pub const fn deepest(&self) -> u32 {
        self.above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_money_waits_longer() {
        let policy = ConfirmationPolicy::default();
        let required = |sat| policy.required(Msat::from_sat(sat).expect("an amount"), false);
        assert_eq!(required(1), 1);
        assert_eq!(required(999_999), 1);
        assert_eq!(required(1_000_000), 3);
        assert_eq!(required(9_999_999), 3);
        assert_eq!(required(10_000_000), 6);
        assert_eq!(policy.required(Msat::ZERO, true), 100);
    }

    #[test]
    fn a_policy_never_asks_less_for_more() {
        assert_eq!(ConfirmationPolicy::new(0, 1, 1), None);
        assert_eq!(ConfirmationPolicy::new(2, 1, 6), None);
        assert_eq!(ConfirmationPolicy::new(2, 3, 2), None);
        let policy = ConfirmationPolicy::new(2, 2, 9).expect("a policy");
        assert_eq!(policy.deepest(), 9);
        assert_eq!(
            ConfirmationPolicy::new(1, 3, 6),
            Some(ConfirmationPolicy::default())
        );
    }
}
