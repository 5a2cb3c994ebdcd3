//! [`Step`]: what can happen, how often, and how it is done.

use super::node::{Meanwhile, short};
use super::process::{Process, take_event};
use super::run::Run;
use super::world::clock_jump;
use payments::payment_hash::PaymentPreimage;
use payments::ports::Clock;
use std::sync::Arc;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Withdraw,
    Repeat,
    AskAgain,
    PayOneOfOurs,
    AskForInvoice,
    RepeatInvoice,
    Claim,
    HandOver,
    WriteAnswer,
    WriteOvertaken,
    TakeEvent,
    LiftBars,
    Expire,
    Resume,
    Assign,
    EndPayment,
    QueueEvent,
    MakeDurable,
    Receive,
    ReceiveForNothing,
    PayByItself,
    MoveClock,
    Restart,
}

/// How often a step that would do nothing is drawn again.
const TRIES: usize = 5;

/// How often each comes, in all about two hundred.
const WEIGHTS: [(u64, Step); 23] = [
    (20, Step::Withdraw),
    (8, Step::Repeat),
    (5, Step::AskAgain),
    (5, Step::PayOneOfOurs),
    (8, Step::AskForInvoice),
    (3, Step::RepeatInvoice),
    (16, Step::Claim),
    (18, Step::HandOver),
    (16, Step::WriteAnswer),
    (4, Step::WriteOvertaken),
    (24, Step::TakeEvent),
    (10, Step::LiftBars),
    (4, Step::Expire),
    (4, Step::Resume),
    (2, Step::Assign),
    (16, Step::EndPayment),
    (20, Step::QueueEvent),
    (7, Step::MakeDurable),
    (12, Step::Receive),
    (1, Step::ReceiveForNothing),
    (1, Step::PayByItself),
    (12, Step::MoveClock),
    (2, Step::Restart),
];

impl Step {
    /// Draws one step and does it. Deaths and failures of the disk are armed for it, and for those that follow.
    pub(super) fn draw(run: &mut Run<'_>, process: &mut Process) -> String {
        let fate = run.outside.fate.clone();
        let (dies, fails) = fate.draw(|dice| {
            let dies = dice.percent(7).then(|| dice.below(12));
            let fails = dice.percent(4).then(|| dice.below(2));
            (dies, fails)
        });
        let mut step = fate.draw(|dice| dice.weighted(&WEIGHTS));
        for _ in 0..TRIES {
            if step.is_possible(run, process) {
                break;
            }
            step = fate.draw(|dice| dice.weighted(&WEIGHTS));
        }
        if let Some(points) = dies {
            fate.die_in(points);
        }
        if let Some(commits) = fails {
            fate.fail_in(commits);
        }
        step.perform(run, process)
    }

    /// Whether it would do anything.
    fn is_possible(self, run: &Run<'_>, process: &Process) -> bool {
        let node = || run.outside.node.state();
        match self {
            Self::Repeat | Self::AskAgain => !run.world.asks.is_empty(),
            Self::PayOneOfOurs | Self::RepeatInvoice | Self::Receive => {
                !run.world.issued.is_empty()
            }
            Self::HandOver => process.claims() > 0,
            Self::WriteAnswer => process.answers() > 0,
            Self::WriteOvertaken => !run.overtaken.is_empty(),
            Self::TakeEvent => node().has_queued(),
            Self::QueueEvent => node().has_brewing(),
            Self::EndPayment => node().has_in_flight(),
            Self::Claim => run.live > process.claims() + process.answers(),
            Self::Resume => run.is_halted,
            Self::PayByItself => run.faults.broken,
            _ => true,
        }
    }

    fn perform(self, run: &mut Run<'_>, process: &mut Process) -> String {
        match self {
            Self::Withdraw
            | Self::Repeat
            | Self::AskAgain
            | Self::PayOneOfOurs
            | Self::AskForInvoice
            | Self::RepeatInvoice => self.client(run, process),
            Self::Claim => process.claim(),
            Self::HandOver => hand_over(run, process),
            Self::WriteAnswer => write_answer(run, process),
            Self::WriteOvertaken => write_overtaken(run, process),
            Self::TakeEvent => process.take_event(),
            Self::LiftBars => process.lift_bars(),
            Self::Expire => process.expire(),
            Self::Resume => process.resume(),
            Self::Assign => run.world.assign(&process.app, &run.outside.fate),
            Self::MoveClock => {
                let by = run.outside.fate.draw(clock_jump);
                run.outside.clock.advance(by);
                format!("the clock moves by {by:#}")
            }
            Self::Restart => {
                run.is_stopping = true;
                "the server is stopped in order".to_owned()
            }
            Self::EndPayment
            | Self::QueueEvent
            | Self::MakeDurable
            | Self::Receive
            | Self::ReceiveForNothing
            | Self::PayByItself => self.node(run),
        }
    }

