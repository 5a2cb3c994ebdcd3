//! What one run gave, and how it is summed up.

use std::time::Duration;

use crate::usage::Spent;

/// The figures of one run.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How many payments were made.
    pub payments: usize,
    /// From the first command to the last completion.
    pub took: Duration,
    /// From each command to its completion.
    pub completed: Vec<Duration>,
    /// From each command to its created event; the stack only.
    pub created: Vec<Duration>,
    /// From the last completion to the last webhook; the stack only.
    pub webhooks_after: Option<Duration>,
    /// Transactions that its database committed; the stack only.
    pub commits: Option<u64>,
    /// What the process that pays used, with both nodes in it, and what others did meanwhile.
    pub spent: Option<Spent>,
}

impl Measured {
    /// Payments per second.
    pub fn rate(&self) -> f64 {
        // Far below 2^53.
        self.payments as f64 / self.took.as_secs_f64()
    }
}

/// The value below which the given share of `values` lies (nearest rank); zero of none.
pub fn percentile(values: &[Duration], percent: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The middle of `values`, or between the two in the middle; `None` of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Duration::from_millis(50));
        assert_eq!(percentile(&values, 99), Duration::from_millis(99));
        assert_eq!(percentile(&values[..1], 99), Duration::from_millis(100));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
