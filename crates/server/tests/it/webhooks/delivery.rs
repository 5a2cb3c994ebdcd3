//! Deliveries: each event to each endpoint that chose it, again until it is taken, always the same bytes.

use serde_json::json;
use testkit::{ADMIN_TOKEN, TestReceiver, TestServer, until};

use super::signature::verify;

const DEPOSIT: &str = "deposit.lightning.completed";

on_both!(
    what_was_not_taken_comes_again_after_five_seconds_with_the_same_id_and_bytes,
    a_delivery_survives_a_restart,
);
on_sqlite!(
    only_chosen_events_of_the_own_account_come,
    an_endpoint_that_is_gone_gets_nothing_more,
    an_endpoint_that_fails_holds_no_other_up,
    every_event_reaches_every_endpoint,
);

async fn what_was_not_taken_comes_again_after_five_seconds_with_the_same_id_and_bytes(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.reply([500]);
    server.fund(customer.account_id, 100).await;
    receiver.wait_for(1).await;
    server.until_next_delivery_within(6).await;

    // Not before its time: another delivery goes through while this one waits.
    server.clock.advance_millis(4_999);
    server.fund(customer.account_id, 1).await;
    receiver.wait_for(2).await;
    let second = &receiver.received()[1];
    assert_eq!(second.json()["data"]["amount_sats"], 1);
    // Five seconds, and at most a tenth of jitter.
    server.clock.advance_millis(501);
    let received = receiver.wait_for(3).await;
    let (first, again) = (&received[0], &received[2]);
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
    assert_ne!(first.header("webhook-id"), received[1].header("webhook-id"));
    let seconds = |at: &str| at.parse::<i64>().expect("seconds");
    let (then, now) = (
        first.header("webhook-timestamp"),
        again.header("webhook-timestamp"),
    );
    assert_eq!(seconds(now) - seconds(then), 5);
    for request in &received {
        verify(&webhook, request);
    }
    // It was taken, so it does not come a third time.
    server.clock.advance_seconds(86_400);
    server.fund(customer.account_id, 2).await;
    assert_eq!(
        receiver.wait_for(4).await[3].json()["data"]["amount_sats"],
        2
    );
}

async fn a_delivery_survives_a_restart(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.reply([503, 302]);
    server.fund(customer.account_id, 100).await;
    receiver.wait_for(1).await;
    server.restart().await;
    server.clock.advance_seconds(6);
    receiver.wait_for(2).await;
    server.restart().await;
    server.clock.advance_seconds(331);
    let received = receiver.wait_for(3).await;
    for request in &received {
        verify(&webhook, request);
        assert_eq!(request.body, received[0].body);
        assert_eq!(
            request.header("webhook-id"),
            received[0].header("webhook-id")
        );
    }
}

async fn only_chosen_events_of_the_own_account_come(server: &mut TestServer) {
    let (deposits, ends, others) = (
        TestReceiver::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    );
    let (customer, stranger) = (server.customer(0).await, server.customer(0).await);
    server.webhook(&customer, &deposits, &[DEPOSIT]).await;
    server
        .webhook(&customer, &ends, &["withdrawal.lightning.completed"])
        .await;
    server
        .webhook(
            &stranger,
            &others,
            &[DEPOSIT, "withdrawal.lightning.completed"],
        )
        .await;
    server.fund(customer.account_id, 1_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    server.until_withdrawal(&customer, &id, "settled").await;
    ends.wait_for(1).await;
    deposits.wait_for(1).await;
    // The last event of all comes alone, so nothing else was under way to the stranger.
    server.fund(stranger.account_id, 5).await;
    others.wait_for(1).await;
    assert_eq!(others.received()[0].json()["data"]["amount_sats"], 5);
    assert_eq!(deposits.events(), [DEPOSIT]);
    assert_eq!(ends.events(), ["withdrawal.lightning.completed"]);
    assert_eq!(others.events(), [DEPOSIT]);
}

async fn an_endpoint_that_is_gone_gets_nothing_more(server: &mut TestServer) {
    let (gone, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &gone, &[DEPOSIT]).await;
    server.webhook(&customer, &other, &[DEPOSIT]).await;
    gone.reply([410]);
    server.fund(customer.account_id, 1).await;
    gone.wait_for(1).await;
    until("a webhook that is switched off", async || {
        let listed = server
            .get("/admin/v1/webhooks")
            .key(ADMIN_TOKEN)
            .send()
            .await
            .json();
        let listed = listed.as_array().expect("a list").clone();
        let shown = listed.iter().find(|one| one["id"] == webhook.id).cloned();
        (shown.expect("it is listed")["disabled"] == json!(true)).then_some(())
    })
    .await;
    server.clock.advance_seconds(86_400);
    server.fund(customer.account_id, 2).await;
    other.wait_for(2).await;
    assert_eq!(gone.received().len(), 1);
}

async fn an_endpoint_that_fails_holds_no_other_up(server: &mut TestServer) {
    let (broken, sound) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    server.webhook(&customer, &broken, &[DEPOSIT]).await;
    server.webhook(&customer, &sound, &[DEPOSIT]).await;
    broken.reply([500; 20]);
    for sats in 1..=10 {
        server.fund(customer.account_id, sats).await;
    }
    sound.wait_for(10).await;
    // It is left alone for ever longer, and each delivery waits for its own time: time passes until all were taken.
    let taken = |receiver: &TestReceiver| receiver.received().len().saturating_sub(20);
    until("what failed to be taken", async || {
        server.clock.advance_seconds(60);
        (taken(&broken) >= 10).then_some(())
    })
    .await;
    let received = broken.wait_for(30).await;
    let mut amounts: Vec<_> = received[20..]
        .iter()
        .map(|one| one.json()["data"]["amount_sats"].as_i64())
        .collect();
    amounts.sort();
    assert_eq!(amounts, (1..=10).map(Some).collect::<Vec<_>>());
    assert_eq!(sound.received().len(), 10);
}

async fn every_event_reaches_every_endpoint(server: &mut TestServer) {
    let receivers = [
        TestReceiver::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    ];
    let customer = server.customer(0).await;
    for receiver in &receivers {
        server.webhook(&customer, receiver, &[DEPOSIT]).await;
    }
    for sats in 1..=100 {
        server.fund(customer.account_id, sats).await;
    }
    for receiver in &receivers {
        let received = receiver.wait_for(100).await;
        let mut amounts: Vec<_> = received
            .iter()
            .map(|one| one.json()["data"]["amount_sats"].as_i64())
            .collect();
        amounts.sort();
        assert_eq!(amounts, (1..=100).map(Some).collect::<Vec<_>>());
    }
}
