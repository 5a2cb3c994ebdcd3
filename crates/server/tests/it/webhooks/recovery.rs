//! An endpoint that comes back, or does not: probed, filled slowly, disabled after days, and found again.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Customer, TestReceiver, TestServer, until};

use super::calls::{get, post, until_count, webhook};

const DEPOSIT: &str = "deposit.lightning.completed";

on_both!(s15_what_waited_for_an_hour_goes_through_one_probe_and_never_more_than_allowed_at_once,);
on_sqlite!(
    s38_five_days_of_failures_disable_an_endpoint_and_its_owner_sees_it,
    s38_one_success_in_between_begins_the_days_anew,
    s26_while_secrets_follow_each_other_each_message_is_signed_by_one_that_counts,
);

async fn s15_what_waited_for_an_hour_goes_through_one_probe_and_never_more_than_allowed_at_once(
    server: &mut TestServer,
) {
    const WAITING: i64 = 150;
    const AT_ONCE: usize = 6;
    let (back, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let (customer, neighbour) = (server.customer(0).await, server.customer(0).await);
    let settings = json!({"max_in_flight": AT_ONCE});
    webhook(server, &customer, &back.url(), settings).await;
    server.webhook(&neighbour, &other, &[DEPOSIT]).await;
    back.always(503);
    server.fund(customer.account_id, 1).await;
    back.wait_for(1).await;
    for _ in 1..WAITING {
        server.fund(customer.account_id, 1).await;
    }
    let refused = back.received().len();
    assert!(
        refused <= AT_ONCE,
        "it said that it has too much to do: {refused}"
    );

    // While it is away, one attempt at a time asks whether it is back.
    for _ in 0..3 {
        let before = back.received().len();
        server.clock.advance_seconds(1_200);
        back.wait_for(before + 1).await;
        server
            .until_next_delivery_within(i64::MAX / 2_000_000)
            .await;
        assert_eq!(back.received().len(), before + 1, "one probe");
    }
    back.answer_after(Duration::from_millis(5));
    back.always(200);
    server.clock.advance_seconds(1_200);
    let delivered = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'";
    for number in 1..=10 {
        server.fund(neighbour.account_id, 1).await;
        other.wait_for(number).await;
    }
    // What failed before waits for its own time.
    until("all that waited", async || {
        server.clock.advance_seconds(600);
        (server.count(delivered).await == WAITING + 10).then_some(())
    })
    .await;
    assert!(back.most_at_once() <= AT_ONCE, "{}", back.most_at_once());
    assert_eq!(
        i64::try_from(back.taken().len()).expect("few"),
        WAITING,
        "each once"
    );
}

/// A day in which the endpoint is asked at least once.
async fn a_day(server: &TestServer, customer: &Customer, receiver: &TestReceiver) {
    let before = receiver.received().len();
    server.fund(customer.account_id, 1).await;
    receiver.wait_for(before + 1).await;
    let recorded = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'leased'";
    until_count(server, recorded, 0).await;
    server.clock.advance_seconds(86_400);
}

async fn shown(server: &TestServer, id: &str) -> Value {
    get(server, &format!("/{id}")).await
}

async fn s38_five_days_of_failures_disable_an_endpoint_and_its_owner_sees_it(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let hook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.always(500);
    let begun = server.now();
    for _ in 0..3 {
        a_day(server, &customer, &receiver).await;
    }
    let before = shown(server, &hook.id).await;
    assert_eq!(
        (&before["state"], &before["disabled_at"]),
        (&json!("active"), &Value::Null)
    );
    assert!(before["failing_since"].is_string(), "{before}");
    // The days are counted on in the next process.
    server.restart().await;
    for _ in 0..2 {
        a_day(server, &customer, &receiver).await;
    }
    server.fund(customer.account_id, 1).await;
    let disabled = until("a disabled endpoint", async || {
        let shown = shown(server, &hook.id).await;
        (shown["state"] == "disabled").then_some(shown)
    })
    .await;
    assert_eq!(disabled["disabled_reason"], "failing");
    assert!(disabled["disabled_at"].is_string(), "{disabled}");
    let notice = server.get("/metrics").key(ADMIN_TOKEN).send().await;
    let notice = String::from_utf8_lossy(&notice.body).into_owned();
    let counted = "leyden_webhook_endpoints_given_up 1";
    assert!(notice.contains(counted), "{notice}");

    // It comes back, and gets all it missed.
    receiver.always(200);
    server.fund(customer.account_id, 1).await;
    let path = format!("/{}", hook.id);
    let resumed = post(server, &format!("{path}/resume"), None).await;
    assert_eq!(
        (&resumed["disabled_at"], &resumed["failing_since"]),
        (&Value::Null, &Value::Null)
    );
    let range = json!({"from": begun.to_string()});
    post(server, &format!("{path}/replay"), Some(range)).await;
    let delivered = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'";
    until_count(server, delivered, 7).await;
}

async fn s38_one_success_in_between_begins_the_days_anew(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let hook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.always(500);
    for _ in 0..4 {
        a_day(server, &customer, &receiver).await;
    }
    receiver.always(200);
    a_day(server, &customer, &receiver).await;
    assert!(shown(server, &hook.id).await["failing_since"].is_null());
    receiver.always(500);
    for _ in 0..4 {
        a_day(server, &customer, &receiver).await;
    }
    let still = shown(server, &hook.id).await;
    assert_eq!(still["state"], "active");
}

async fn s26_while_secrets_follow_each_other_each_message_is_signed_by_one_that_counts(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let first = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    let funds = async {
        for _ in 0..120 {
            server.fund(customer.account_id, 1).await;
        }
    };
    let rotations = async {
        let mut known = vec![first.standard_secret.clone()];
        for round in 1..=3 {
            receiver.wait_for(round * 25).await;
            let rotated = post(server, &format!("/{}/rotate", first.id), None).await;
            known.push(rotated["standard_secret"].as_str().expect("one").to_owned());
        }
        known
    };
    let ((), known) = futures_util::future::join(funds, rotations).await;
    let received = receiver.wait_for(120).await;
    let mut by_newest = 0;
    for request in &received {
        // The libraries of other people allow five minutes by the clock of the machine; this one stands elsewhere.
        let verifies = |secret: &String| {
            let verifier = super::signature::standard(secret, request);
            request
                .header("webhook-signature")
                .split(' ')
                .any(|one| one == verifier)
        };
        assert!(known.iter().any(verifies), "{request:?}");
        assert!(verifies(&known[0]), "the first one counts for a day");
        by_newest += usize::from(verifies(&known[3]));
    }
    assert!((1..120).contains(&by_newest), "{by_newest}");
}
