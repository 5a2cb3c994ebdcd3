//! Named places at which a test makes the process die, as a power cut would.
//!
//! In a build without the `failpoints` feature of the crate `fail` (every build but that of the tests) a crash point
//! is nothing. It must never do anything else than end the process, and never stand where a crash is harmless.

/// Dies here when the environment variable `FAILPOINTS` says `name=return`; `name=3*off->return` dies at the fourth
/// time.
pub fn reach(name: &'static str) {
    fail::fail_point!(name, |_| {
        tracing::error!(name, "the process dies here, as it was told");
        std::process::abort()
    });
    // Without crash points the name is not read.
    let _ = name;
}

/// Arms the crash points that `FAILPOINTS` names, until what it answers is dropped. `None` in a build without them.
pub fn arm() -> Option<Armed> {
    fail::has_failpoints().then(|| Armed {
        _scenario: fail::FailScenario::setup(),
    })
}

/// Keeps the crash points armed.
pub struct Armed {
    _scenario: fail::FailScenario<'static>,
}
