//! The simulator for a while: `LEYDEN_SOAK_SECONDS`, 20 by default, on seeds that the fixed set does not have.

use std::time::{Duration, Instant};

use testkit::sim::simulate;

/// Where the seeds of soaks begin.
const FIRST: u64 = 1_000_000;

#[expect(
    clippy::disallowed_methods,
    reason = "the length of a soak is given by the environment"
)]
fn seconds() -> u64 {
    let asked = std::env::var("LEYDEN_SOAK_SECONDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn no_seed_loses_money_for_as_long_as_it_runs() {
    let until = Instant::now() + Duration::from_secs(seconds());
    // Not the same seeds each time: the process number is as good as any, and the report says which.
    let first = FIRST + u64::from(std::process::id()) * 100_000;
    let done = simulate(first, u64::MAX - first, 2, Some(until));
    eprintln!("from seed {first}: {done:?}");
    assert!(done.seeds > 0 && done.settled > 0, "{done:?}");
}
