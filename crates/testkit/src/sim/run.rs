//! One run: a seed, its steps, its end, and what was found wrong.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use payments::payment_hash::PaymentHash;

use super::auditor::{Auditor, Phase, Verdict};
use super::dice::Dice;
use super::fate::{Died, Fate, remove};
use super::node::{Faults, Node, Stage, short};
use super::place::{OPENING_MSAT, Place};
use super::process::{Answered, Outside, Process};
use super::steps::Step;
use super::world::World;
use crate::clock::FakeClock;
use crate::entropy::SeededEntropy;

/// How often a start may die before the run gives up.
const MOST_STARTS: u64 = 20;
/// How many rounds the end may take: more means that something is pending for ever.
const MOST_ROUNDS: u64 = 400;

/// Which run.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) steps: u64,
    /// Steps that are left out, to find what a failure needs.
    pub(super) without: BTreeSet<u64>,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) steps: u64,
    pub(super) deaths: u64,
    pub(super) points: u64,
    pub(super) settled: u64,
}

/// What a run found.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) step: u64,
    pub(super) found: Vec<String>,
}

/// How a run ended, with its trace.
pub(super) struct Ended {
    pub(super) result: Result<Done, Failure>,
    pub(super) trace: Vec<String>,
}

/// A run under way.
pub(super) struct Run<'a> {
    place: &'a Place,
    name: String,
    pub(super) seed: u64,
    pub(super) outside: Outside,
    pub(super) world: World,
    pub(super) faults: Faults,
    /// The process is to be stopped in order, and started again.
    pub(super) is_stopping: bool,
    /// What the last audit found: withdrawals that have not ended, and whether money is halted.
    pub(super) live: usize,
    pub(super) is_halted: bool,
    /// Answers of processes that are gone.
    pub(super) overtaken: Vec<Answered>,
    process: Option<Process>,
    auditor: Auditor,
    file: PathBuf,
    generation: u64,
    step: u64,
    is_end: bool,
    done: Done,
}

impl Plan {
    /// Runs it.
    pub(super) fn run(&self, place: &Place) -> Ended {
        let mut run = Run::new(self.seed, place);
        let result = run.all(self);
        if let Some(process) = run.process.take() {
            process.end();
        }
        remove(&run.file);
        Ended {
            result,
            trace: run.outside.fate.trace(),
        }
    }
}

