//! What becomes of an invoice: paid, run out, or paid late.

use payments::payment_hash::PaymentHash;
use serde_json::{Value, json};
use testkit::{Customer, TestReceiver, TestServer, until};

use crate::webhooks::signature::verify;

const PATH: &str = "/v1/bitcoin/deposit/lightning-invoice";
const EVENTS: [&str; 2] = ["deposit.lightning.completed", "deposit.lightning.failed"];

on_both!(
    a_paid_invoice_is_credited_and_told_of_once,
    d8_an_invoice_that_ran_out_fails_once_and_late_money_is_credited,
);
on_sqlite!(
    d4_what_is_overpaid_or_underpaid_is_credited_as_it_came,
    one_payment_of_many_goes_to_its_own_account,
    the_platforms_share_is_taken_from_a_deposit,
);

async fn made(server: &TestServer, customer: &Customer, sats: u64) -> (String, PaymentHash) {
    let form = json!({
        "amount": sats, "currency": "sats", "expiry_seconds": 60, "metadata": {"order": "7"},
    });
    let call = server.post(PATH).key(&customer.key).json(&form);
    let made = call.send().await.data(201);
    let hash = made["r_hash"].as_str().expect("a hash");
    let id = made["id"].as_str().expect("an id").to_owned();
    (id, hash.parse().expect("64 hex digits"))
}

async fn invoice(server: &TestServer, customer: &Customer, id: &str) -> Value {
    let call = server.get(&format!("{PATH}/{id}")).key(&customer.key);
    call.send().await.data(200)
}

async fn a_paid_invoice_is_credited_and_told_of_once(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &EVENTS).await;
    let (id, hash) = made(server, &customer, 1_000).await;
    server.clock.advance_seconds(3);
    server.rail.lose_acknowledgements(2);
    server.rail.receive(hash, 1_000_000);
    server.until_quiet().await;
    assert_eq!((server.rail.given(), server.rail.acknowledged()), (3, 1));
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);

    let paid = invoice(server, &customer, &id).await;
    assert_eq!(
        (&paid["settled"], &paid["state"]),
        (&json!(true), &json!("SETTLED"))
    );
    assert_eq!(paid["settle_date"], "2026-01-01T00:00:03.000000Z");

    let received = receiver.wait_for(1).await;
    verify(&webhook, &received[0]);
    let body = received[0].json();
    assert_eq!(body["event"], "deposit.lightning.completed");
    let deposit = &body["data"];
    assert_eq!(deposit["lightning_invoice_id"], json!(id));
    assert_eq!(deposit["recipient"], paid["payment_request"]);
    assert_eq!(
        (&deposit["amount_sats"], &deposit["status"]),
        (&json!(1000), &json!("settled"))
    );
    assert_eq!(deposit["metadata"], json!({"order": "7"}));
    let path = format!(
        "/v1/transactions/deposits/{}",
        deposit["id"].as_str().expect("an id")
    );
    let read = server.get(&path).key(&customer.key).send().await.data(200);
    // The webhook's sample has two fields less.
    let mut documented = read.clone();
    let fields = documented.as_object_mut().expect("an object");
    assert_eq!(
        fields.remove("company_id"),
        Some(json!(customer.account_id.to_string()))
    );
    let posting = fields.remove("ledger_tx_id");
    assert!(posting.is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty())));
    assert_eq!(&documented, deposit);

    // It can run out no more, and nothing further is told of it.
    server.clock.advance_seconds(3_600);
    expire_another(server, &customer).await;
    receiver.wait_for(2).await;
    let about = |id: &str| {
        let all = receiver.received();
        all.iter()
            .filter(|it| it.json()["data"]["lightning_invoice_id"] == id)
            .count()
    };
    assert_eq!(about(&id), 1);
}

/// Lets a fresh invoice run out, so that the worker has looked at everything that is due.
async fn expire_another(server: &TestServer, customer: &Customer) {
    let (id, _) = made(server, customer, 1).await;
    server.clock.advance_seconds(60);
    until_canceled(server, customer, &id).await;
}

async fn until_canceled(server: &TestServer, customer: &Customer, id: &str) {
    until("an invoice that ran out", async || {
        (invoice(server, customer, id).await["state"] == "CANCELED").then_some(())
    })
    .await;
}

async fn d8_an_invoice_that_ran_out_fails_once_and_late_money_is_credited(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &EVENTS).await;
    let (id, hash) = made(server, &customer, 1_000).await;
    server.clock.advance_seconds(59);
    assert_eq!(invoice(server, &customer, &id).await["state"], "OPEN");
    server.clock.advance_seconds(1);
    until_canceled(server, &customer, &id).await;
    let received = receiver.wait_for(1).await;
    verify(&webhook, &received[0]);
    let body = received[0].json();
    assert_eq!(body["event"], "deposit.lightning.failed");
    assert_eq!(
        (&body["data"]["status"], &body["data"]["amount_sats"]),
        (&json!("failed"), &json!(1000))
    );
    assert_eq!(body["data"]["lightning_invoice_id"], json!(id));
    assert_eq!(server.balance_msat(&customer).await, 0);

    server.restart().await;
    server.clock.advance_seconds(3_600);
    server.rail.receive(hash, 1_000_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    assert_eq!(invoice(server, &customer, &id).await["settled"], true);
    receiver.wait_for(2).await;
    assert_eq!(
        receiver.events(),
        ["deposit.lightning.failed", "deposit.lightning.completed"]
    );
}

async fn d4_what_is_overpaid_or_underpaid_is_credited_as_it_came(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let (_, over) = made(server, &customer, 1_000).await;
    let (_, under) = made(server, &customer, 1_000).await;
    server.rail.receive(over, 1_500_001);
    server.rail.receive(under, 1);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 1_500_002);
}

async fn one_payment_of_many_goes_to_its_own_account(server: &mut TestServer) {
    let (one, two) = (server.customer(0).await, server.customer(0).await);
    let (_, of_one) = made(server, &one, 10).await;
    let (unpaid, _) = made(server, &one, 20).await;
    let (_, of_two) = made(server, &two, 30).await;
    server.rail.receive(of_two, 30_000);
    server.rail.receive(of_one, 10_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&one).await, 10_000);
    assert_eq!(server.balance_msat(&two).await, 30_000);
    assert_eq!(invoice(server, &one, &unpaid).await["settled"], false);
}

async fn the_platforms_share_is_taken_from_a_deposit(server: &mut TestServer) {
    server.settings.fees.deposit_fee = money::BasisPoints::new(50).expect("half a percent");
    server.restart().await;
    let customer = server.customer(0).await;
    let (_, hash) = made(server, &customer, 100).await;
    server.rail.receive(hash, 100_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 99_500);
    let list = server
        .get("/v1/transactions")
        .key(&customer.key)
        .send()
        .await
        .data(200);
    assert_eq!(list[0]["fee_microsats"], 500_000);
    let path = format!(
        "/v1/transactions/deposits/{}",
        list[0]["id"].as_str().expect("an id")
    );
    let deposit = server.get(&path).key(&customer.key).send().await.data(200);
    assert_eq!(deposit["fee_sats"], json!(0.5));
}
