//! `GET /v1/transactions/balance`.

use serde_json::{Value, json};
use testkit::{Customer, TestServer};

on_sqlite!(
    a_balance_fits_the_clients_that_read_32_bits,
    a_started_satoshi_is_not_shown,
    what_is_held_cannot_be_spent,
);

async fn balance(server: &TestServer, customer: &Customer) -> Value {
    let call = server.get("/v1/transactions/balance").key(&customer.key);
    call.send().await.data(200)
}

async fn a_balance_fits_the_clients_that_read_32_bits(server: &mut TestServer) {
    let customer = server.customer(0).await;
    assert_eq!(
        balance(server, &customer).await,
        json!({"balance": 0, "balance_msat": 0})
    );
    server.fund(customer.account_id, 4_294_967_295).await;
    assert_eq!(
        balance(server, &customer).await["balance"],
        4_294_967_295_u64
    );
    server.fund(customer.account_id, 705_032_705).await;
    let expected = json!({"balance": 4_294_967_295_u64, "balance_msat": 5_000_000_000_000_i64});
    assert_eq!(balance(server, &customer).await, expected);
}

async fn a_started_satoshi_is_not_shown(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(1));
    server.until_withdrawal(&customer, &id, "settled").await;
    let expected = json!({"balance": 899, "balance_msat": 899_999});
    assert_eq!(balance(server, &customer).await, expected);
}

async fn what_is_held_cannot_be_spent(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(500);
    let id = server.accepted_withdrawal(&customer, &invoice, 500).await;
    assert_eq!(balance(server, &customer).await["balance"], 490);
    let refused = server
        .withdraw(&customer, &server.foreign_invoice(490).bolt11, 490)
        .await;
    assert_eq!(refused.problem().1, "insufficient_funds");
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(balance(server, &customer).await["balance"], 500);
}
