//! Makes a failing run small: leaves steps out as long as it still fails, and tells what is left.

use std::fmt::Write;

use super::place::Place;
use super::run::{Ended, Failure, Plan};

/// How many runs the shrinking may take.
const MOST_RUNS: usize = 400;
/// How many lines of the trace are shown.
const LINES: usize = 120;

/// What a failing seed shows, in the fewest steps that were found.
pub(super) fn report(plan: &Plan, place: &Place) -> String {
    let whole = plan.run(place);
    let Err(failure) = &whole.result else {
        return format!(
            "seed {} failed once and not again: the run is not deterministic",
            plan.seed
        );
    };
    let mut small = plan.clone();
    small.steps = failure.step.min(plan.steps);
    let mut ended = small.run(place);
    if ended.result.is_ok() {
        small = plan.clone();
        ended = small.run(place);
    }
    let mut runs = 0;
    let mut size = usize::try_from(small.steps).unwrap_or(1) / 2;
    while size > 0 && runs < MOST_RUNS {
        let kept: Vec<u64> = (1..=small.steps)
            .filter(|step| !small.without.contains(step))
            .collect();
        for steps in kept.chunks(size) {
            let mut smaller = small.clone();
            smaller.without.extend(steps);
            runs += 1;
            let tried = smaller.run(place);
            if is_alike(&tried, failure) {
                small = smaller;
                ended = tried;
            }
        }
        size /= 2;
    }
    text(plan, failure, &small, &ended)
}

/// A smaller run must show the same kind of thing, or it shows something else.
fn is_alike(tried: &Ended, failure: &Failure) -> bool {
    let kind = |found: &[String]| found.first().map(|line| words(line)).unwrap_or_default();
    tried
        .result
        .as_ref()
        .is_err_and(|found| kind(&found.found) == kind(&failure.found))
}

/// The words of a line, without its numbers and hashes.
fn words(line: &str) -> String {
    let is_word = |word: &&str| !word.chars().any(|letter| letter.is_ascii_digit());
    line.split(' ')
        .filter(is_word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn text(plan: &Plan, failure: &Failure, small: &Plan, ended: &Ended) -> String {
    let mut text = format!("seed {} breaks at step {}:\n", plan.seed, failure.step);
    for found in &failure.found {
        let _infallible = writeln!(text, "  {found}");
    }
    let kept = small.steps - small.without.len() as u64;
    let _infallible = writeln!(text, "Replay it: make sim SEEDS=1 FIRST={}", plan.seed);
    let _infallible = writeln!(text, "The last of the {kept} steps that show it:");
    let from = ended.trace.len().saturating_sub(LINES);
    for line in &ended.trace[from..] {
        let _infallible = writeln!(text, "{line}");
    }
    if let Err(found) = &ended.result {
        for found in &found.found {
            let _infallible = writeln!(text, "  {found}");
        }
    }
    text
}