    fn client(self, run: &mut Run<'_>, process: &Process) -> String {
        let (app, fate) = (&process.app, run.outside.fate.clone());
        match self {
            Self::Withdraw => {
                let now = run.outside.clock.now();
                let (client, bill) = fate.draw(|dice| {
                    let client = dice.index(run.world.clients.len());
                    (client, run.world.bill(client, now, dice))
                });
                let payee = (bill.preimage, bill.stated_msat.map(i128::from));
                // The hash of one of ours is not the payee's of a forgery.
                let mut node = run.outside.node.state();
                node.payees
                    .entry(*bill.payment_hash.as_bytes())
                    .or_insert(payee);
                drop(node);
                run.world.withdraw(app, &fate, client, &bill)
            }
            Self::Repeat => run.world.repeat(app, &fate),
            Self::AskAgain => run.world.ask_again(app, &fate),
            Self::PayOneOfOurs => run.world.pay_one_of_ours(app, &fate),
            Self::RepeatInvoice => run.world.ask_for_invoice(app, &fate, true),
            _ => run.world.ask_for_invoice(app, &fate, false),
        }
    }

    fn node(self, run: &mut Run<'_>) -> String {
        let fate = run.outside.fate.clone();
        let (mut node, now) = (run.outside.node.state(), run.outside.clock.now());
        fate.draw(|dice| match self {
            Self::EndPayment => node
                .end_one(dice)
                .unwrap_or_else(|| "nothing is in flight".to_owned()),
            Self::QueueEvent => node
                .hand_over(dice)
                .unwrap_or_else(|| "nothing to queue".to_owned()),
            Self::MakeDurable => node.make_durable().to_owned(),
            Self::Receive => match run.world.paid_from_outside(dice) {
                Some((hash, amount_msat)) => {
                    node.receive(hash, amount_msat, now, dice);
                    format!("{amount_msat} come for {}", short(&hash))
                }
                None => "no invoice of ours to pay".to_owned(),
            },
            Self::ReceiveForNothing => {
                let hash = PaymentPreimage::from_bytes(dice.bytes()).payment_hash();
                let amount_msat =
                    money::Msat::from_unsigned(dice.between(1, 90_000)).expect("an amount");
                node.receive(hash, amount_msat, now, dice);
                format!(
                    "{amount_msat} come for {}, which is nothing of ours",
                    short(&hash)
                )
            }
            Self::PayByItself if run.faults.broken => node.pay_by_itself(dice),
            _ => "the node does nothing".to_owned(),
        })
    }

    /// One round of the end: everything moves on, and nothing new begins.
    pub(super) fn drain(run: &mut Run<'_>, process: &mut Process) -> String {
        let fate = run.outside.fate.clone();
        process.resume();
        while process.claims() > 0 {
            process.hand_over(0);
        }
        for _ in 0..process.answers() {
            process.write_answer(0);
        }
        {
            let mut node = run.outside.node.state();
            fate.draw(|dice| {
                node.make_durable();
                while node.end_one(dice).is_some() {}
                while node.hand_over(dice).is_some() {}
            });
        }
        for _ in 0..6 {
            process.take_event();
        }
        process.lift_bars();
        process.claim();
        run.outside
            .clock
            .advance_seconds(30 + i64::from(fate.draw(|dice| dice.percent(10))) * 90_000);
        process.expire();
        "everything moves on".to_owned()
    }
}

/// Hands a claim over. While the node is asked, the network and another worker go on.
fn hand_over(run: &Run<'_>, process: &mut Process) -> String {
    if process.claims() == 0 {
        return process.claim();
    }
    let fate = run.outside.fate.clone();
    if fate.draw(|dice| dice.percent(40)) {
        let (node, app) = (Arc::downgrade(&run.outside.node), process.app.clone());
        let meanwhile: Meanwhile = Arc::new(move || {
            let Some(node) = node.upgrade() else { return };
            {
                let mut state = node.state();
                node.fate.draw(|dice| {
                    state.end_one(dice);
                    state.hand_over(dice);
                });
            }
            node.fate
                .note(format!("    meanwhile: {}", take_event(&app)));
        });
        run.outside.node.set_meanwhile(Some(meanwhile));
    }
    let index = fate.draw(|dice| dice.index(process.claims()));
    process.hand_over(index)
}

fn write_answer(run: &Run<'_>, process: &mut Process) -> String {
    if process.answers() == 0 {
        return process.take_event();
    }
    let index = run.outside.fate.draw(|dice| dice.index(process.answers()));
    process.write_answer(index)
}

/// A process that was overtaken writes what it was answered, once.
fn write_overtaken(run: &mut Run<'_>, process: &Process) -> String {
    if run.overtaken.is_empty() {
        return process.take_event();
    }
    let index = run
        .outside
        .fate
        .draw(|dice| dice.index(run.overtaken.len()));
    process.write_overtaken(&run.overtaken.remove(index))
}
