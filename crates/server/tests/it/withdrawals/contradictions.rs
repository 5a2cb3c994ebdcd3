//! What must never happen, happened: money stops moving, and nothing is lost from the books.

use payments::payment_hash::PaymentHash;
use payments::ports::{PaymentFailure, RailEvent};
use serde_json::json;
use testkit::{ADMIN_TOKEN, InvoiceSpec, TestServer, until};

on_both!(b3_a_success_after_a_failure_stops_the_movement_of_money);
on_sqlite!(
    c4_a_fee_above_the_reserve_is_the_operators_loss_and_stops_money,
    a_payment_that_nobody_asked_for_stops_the_movement_of_money,
    money_for_no_known_invoice_is_kept_apart_and_stops_nothing,
    a_failure_of_an_unknown_payment_is_ignored,
    an_event_that_cannot_be_booked_holds_up_no_other,
);

async fn b3_a_success_after_a_failure_stops_the_movement_of_money(server: &mut TestServer) {
    server.add_capital(1_000).await;
    let customer = server.customer(1_000).await;
    let (invoice, waiting) = (server.foreign_invoice(100), server.foreign_invoice(50));
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let waiting_id = server.accepted_withdrawal(&customer, &waiting, 50).await;
    server.until_asked(&invoice, 1).await;
    server.until_asked(&waiting, 1).await;
    server
        .rail
        .push(invoice.failed(PaymentFailure::RecipientRejected));
    server.until_withdrawal(&customer, &id, "failed").await;
    server.rail.push(invoice.succeeded(1_000));
    until_read_only(server).await;
    assert_eq!(server.withdrawal(&customer, &id).await["status"], "failed");

    let refused = server
        .withdraw(&customer, &server.foreign_invoice(10).bolt11, 10)
        .await;
    assert_eq!(refused.problem(), (503, "read_only".to_owned()));

    // What the node reports is written down all the same.
    let made = server
        .post("/v1/bitcoin/deposit/lightning-invoice")
        .key(&customer.key);
    let made = made
        .json(&json!({"amount": 30, "currency": "sats"}))
        .send()
        .await
        .data(201);
    let hash: PaymentHash = made["r_hash"]
        .as_str()
        .expect("a hash")
        .parse()
        .expect("hex");
    server.rail.receive(hash, 30_000);
    server.rail.push(waiting.succeeded(500));
    server
        .until_withdrawal(&customer, &waiting_id, "settled")
        .await;
    server.until_quiet().await;
    assert_eq!(
        server.balance_msat(&customer).await,
        1_000_000 + 30_000 - 50_500
    );

    // A restart does not make it forget, and the audit still balances.
    server.restart().await;
    until_read_only(server).await;
    let audit = server.get("/admin/v1/audit").key(ADMIN_TOKEN).send().await;
    assert_eq!((audit.status, &audit.json()["holds"]), (200, &json!(true)));

    // A person has looked.
    let resumed = server
        .post("/admin/v1/resume")
        .key(ADMIN_TOKEN)
        .send()
        .await;
    assert_eq!(resumed.status, 200);
    assert!(resumed.json()["was_halted"].is_string());
    assert_eq!(server.get("/readyz").send().await.status, 200);
    let invoice = server.foreign_invoice(10);
    server.accepted_withdrawal(&customer, &invoice, 10).await;
}

async fn c4_a_fee_above_the_reserve_is_the_operators_loss_and_stops_money(server: &mut TestServer) {
    server.add_capital(1_000).await;
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(7_000));
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(
        settled["fee_sats"],
        json!(6),
        "the customer pays no more than was reserved"
    );
    assert_eq!(server.balance_msat(&customer).await, 894_000);
    until_read_only(server).await;
}

async fn a_payment_that_nobody_asked_for_stops_the_movement_of_money(server: &mut TestServer) {
    let stranger = InvoiceSpec::new(1_000, server.now()).sign();
    server.rail.push(stranger.succeeded(0));
    server.until_quiet().await;
    until_read_only(server).await;
}

async fn money_for_no_known_invoice_is_kept_apart_and_stops_nothing(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let stranger = InvoiceSpec::new(77_000, server.now()).sign();
    server.rail.lose_acknowledgements(1);
    server.rail.receive(stranger.payment_hash, 77_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    assert_eq!(server.get("/readyz").send().await.status, 200);
    let audit = server
        .get("/admin/v1/audit")
        .key(ADMIN_TOKEN)
        .send()
        .await
        .json();
    let balances = audit["balances_msat"].as_object().expect("balances");
    let suspense = balances.iter().find(|(name, _)| name.contains("suspense"));
    assert_eq!(
        suspense.map(|(_, net)| net),
        Some(&json!(77_000)),
        "{audit}"
    );
}

async fn a_failure_of_an_unknown_payment_is_ignored(server: &mut TestServer) {
    let stranger = InvoiceSpec::new(1_000, server.now()).sign();
    server
        .rail
        .push(stranger.failed(PaymentFailure::Unexpected));
    server
        .rail
        .push(RailEvent::Other("a channel is ready".to_owned()));
    server.until_quiet().await;
    assert_eq!(server.get("/readyz").send().await.status, 200);
}

async fn an_event_that_cannot_be_booked_holds_up_no_other(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let path = "/v1/bitcoin/deposit/lightning-invoice";
    let form = json!({"amount": 30, "currency": "sats"});
    let made = server.post(path).key(&customer.key).json(&form).send();
    let hash = made.await.data(201)["r_hash"].take();
    let hash: PaymentHash = hash.as_str().expect("a hash").parse().expect("hex");
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.failed(PaymentFailure::Unexpected));
    server.until_withdrawal(&customer, &id, "failed").await;
    // More than all bitcoin went out, if the node is to be believed.
    server
        .rail
        .push(invoice.succeeded(2_100_000_000_000_000_000));
    server.rail.receive(hash, 30_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 1_030_000);
    until_read_only(server).await;
}

async fn until_read_only(server: &TestServer) {
    until("read-only mode", async || {
        let ready = server.get("/readyz").send().await;
        (ready.status == 503).then_some(())
    })
    .await;
}
