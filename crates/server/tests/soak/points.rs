//! The process dies at each named step of a payment, once or after some passes, and goes on from what is on disk.

use std::time::Instant;

use testkit::TestReceiver;

use crate::duration;
use crate::load::{Load, round};
use crate::place::Place;
use crate::sandbox::{PATIENCE, Sandbox};
use crate::verdict::{everything_ended_once, subscribe};

/// How many withdrawals are asked for at each point.
const ROUND: usize = 8;

/// Every crash point in the code, with how often it is passed before the process dies there.
const POINTS: [(&str, u32); 4] = [
    ("store.before_commit", 60),
    ("store.after_commit", 60),
    ("store.before_commit", 161),
    ("store.after_commit", 162),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_a_crash_at_any_step_leaves_one_right_end_on_sqlite() {
    die_at_every_point(Place::sqlite()).await;
}

/// Goes through all points once, and on for as long as a soak lasts, with other passes.
async fn die_at_every_point(place: Place) {
    let receiver = TestReceiver::start().await;
    subscribe(&Sandbox::start(&place), &receiver).await;
    let (started, mut load, mut lap) = (Instant::now(), Load::default(), 0);
    while lap == 0 || started.elapsed() < duration() {
        for (point, passes) in POINTS {
            die_at(&place, point, passes + lap, &mut load).await;
            assert!(place.books_balance(), "after {point}, lap {lap}");
        }
        lap += 1;
    }
    eprintln!("{} crashes at named points", lap as usize * POINTS.len());
    everything_ended_once(&place, &receiver, &load).await;
}

async fn die_at(place: &Place, point: &str, passes: u32, load: &mut Load) {
    let crash_point = format!("{point}={passes}*off->return");
    let Some(mut sandbox) = Sandbox::start_with(place, &crash_point) else {
        // It died while it started, which is a crash as good as any.
        return;
    };
    let started = Instant::now();
    while sandbox.ended().is_none() {
        assert!(started.elapsed() < PATIENCE, "{point} is never reached");
        round(&sandbox, ROUND, load).await;
    }
}
