//! The long scenarios, against the built binary: `LEYDEN_SOAK_SECONDS` each, 20 by default.
//!
//! What is proven does not depend on the length; a longer run finds rarer interleavings.

mod kills;
mod load;
mod place;
mod points;
mod processes;
mod sandbox;
mod verdict;
mod webhooks;

/// Whether there is time for the whole length of a scenario, and for figures.
fn is_long() -> bool {
    duration() >= std::time::Duration::from_secs(120)
}

/// How long each scenario runs.
#[expect(
    clippy::disallowed_methods,
    reason = "the length of a soak is given by the environment"
)]
fn duration() -> std::time::Duration {
    let seconds = std::env::var("LEYDEN_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    std::time::Duration::from_secs(seconds.unwrap_or(20))
}
