//! One endpoint, or a thousand, that do not work hurt nobody else.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Customer, TestReceiver, TestServer};
use tokio::net::TcpListener;

use super::calls::{many, webhook};

const DEPOSIT: &str = "deposit.lightning.completed";

on_both!(h6_s16_many_endpoints_that_hang_do_not_slow_a_good_one,);
on_sqlite!(
    h6_endpoints_that_refuse_do_not_slow_a_good_one,
    s15_no_more_attempts_are_under_way_than_the_endpoint_allows,
);

/// Somebody who takes connections and never answers. Dropping it ends it.
async fn hanging() -> (tokio::task::JoinHandle<()>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    (held, url)
}

/// How long each of `count` deliveries took from before its commit, the longest last.
async fn latencies(
    server: &TestServer,
    customer: &Customer,
    receiver: &TestReceiver,
    count: usize,
) -> Vec<Duration> {
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        let before = receiver.received().len();
        let begun = Instant::now();
        server.fund(customer.account_id, 1).await;
        receiver.wait_for(before + 1).await;
        taken.push(begun.elapsed());
    }
    taken.sort();
    taken
}

/// The good one's slowest delivery beside `bad` endpoints of another tenant may take as long as alone, and what a look
/// takes that finds them all.
async fn beside(server: &TestServer, bad: usize, url: &str) {
    let receiver = TestReceiver::start().await;
    let (good, dead) = (server.customer(0).await, server.customer(0).await);
    server.webhook(&good, &receiver, &[DEPOSIT]).await;
    let alone = latencies(server, &good, &receiver, 20).await;
    many(server, &dead, url, bad).await;
    for _ in 0..5 {
        server.fund(dead.account_id, 1).await;
    }
    let beside = latencies(server, &good, &receiver, 20).await;
    let (alone, beside) = (alone[18], beside[18]);
    // A busy machine is slow by itself; what is excluded is to wait for somebody's timeout.
    assert!(
        beside < Duration::from_secs(1),
        "{beside:?} beside, {alone:?} alone"
    );
}

async fn h6_s16_many_endpoints_that_hang_do_not_slow_a_good_one(server: &mut TestServer) {
    let (held, url) = hanging().await;
    beside(server, 1_000, &url).await;
    held.abort();
}

async fn h6_endpoints_that_refuse_do_not_slow_a_good_one(server: &mut TestServer) {
    // Nobody listens there: the port was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    drop(listener);
    beside(server, 1_000, &url).await;
}

async fn s15_no_more_attempts_are_under_way_than_the_endpoint_allows(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    receiver.answer_after(Duration::from_millis(20));
    let customer = server.customer(0).await;
    webhook(
        server,
        &customer,
        &receiver.url(),
        json!({"max_in_flight": 3}),
    )
    .await;
    for _ in 0..60 {
        server.fund(customer.account_id, 1).await;
    }
    receiver.wait_for(60).await;
    let most = receiver.most_at_once();
    assert!((2..=3).contains(&most), "{most} at once");
}
