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
/// How many kills one sandbox lives through.
const A_LIFE: u32 = 50;
/// LDK takes no payment in the first two seconds after the receiver's start; half of the rounds wait for it.
const WARM_UP: Duration = Duration::from_millis(2_200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_every_payment_ends_once_however_often_the_server_is_killed_on_sqlite() {
    kill_again_and_again(|| Some(Place::sqlite())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_every_payment_ends_once_however_often_the_server_is_killed_on_postgres() {
    kill_again_and_again(Place::postgres).await;
}

/// Goes through lives for as long as a soak lasts: each begins with a new sandbox and ends with the verdict, so that
/// what LDK keeps of closed channels (for 4,032 blocks) does not add up.
async fn kill_again_and_again(new_place: fn() -> Option<Place>) {
    let (started, mut all, mut closed) = (Instant::now(), 0, 0);
    while all == 0 || started.elapsed() < duration() {
        let place = tokio::task::spawn_blocking(new_place).await;
        let Some(place) = place.expect("a database") else {
            return;
        };
        let receiver = TestReceiver::start().await;
        subscribe(&Sandbox::start(&place), &receiver).await;
        let (mut kills, mut load) = (0, Load::default());
        while kills < A_LIFE && started.elapsed() < duration() {
            kill_under_load(&place, kills, &mut load).await;
            kills += 1;
            assert!(place.books_balance(), "after kill {kills}");
        }
        everything_ended_once(&place, &receiver, &mut load).await;
        closed += tokio::task::block_in_place(|| place.channels_closed());
        drop_outside_the_runtime(place).await;
        all += kills;
        let seconds = started.elapsed().as_secs();
        eprintln!("{all} kills in {seconds} s closed {closed} channels");
    }
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
