//! Several processes deliver: one is killed again and again, or stands still and comes back too late.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use testkit::TestReceiver;

use super::office::{Office, run};
use crate::processes::process::Process;
use crate::sandbox::PATIENCE;
use crate::{duration, is_long};

const OPEN: &str = "SELECT COUNT(*) FROM webhook_delivery WHERE state <> 'delivered'";
const LOST: &str = "SELECT COUNT(*) FROM webhook_attempt WHERE outcome = 'unknown'";
const ENDPOINTS: usize = 10;

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE * 4, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn s23_three_processes_that_are_killed_lose_nothing_and_repeat_only_what_was_under_way() {
    run(three_are_killed);
}

async fn three_are_killed(office: &Office) {
    let receiver = TestReceiver::start().await;
    receiver.answer_after(Duration::from_millis(2));
    let account = office.account(&receiver.url(), ENDPOINTS).await;
    let deliveries = if is_long() { 100_000 } else { 3_000 };
    let mut processes: Vec<Process> = Vec::new();
    for _ in 0..3 {
        processes.push(office.start().await);
    }
    let write = async {
        let mut left = deliveries / ENDPOINTS;
        while left > 0 {
            let some = left.min(16);
            futures_util::future::join_all((0..some).map(|_| office.deposit(account))).await;
            left -= some;
        }
    };
    let kill = async {
        let (begun, most, mut kills) = (Instant::now(), if is_long() { 100 } else { 5 }, 0);
        while kills < most && (kills == 0 || begun.elapsed() < duration()) {
            tokio::time::sleep(Duration::from_millis(200 + 37 * (kills % 13))).await;
            let victim = processes.remove(0);
            tokio::task::block_in_place(|| victim.kill());
            processes.push(office.start().await);
            kills += 1;
        }
        kills
    };
    let (kills, ()) = futures_util::future::join(kill, write).await;
    if !is_long() {
        // Nobody lives whose leases these are.
        processes.clear();
        office.end_leases().await;
        processes.push(office.start().await);
    }
    until("all deliveries", async || office.count(OPEN).await == 0).await;
    let lost = office.count(LOST).await;
    let mut bodies = BTreeMap::new();
    let received = receiver.received();
    for one in &received {
        let id = one.header("webhook-id").to_owned();
        let first = bodies.entry(id).or_insert_with(|| one.body.clone());
        assert_eq!(*first, one.body, "a repeat is the same to the byte");
    }
    let repeats = received.len() - deliveries;
    eprintln!("{kills} kills, {deliveries} deliveries, {lost} attempts lost, {repeats} repeats");
    assert_eq!(
        bodies.len(),
        deliveries / ENDPOINTS,
        "one id for each event"
    );
    assert!(
        repeats <= lost,
        "{repeats} repeats for {lost} attempts that were lost"
    );
}

#[test]
fn s22_a_process_that_stood_still_past_its_lease_changes_nothing_when_it_comes_back() {
    run(one_stands_still);
}

async fn one_stands_still(office: &Office) {
    let receiver = TestReceiver::start().await;
    receiver.answer_after(Duration::from_millis(500));
    let account = office.account(&receiver.url(), 1).await;
    let late = office.start().await;
    office.deposit(account).await;
    until("the first request", async || receiver.count() == 1).await;
    late.stand_still(true);
    office.end_leases().await;
    let other = office.start().await;
    until("the delivery", async || office.count(OPEN).await == 0).await;
    let attempts = "SELECT CAST(SUM(attempts) AS BIGINT) FROM webhook_delivery";
    assert_eq!((office.count(attempts).await, receiver.count()), (2, 2));
    late.stand_still(false);
    let says_so = async || late.has_said("late results of webhooks are left out");
    until("a late result", says_so).await;
    assert_eq!((office.count(attempts).await, receiver.count()), (2, 2));
    let [first, second] = &receiver.received()[..] else {
        panic!("two requests");
    };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert_eq!((office.count(OPEN).await, office.count(LOST).await), (0, 1));
    drop(other);
}