impl<'a> Run<'a> {
    fn new(seed: u64, place: &'a Place) -> Self {
        let fate = Arc::new(Fate::new(seed));
        let clock: Arc<FakeClock> = Arc::default();
        let node = Arc::new(Node::new(fate.clone(), clock.clone()));
        let faults = Faults {
            unreliable: !seed.is_multiple_of(4),
            broken: seed.is_multiple_of(3),
        };
        node.state().set_faults(faults);
        let name = format!("{seed}-{:?}", std::thread::current().id());
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            world: World::new(&place.clients, OPENING_MSAT.map(i128::from).to_vec()),
            file: place.begin(&name),
            outside: Outside {
                fate,
                node,
                clock,
                entropy: Arc::new(SeededEntropy::new(seed)),
            },
            place,
            name,
            seed,
            faults,
            is_stopping: false,
            live: 0,
            is_halted: false,
            overtaken: Vec::new(),
            process: None,
            auditor: Auditor::default(),
            generation: 0,
            step: 0,
            is_end: false,
            done: Done::default(),
        }
    }

    fn all(&mut self, plan: &Plan) -> Result<Done, Failure> {
        self.outside
            .fate
            .live_on(&self.file, &self.place.file(&self.name, 1));
        self.start()?;
        for step in (1..=plan.steps).filter(|step| !plan.without.contains(step)) {
            self.step = step;
            self.outside.fate.step(Dice::of(self.seed, step));
            self.perform(Step::draw)?;
            self.audit()?;
        }
        self.step = plan.steps + 1;
        self.drain()?;
        self.done.points = self.outside.fate.points();
        Ok(self.done)
    }

    /// Does one thing; when the process dies in it, the next one is started.
    fn perform(
        &mut self,
        act: impl FnOnce(&mut Self, &mut Process) -> String,
    ) -> Result<(), Failure> {
        let Some(mut process) = self.process.take() else {
            return Err(self.failure("no process runs"));
        };
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| act(self, &mut process)));
        self.outside.node.set_meanwhile(None);
        self.process = Some(process);
        match done {
            Ok(line) => self.outside.fate.note(format!("{:>4} {line}", self.step)),
            Err(payload) if payload.is::<Died>() => {
                self.outside
                    .fate
                    .note(format!("{:>4} cut short", self.step));
            }
            Err(payload) => return Err(self.failure(&panic_text(payload.as_ref()))),
        }
        let is_stopping = std::mem::take(&mut self.is_stopping);
        if self.outside.fate.is_dead() {
            self.done.deaths += 1;
            self.restart(true)?;
        } else if is_stopping {
            self.restart(false)?;
        }
        self.done.steps += 1;
        Ok(())
    }

    /// Ends the process, in order or by death, and starts the next on what is left.
    fn restart(&mut self, died: bool) -> Result<(), Failure> {
        if let Some(process) = self.process.take() {
            self.overtaken.extend(process.end());
        }
        self.next_file(died);
        self.start()
    }

    fn next_file(&mut self, died: bool) {
        let fate = &self.outside.fate;
        if died {
            remove(&self.file);
            self.generation += 1;
            self.file = self.place.file(&self.name, self.generation);
            let mut state = self.outside.node.state();
            fate.draw(|dice| state.crash(dice));
        } else {
            self.outside.node.state().stop();
        }
        fate.live_on(
            &self.file,
            &self.place.file(&self.name, self.generation + 1),
        );
    }

    fn start(&mut self) -> Result<(), Failure> {
        for _ in 0..MOST_STARTS {
            let fate = self.outside.fate.clone();
            if self.done.deaths > 0 && fate.draw(|dice| dice.percent(15)) {
                fate.die_in(fate.draw(|dice| dice.below(8)));
            }
            let started = std::panic::catch_unwind(AssertUnwindSafe(|| {
                Process::start(&self.outside, &self.file)
            }));
            match started {
                Ok(Ok(process)) if !fate.is_dead() => {
                    fate.note(format!(
                        "     the server starts on generation {}",
                        self.generation
                    ));
                    self.process = Some(process);
                    return Ok(());
                }
                Err(payload) if !payload.is::<Died>() => {
                    return Err(self.failure(&panic_text(payload.as_ref())));
                }
                Ok(Err(error)) if !fate.is_dead() => return Err(self.failure(&error)),
                Ok(_) | Err(_) => {
                    drop(started);
                    self.done.deaths += 1;
                    self.next_file(true);
                }
            }
        }
        Err(self.failure("the server does not start"))
    }

    fn audit(&mut self) -> Result<Verdict, Failure> {
        let Some(process) = &self.process else {
            return Err(self.failure("no process runs"));
        };
        let mut node = self.outside.node.state();
        let phase = Phase {
            may_halt: self.faults.broken,
            is_end: self.is_end,
        };
        let audited = self
            .auditor
            .audit(&process.app.store, &self.world, &node, phase);
        node.calls.clear();
        drop(node);
        let verdict = audited.map_err(|error| self.failure(&error.to_string()))?;
        self.outside.fate.note(format!("       {}", verdict.line));
        if !verdict.violations.is_empty() {
            return Err(Failure {
                step: self.step,
                found: verdict.violations,
            });
        }
        self.world
            .spendable_msat
            .clone_from(&verdict.spendable_msat);
        self.live = verdict.live;
        self.is_halted = verdict.is_halted;
        Ok(verdict)
    }

    fn failure(&self, found: &str) -> Failure {
        Failure {
            step: self.step,
            found: vec![found.to_owned()],
        }
    }

    /// The end: no more faults, everything that is under way ends, and then nothing may be left.
    fn drain(&mut self) -> Result<(), Failure> {
        self.is_end = true;
        self.outside.fate.note("     the faults are over");
        for round in 0..MOST_ROUNDS {
            self.outside
                .fate
                .step(Dice::of(self.seed, u64::MAX - round));
            self.outside.fate.spare();
            self.outside.node.state().set_faults(Faults::default());
            self.perform(Step::drain)?;
            let verdict = self.audit()?;
            let is_quiet = self.outside.node.state().is_quiet();
            if is_quiet && verdict.live == 0 && verdict.open_invoices == 0 {
                return self.reconcile(&verdict);
            }
            if round % 8 == 7 {
                self.nothing_is_forgotten(&verdict)?;
                self.restart(false)?;
            }
        }
        Err(self.failure("something is pending for ever"))
    }

    /// A dispatched withdrawal that only a restart could free must be in doubt, and not just forgotten.
    fn nothing_is_forgotten(&self, verdict: &Verdict) -> Result<(), Failure> {
        let node = self.outside.node.state();
        let works_on = |hash: &PaymentHash| {
            let payment = node.outbound.get(hash.as_bytes());
            let is_open =
                payment.is_some_and(|payment| payment.is_in_doubt || payment.stage != Stage::Idle);
            let is_held = self
                .process
                .as_ref()
                .is_some_and(|process| process.holds(hash));
            is_open || is_held || node.can_still_tell(hash)
        };
        match verdict.dispatched.iter().find(|hash| !works_on(hash)) {
            Some(hash) => Err(self.failure(&format!(
                "{} is dispatched, and nobody knows of it",
                short(hash)
            ))),
            None => Ok(()),
        }
    }

    /// The float of the books is the node's, to the millisatoshi.
    fn reconcile(&mut self, verdict: &Verdict) -> Result<(), Failure> {
        let node = self.outside.node.state();
        let opening_msat: i64 = OPENING_MSAT.iter().sum::<i64>() + super::place::CAPITAL_MSAT;
        let has_msat = i128::from(opening_msat) + node.earned_msat();
        let unbooked_msat = verdict.untold_msat;
        let paid = node
            .outbound
            .values()
            .filter(|payment| payment.stage == Stage::Paid);
        let settled = paid.count() as u64;
        drop(node);
        self.done.settled = settled;
        let expected_msat = has_msat + unbooked_msat;
        if verdict.float_msat == expected_msat {
            return Ok(());
        }
        let found_msat = verdict.float_msat;
        Err(self.failure(&format!(
            "the node has {expected_msat} msat, and the books say {found_msat}"
        )))
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("the engine panicked: {}", text.unwrap_or("without words"))
}
