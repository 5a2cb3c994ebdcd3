//! [`Fate`]: when the process dies and when the disk fails, what the run drew, and its trace.
//!
//! A death leaves two things: the files as they were at that moment, copied while the old process still had them open,
//! and the node. Everything else is gone: nothing may be carried over in memory.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::testing::{CommitFate, CommitFaults};

use super::dice::Dice;

/// What unwinds the engine when the process dies inside a call to the node.
pub(super) struct Died;

/// What decides, and what is written down about it.
pub(super) struct Fate(Mutex<State>);

struct State {
    dice: Dice,
    /// How many points are passed before the process dies.
    dies_in: Option<u64>,
    /// How many commits are passed before one fails.
    fails_in: Option<u64>,
    dead: bool,
    file: PathBuf,
    survivor: PathBuf,
    trace: Vec<String>,
    points: u64,
}

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            dice: Dice::of(seed, 0),
            dies_in: None,
            fails_in: None,
            dead: false,
            file: PathBuf::new(),
            survivor: PathBuf::new(),
            trace: Vec::new(),
            points: 0,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process begins on `file`; when it dies, its files are kept as `survivor`.
    pub(super) fn live_on(&self, file: &Path, survivor: &Path) {
        let mut state = self.state();
        file.clone_into(&mut state.file);
        survivor.clone_into(&mut state.survivor);
        state.dead = false;
        state.dies_in = None;
        state.fails_in = None;
    }

    /// Begins a step with its own dice.
    pub(super) fn step(&self, dice: Dice) {
        let mut state = self.state();
        state.dice = dice;
        state.fails_in = None;
    }

    /// Draws from the dice of the step.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.state().dice)
    }

    /// The process will die at the point that comes after `points` others.
    pub(super) fn die_in(&self, points: u64) {
        self.state().dies_in = Some(points);
    }

    /// The commit after `commits` others will fail; forgotten at the end of the step.
    pub(super) fn fail_in(&self, commits: u64) {
        self.state().fails_in = Some(commits);
    }

    /// No more deaths and no more failures.
    pub(super) fn spare(&self) {
        let mut state = self.state();
        state.dies_in = None;
        state.fails_in = None;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// How many points at which the process could have died were passed.
    pub(super) fn points(&self) -> u64 {
        self.state().points
    }

    /// Writes a line of the trace.
    pub(super) fn note(&self, line: impl Into<String>) {
        self.state().trace.push(line.into());
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// A point at a call to the node. A dead process does nothing any more, so it unwinds here as well.
    pub(super) fn point(&self, name: &str) {
        let mut state = self.state();
        if state.dead || state.dies_here(name) {
            drop(state);
            std::panic::resume_unwind(Box::new(Died));
        }
    }
}

impl State {
    fn dies_here(&mut self, name: &str) -> bool {
        self.points += 1;
        match self.dies_in {
            None => return false,
            Some(0) => {}
            Some(points) => {
                self.dies_in = Some(points - 1);
                return false;
            }
        }
        self.dies_in = None;
        self.dead = true;
        self.trace.push(format!("    the process dies {name}"));
        keep(&self.file, &self.survivor);
        true
    }

    fn fails_here(&mut self, name: &str) -> bool {
        match self.fails_in {
            None => return false,
            Some(0) => {}
            Some(commits) => {
                self.fails_in = Some(commits - 1);
                return false;
            }
        }
        self.fails_in = None;
        self.trace.push(format!("    the disk fails {name}"));
        true
    }

    fn at_commit(&mut self, name: &str) -> CommitFate {
        if self.dead || self.dies_here(name) {
            CommitFate::Die
        } else if self.fails_here(name) {
            CommitFate::Fail
        } else {
            CommitFate::Go
        }
    }
}

impl CommitFaults for Fate {
    fn before_commit(&self) -> CommitFate {
        self.state().at_commit("before a commit")
    }

    fn after_commit(&self) -> CommitFate {
        self.state().at_commit("after a commit")
    }
}

/// Copies the database and its log; the shared memory beside them dies with the process.
fn keep(file: &Path, survivor: &Path) {
    for suffix in ["", "-wal"] {
        let (from, to) = (beside(file, suffix), beside(survivor, suffix));
        match std::fs::copy(&from, &to) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{} cannot be copied: {error}", from.display()),
        }
    }
}

/// Removes a database and everything beside it.
pub(super) fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        match std::fs::remove_file(beside(file, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{} cannot be removed: {error}", file.display()),
        }
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
