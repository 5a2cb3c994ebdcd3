//! A thousand dead endpoints beside one that works, and one that comes back after an hour.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{ADMIN_TOKEN, Customer, TestReceiver, TestServer};
use tokio::net::TcpListener;

use crate::is_long;

const DEPOSIT: &str = "deposit.lightning.completed";
const DELIVERED: &str = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'";

#[test]
fn h6_s16_the_slowest_of_a_good_endpoint_beside_a_thousand_dead_ones_on_sqlite() {
    testkit::run(&testkit::sqlite(), a_good_one_beside_dead_ones);
}

#[test]
fn h6_s16_the_slowest_of_a_good_endpoint_beside_a_thousand_dead_ones_on_postgres() {
    if let Some(database) = testkit::postgres() {
        testkit::run(&database, a_good_one_beside_dead_ones);
    }
}

async fn endpoints(server: &TestServer, of: &Customer, url: &str, count: usize) {
    let body = json!({"url": url, "events": [DEPOSIT], "account_id": of.account_id.to_string()});
    for _ in 0..count {
        let call = server.post("/admin/v1/webhooks").key(ADMIN_TOKEN);
        assert_eq!(call.json(&body).send().await.status, 201);
    }
}

/// From before each commit to the arrival: the median, and what one of a hundred takes longer than.
async fn waits(server: &TestServer, of: &Customer, receiver: &TestReceiver) -> [Duration; 2] {
    let count = if is_long() { 2_000 } else { 200 };
    let mut waits = Vec::with_capacity(count);
    for _ in 0..count {
        let (before, begun) = (receiver.count(), Instant::now());
        server.fund(of.account_id, 1).await;
        receiver.wait_for(before + 1).await;
        let arrived = receiver.last().expect("it came").at;
        waits.push(arrived.saturating_duration_since(begun));
    }
    waits.sort();
    [waits[count / 2], waits[count * 99 / 100]]
}

async fn a_good_one_beside_dead_ones(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let (good, dead) = (server.customer(0).await, server.customer(0).await);
    server.webhook(&good, &receiver, &[DEPOSIT]).await;
    // Half of them take connections and never answer; nobody listens for the others.
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = |of: &TcpListener| format!("http://{}/hook", of.local_addr().expect("bound"));
    let (hanging_url, free_url) = (url(&hanging), url(&free));
    drop(free);
    waits(server, &good, &receiver).await;
    let [alone_p50, alone] = waits(server, &good, &receiver).await;
    for url in [&hanging_url, &free_url] {
        endpoints(server, &dead, url, 500).await;
    }
    for _ in 0..5 {
        server.fund(dead.account_id, 1).await;
    }
    let [beside_p50, beside] = waits(server, &good, &receiver).await;
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    eprintln!(
        "1,000 dead endpoints: p50 {alone_p50:?} alone, {beside_p50:?} beside; p99 {alone:?} alone, {beside:?} beside: \
         {ratio:.2} of alone"
    );
    assert!(beside < Duration::from_secs(1), "{beside:?}");
    assert!(!is_long() || ratio <= 1.5, "{ratio:.2}");
}

#[test]
fn s15_what_waited_for_an_hour_is_drained_no_faster_than_allowed_on_sqlite() {
    testkit::run(&testkit::sqlite(), drained);
}

async fn drained(server: &mut TestServer) {
    const AT_ONCE: usize = 10;
    let waiting = if is_long() { 50_000 } else { 1_000 };
    let (back, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let (customer, neighbour) = (server.customer(0).await, server.customer(0).await);
    server.webhook(&customer, &back, &[DEPOSIT]).await;
    server.webhook(&neighbour, &other, &[DEPOSIT]).await;
    back.always(503);
    let mut left = waiting;
    while left > 0 {
        let some = left.min(32);
        let funds = (0..some).map(|_| server.fund(customer.account_id, 1));
        futures_util::future::join_all(funds).await;
        left -= some;
    }
    server.clock.advance_seconds(3_600);
    back.always(200);
    back.answer_after(Duration::from_millis(1));
    let begun = Instant::now();
    let all = i64::try_from(waiting).expect("a count");
    let mut neighbours = 0;
    while server.count(DELIVERED).await < all + neighbours {
        assert!(
            begun.elapsed() < Duration::from_secs(600),
            "it is drained in vain"
        );
        server.fund(neighbour.account_id, 1).await;
        neighbours += 1;
        other
            .wait_for(usize::try_from(neighbours).expect("few"))
            .await;
        // What failed waits for its own time.
        server.clock.advance_seconds(60);
    }
    assert!(back.most_at_once() <= AT_ONCE, "{}", back.most_at_once());
    assert_eq!(back.taken().len(), waiting, "each once");
    eprintln!("{waiting} deliveries were drained in {:?}", begun.elapsed());
}
