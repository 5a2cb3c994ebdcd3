//! The simulator: one seed drives clients, a node with every fault, jumping clocks, a failing disk and deaths at
//! every call to the node and every commit, over a real SQLite file; after each step the books are audited.
//!
//! It runs the engine itself: the flows, the acts, the steps of the dispatcher, of the node's events and of the
//! recovery. Nothing in a run may depend on the wall clock, on threads that race or on the order of a hash map: the
//! same seed gives the same trace, to the byte. What a run finds is printed with how to replay it, and with the
//! fewest steps that show it.

mod auditor;
mod dice;
mod fate;
mod node;
mod place;
mod process;
mod run;
mod shrink;
mod steps;
mod world;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use self::place::Place;
use self::run::{Ended, Plan};

/// How many steps a run has before its end begins.
pub const STEPS: u64 = 100;

/// What some runs did, in sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Runs that ended well.
    pub seeds: u64,
    /// What was done and audited, the ends included.
    pub steps: u64,
    /// How often the process died.
    pub deaths: u64,
    /// How many points at which it could have died were passed.
    pub points: u64,
    /// How many withdrawals reached their payee.
    pub settled: u64,
}

/// Runs `seeds` seeds from `first` on, on `threads` threads, until `until` at the latest.
///
/// # Panics
/// When a run finds anything; the message has the seed, what was found, and the trace.
pub fn simulate(first: u64, seeds: u64, threads: usize, until: Option<Instant>) -> Summary {
    let place = Place::make();
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while !failed.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= seeds {
                return;
            }
            let seed = first + index;
            match plan(seed).run(&place).result {
                Ok(done) => summary
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(done),
                Err(_) => {
                    failed.store(true, Ordering::Relaxed);
                    failures
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(seed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(seed) = failures.iter().min() {
        panic!("{}", shrink::report(&plan(*seed), &place));
    }
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The trace of one seed, line by line, whether it ends well or not.
#[must_use]
pub fn trace(seed: u64) -> Vec<String> {
    let Ended { trace, .. } = plan(seed).run(&Place::make());
    trace
}

fn plan(seed: u64) -> Plan {
    Plan {
        seed,
        steps: STEPS,
        ..Plan::default()
    }
}

impl Summary {
    const fn add(&mut self, done: run::Done) {
        self.seeds += 1;
        self.steps += done.steps;
        self.deaths += done.deaths;
        self.points += done.points;
        self.settled += done.settled;
    }
}
