//! Several servers on one PostgreSQL database share the work, and do none of it twice.

use std::collections::BTreeSet;

use payments::payment_hash::PaymentHash;
use serde_json::json;
use testkit::{HubClient, TestReceiver, TestServer, until};

on_postgres!(
    two_dispatchers_send_each_withdrawal_once,
    two_servers_deliver_each_webhook_once,
    an_event_is_heard_on_the_hub_of_every_server,
    an_event_is_heard_however_late_the_hub_reads_it,
    one_key_on_two_servers_makes_one_withdrawal,
);

async fn two_dispatchers_send_each_withdrawal_once(server: &mut TestServer) {
    let mut second = server.beside().await;
    let customer = server.customer(100_000).await;
    // Each takes as many as it has hands for, and then both go for the rest at once.
    server.rail.hold_payments(true);
    second.rail.hold_payments(true);
    let invoices: Vec<_> = (0..40).map(|_| server.foreign_invoice(10)).collect();
    let mut ids = Vec::new();
    for invoice in &invoices {
        ids.push(server.accepted_withdrawal(&customer, invoice, 10).await);
    }
    until("both dispatchers at work", async || {
        let busy = |server: &TestServer| !server.rail.asked().is_empty();
        (busy(server) && busy(&second)).then_some(())
    })
    .await;
    server.rail.hold_payments(false);
    second.rail.hold_payments(false);
    let asked = until("all of them sent", async || {
        let mut asked = server.rail.asked();
        asked.extend(second.rail.asked());
        (asked.len() >= invoices.len()).then_some(asked)
    })
    .await;
    let hashes: BTreeSet<PaymentHash> = asked.iter().map(|call| call.payment_hash).collect();
    assert_eq!((asked.len(), hashes.len()), (40, 40));

    // Whichever node tells of the end, both tell the same.
    for invoice in &invoices {
        server.rail.push(invoice.succeeded(0));
        second.rail.push(invoice.succeeded(0));
    }
    for id in &ids {
        second.until_withdrawal(&customer, id, "settled").await;
    }
    server.until_quiet().await;
    second.until_quiet().await;
    assert_eq!(
        server.balance_msat(&customer).await,
        100_000_000 - 40 * 10_000
    );
    assert_eq!(server.get("/readyz").send().await.status, 200);
    second.stop().await;
    assert_eq!(server.rail.asked().len() + second.rail.asked().len(), 40);
}

async fn two_servers_deliver_each_webhook_once(server: &mut TestServer) {
    let mut second = server.beside().await;
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    server
        .webhook(&customer, &receiver, &["deposit.lightning.completed"])
        .await;
    for sats in 1..=50 {
        let server = if sats % 2 == 0 { &*server } else { &second };
        server.fund(customer.account_id, sats).await;
    }
    receiver.wait_for(50).await;
    // A stop waits for what is under way, so nothing can come after it.
    second.stop().await;
    server.restart().await;
    let received = receiver.received();
    let ids: BTreeSet<_> = received
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!((received.len(), ids.len()), (50, 50));
}

async fn an_event_is_heard_on_the_hub_of_every_server(server: &mut TestServer) {
    let mut second = server.beside().await;
    let customer = server.customer(1_000).await;
    let mut here = HubClient::connect(server, &customer.key).await;
    let mut there = HubClient::connect(&second, &customer.key).await;
    let invoice = server.foreign_invoice(100);
    here.invoke("WithdrawLightning", json!(["c", invoice.bolt11]))
        .await;
    let created = here.event().await;
    assert_eq!(created["clientId"], "c");
    assert_eq!(there.event().await, created);
    until("one call to pay", async || {
        let asked = server.rail.asked().len() + second.rail.asked().len();
        (asked == 1).then_some(())
    })
    .await;
    second.rail.push(invoice.succeeded(0));
    let done = here.event().await;
    assert_eq!(done["data"]["status"], "SUCCESS");
    assert_eq!(there.event().await, done);
    second.stop().await;
}

async fn an_event_is_heard_however_late_the_hub_reads_it(server: &mut TestServer) {
    let mut second = server.beside().await;
    let customer = server.customer(10_000).await;
    let mut there = HubClient::connect(&second, &customer.key).await;
    for sats in 1..=3 {
        let id = server
            .accepted_withdrawal(&customer, &server.foreign_invoice(sats), sats)
            .await;
        // The other server is not woken by this one: it reads the outbox when ten minutes have passed.
        server.clock.advance_seconds(600);
        let event = there.event().await;
        assert_eq!(event["subject"], "execution.withdrawal.lightspark.created");
        assert_eq!(event["data"]["paymentId"], json!(id));
    }
    second.stop().await;
}

async fn one_key_on_two_servers_makes_one_withdrawal(server: &mut TestServer) {
    let mut second = server.beside().await;
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let call = |server: &TestServer| {
        let call = server.withdrawal_call(&customer, &invoice.bolt11, 100);
        tokio::spawn(call.header("idempotency-key", "k").send())
    };
    let calls: Vec<_> = (0..10)
        .map(|n| call(if n % 2 == 0 { server } else { &second }))
        .collect();
    let mut bodies = BTreeSet::new();
    for task in calls {
        let answer = task.await.expect("a task that ends");
        assert_eq!(answer.status, 201, "{answer:?}");
        bodies.insert(answer.body.to_vec());
    }
    assert_eq!(bodies.len(), 1);
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
    second.stop().await;
}
