//! `kill -9` under load, again and again: no payment is lost, doubled or left in doubt.

use std::time::{Duration, Instant};

use testkit::TestReceiver;

use crate::duration;
use crate::load::{Load, round};
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::verdict::{everything_ended_once, subscribe};

/// How many withdrawals are asked for between two kills.
const ROUND: usize = 12;
/// LDK takes no payment in the first two seconds after the receiver's start; half of the rounds wait for it.
const WARM_UP: Duration = Duration::from_millis(2_200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_every_payment_ends_once_however_often_the_server_is_killed_on_sqlite() {
    kill_again_and_again(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_every_payment_ends_once_however_often_the_server_is_killed_on_postgres() {
    let place = tokio::task::spawn_blocking(Place::postgres);
    if let Some(place) = place.await.expect("a database") {
        kill_again_and_again(place).await;
    }
}

async fn kill_again_and_again(place: Place) {
    let receiver = TestReceiver::start().await;
    subscribe(&Sandbox::start(&place), &receiver).await;
    let (started, mut kills, mut load) = (Instant::now(), 0, Load::default());
    while started.elapsed() < duration() {
        kill_under_load(&place, kills, &mut load).await;
        kills += 1;
        assert!(place.books_balance(), "after kill {kills}");
    }
    let seconds = started.elapsed().as_secs();
    everything_ended_once(&place, &receiver, &load).await;
    let closed = tokio::task::block_in_place(|| place.channels_closed());
    eprintln!("{kills} kills in {seconds} s closed {closed} channels");
    drop_outside_the_runtime(place).await;
}

/// The PostgreSQL client refuses to work on a thread of the runtime.
pub async fn drop_outside_the_runtime(place: Place) {
    let dropped = tokio::task::spawn_blocking(move || drop(place));
    dropped.await.expect("a place that is removed");
}

/// Asks for a round of payments, and kills the server somewhere in it.
async fn kill_under_load(place: &Place, kills: u32, load: &mut Load) {
    let sandbox = Sandbox::start(place);
    if kills.is_multiple_of(2) {
        tokio::time::sleep(WARM_UP).await;
    }
    // The kill falls at another moment of the work in each round.
    let until_kill = Duration::from_millis(150 + u64::from(kills * 37 % 500));
    drop(tokio::time::timeout(until_kill, round(&sandbox, ROUND, load)).await);
    sandbox.kill();
}
