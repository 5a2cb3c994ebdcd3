//! The process dies at each named step of a payment, once or after some passes, and goes on from what is on disk.

use std::time::{Duration, Instant};

use testkit::TestReceiver;

use crate::duration;
use crate::kills::drop_outside_the_runtime;
use crate::load::{Load, round};
use crate::place::Place;
use crate::sandbox::{PATIENCE, Sandbox};
use crate::verdict::{everything_ended_once, subscribe};

/// How long a scenario lasts in CI.
const CI: Duration = Duration::from_secs(20);
/// How many withdrawals are asked for at each point.
const ROUND: usize = 8;

/// Every crash point in the code but that of the failover test, which closes the channel, with how often it is passed
/// before the process dies there. Those of the recovery follow upon a crash that leaves payments in flight.
const POINTS: [(&str, u32); 16] = [
    ("dispatch.claimed", 0),
    ("recovery.looked", 0),
    ("dispatch.asked", 0),
    ("recovery.node_started", 0),
    ("event.given", 1),
    ("recovery.resolved", 0),
    ("event.written", 2),
    ("event.acknowledged", 3),
    ("withdrawal.reserved", 2),
    ("invoice.made", 1),
    ("webhook.sent", 4),
    ("dispatch.claimed", 5),
    ("dispatch.asked", 5),
    ("store.before_commit", 350),
    ("store.after_commit", 380),
    ("store.before_commit", 700),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_a_crash_at_any_step_leaves_one_right_end_on_sqlite() {
    die_at_every_point(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_a_crash_at_any_step_leaves_one_right_end_on_postgres() {
    let place = tokio::task::spawn_blocking(Place::postgres);
    if let Some(place) = place.await.expect("a database") {
        die_at_every_point(place).await;
    }
}

/// Goes through the points for as long as a soak lasts, with other passes on each lap.
async fn die_at_every_point(place: Place) {
    let receiver = TestReceiver::start().await;
    subscribe(&Sandbox::start(&place), &receiver).await;
    let (started, mut load, mut crashes) = (Instant::now(), Load::default(), 0);
    // In CI one lap is enough; a long soak goes on.
    let most = if duration() > CI {
        usize::MAX
    } else {
        POINTS.len()
    };
    while crashes < most && started.elapsed() < duration() {
        let (point, passes) = POINTS[crashes % POINTS.len()];
        // A start recovers once; everything else comes again.
        let later = if point.starts_with("recovery.") {
            0
        } else {
            crashes / POINTS.len() % 7
        };
        die_at(
            &place,
            &format!("{point}={}*off->return", passes as usize + later),
            &mut load,
        )
        .await;
        assert!(place.books_balance(), "after {point}, crash {crashes}");
        crashes += 1;
    }
    eprintln!("{crashes} crashes at named points");
    everything_ended_once(&place, &receiver, &mut load).await;
    drop_outside_the_runtime(place).await;
}

async fn die_at(place: &Place, point: &str, load: &mut Load) {
    let Some(mut sandbox) = Sandbox::start_with(place, point) else {
        // It died while it started, which is a crash as good as any.
        return;
    };
    let started = Instant::now();
    while sandbox.ended().is_none() {
        assert!(started.elapsed() < PATIENCE, "{point} is never reached");
        round(&sandbox, ROUND, load).await;
    }
}
