//! The simulator over a fixed set of seeds, and over those that `make sim` asks for.

use testkit::sim::{simulate, trace};

/// How many seeds of the fixed set are run.
const FIXED: u64 = 100;

#[expect(
    clippy::disallowed_methods,
    reason = "which seeds to run is given by the environment"
)]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_seed_loses_money_doubles_it_or_leaves_it_pending() {
    let first = asked("LEYDEN_SIM_FIRST").unwrap_or(1);
    let seeds = asked("LEYDEN_SIM_SEEDS").unwrap_or(FIXED);
    let threads = asked("LEYDEN_SIM_THREADS").unwrap_or(2);
    let threads = usize::try_from(threads).expect("a few threads");
    if asked("LEYDEN_SIM_TRACE").is_some() {
        trace(first).iter().for_each(|line| eprintln!("{line}"));
    }
    let done = simulate(first, seeds, threads, None);
    eprintln!("{done:?}");
    assert_eq!(done.seeds, seeds);
    assert!(
        done.deaths > seeds / 2 && done.settled > seeds / 2,
        "{done:?}"
    );
}

#[test]
fn a_seed_replays_to_the_byte() {
    for seed in [3, 5] {
        let first = trace(seed);
        assert!(first.len() > 100);
        assert_eq!(first, trace(seed));
    }
}
