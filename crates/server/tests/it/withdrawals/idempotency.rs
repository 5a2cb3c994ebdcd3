//! The header `Idempotency-Key` of a withdrawal: one result for one key.

use serde_json::json;
use testkit::{Answer, Customer, ForeignInvoice, TestServer};

use super::refusals::together;

on_both!(
    i8_who_lost_the_answer_gets_it_by_the_key_to_the_byte,
    a7_concurrent_requests_with_one_key_make_one_withdrawal,
);
on_sqlite!(
    a7_a_key_with_another_request_is_a_conflict,
    a7_a_key_belongs_to_its_account,
    a_key_is_free_again_after_a_refusal,
    a_key_that_is_none_is_refused,
);

async fn keyed(
    server: &TestServer,
    customer: &Customer,
    invoice: &ForeignInvoice,
    sats: u64,
    key: &str,
) -> Answer {
    let call = server.withdrawal_call(customer, &invoice.bolt11, sats);
    call.header("idempotency-key", key).send().await
}

async fn i8_who_lost_the_answer_gets_it_by_the_key_to_the_byte(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let first = keyed(server, &customer, &invoice, 100, "order 7").await;
    let id = first.data(201)["id"].as_str().expect("an id").to_owned();
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(1_000));
    server.until_withdrawal(&customer, &id, "settled").await;
    server.restart().await;
    // Longer than the invoice can be paid.
    server.clock.advance_seconds(86_400);
    let again = keyed(server, &customer, &invoice, 100, "order 7").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(server.balance_msat(&customer).await, 899_000);
    assert_eq!(server.rail.asked().len(), 1);
}

async fn a7_concurrent_requests_with_one_key_make_one_withdrawal(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let call = || server.withdrawal_call(&customer, &invoice.bolt11, 100);
    let calls = (0..10).map(|_| call().header("idempotency-key", "k").send());
    let answers = together(calls).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
    server.until_asked(&invoice, 1).await;
    assert_eq!(server.rail.asked().len(), 1);
}

async fn a7_a_key_with_another_request_is_a_conflict(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let (first, second) = (server.foreign_invoice(100), server.foreign_invoice(100));
    keyed(server, &customer, &first, 100, "k").await.data(201);
    let reused = keyed(server, &customer, &second, 100, "k").await;
    assert_eq!(reused.problem(), (409, "idempotency_key_reused".to_owned()));
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
    keyed(server, &customer, &second, 100, "K").await.data(201);
}

async fn a7_a_key_belongs_to_its_account(server: &mut TestServer) {
    let (one, two) = (server.customer(1_000).await, server.customer(1_000).await);
    let first = keyed(server, &one, &server.foreign_invoice(100), 100, "k")
        .await
        .data(201);
    let second = keyed(server, &two, &server.foreign_invoice(100), 100, "k")
        .await
        .data(201);
    assert_ne!(first["id"], second["id"]);
    // Another key of the same account speaks for the same account.
    let other_key = Customer {
        key: server.new_key(one.account_id).await,
        ..one
    };
    let reused = keyed(server, &other_key, &server.foreign_invoice(100), 100, "k").await;
    assert_eq!(reused.problem().1, "idempotency_key_reused");
}

async fn a_key_is_free_again_after_a_refusal(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let invoice = server.foreign_invoice(100);
    let refused = keyed(server, &customer, &invoice, 100, "k").await;
    assert_eq!(refused.problem().1, "insufficient_funds");
    server.fund(customer.account_id, 1_000).await;
    keyed(server, &customer, &invoice, 100, "k").await.data(201);
}

async fn a_key_that_is_none_is_refused(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    for key in ["", &"k".repeat(256)] {
        let refused = keyed(server, &customer, &invoice, 100, key).await;
        assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()));
    }
    keyed(server, &customer, &invoice, 100, &"k".repeat(255))
        .await
        .data(201);
    let listed = server
        .get("/v1/transactions")
        .key(&customer.key)
        .send()
        .await
        .data(200);
    assert_eq!(
        listed.as_array().map(Vec::len),
        Some(2),
        "a deposit and a withdrawal: {}",
        json!(listed)
    );
}
