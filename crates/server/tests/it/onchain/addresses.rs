//! Addresses that are given out: one for each request, each watched for ever.

use serde_json::json;
use testkit::TestServer;

use super::{PATH, address, deposits, look};

on_both!(
    each_request_gets_an_address_of_its_own,
    f5_an_outage_of_500_blocks_and_unpaid_addresses_before_lose_no_deposit,
    an_idempotency_key_gets_one_address,
);
on_sqlite!(every_client_of_the_contract_gets_its_address);

async fn each_request_gets_an_address_of_its_own(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let first = address(server, &customer).await;
    let second = address(server, &customer).await;
    assert_ne!(first["address"], second["address"]);
    assert_ne!(first["id"], second["id"]);
    let text = first["address"].as_str().expect("a text");
    assert!(text.starts_with("bcrt1q"), "{text}");
    assert_eq!(first["metadata"], json!({"order": "7"}));
    assert_eq!(first["company_id"], customer.account_id.to_string());
    // It goes on where it was.
    server.restart().await;
    let third = address(server, &customer).await;
    assert!(third["address"] != first["address"] && third["address"] != second["address"]);
    look(server).await;
    assert_eq!(server.chain.issued(), 3);
}

async fn every_client_of_the_contract_gets_its_address(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for body in [r#"{"metadata":null}"#, r#"{"address_type":"segwit"}"#, ""] {
        let call = server.post(PATH).key(&customer.key);
        let call = call.header("content-type", "application/json").body(body);
        let made = call.send().await.data(201);
        assert!(
            made["address"].is_string() && made["metadata"].is_null(),
            "{made}"
        );
        assert_eq!(made["created_at"], made["updated_at"]);
    }
}

async fn an_idempotency_key_gets_one_address(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let asked = |body: &'static str| {
        let call = server.post(PATH).key(&customer.key);
        let call = call.header("idempotency-key", "k").body(body);
        call.header("content-type", "application/json").send()
    };
    let first = asked(r#"{"metadata":{"a":"b"}}"#).await;
    let again = asked(r#"{"metadata":{"a":"b"}}"#).await;
    assert_eq!((first.status, &first.body), (201, &again.body));
    let other = asked("{}").await.problem();
    assert_eq!(other, (409, "idempotency_key_reused".to_owned()));
    look(server).await;
    assert_eq!(server.chain.issued(), 1);
}

async fn f5_an_outage_of_500_blocks_and_unpaid_addresses_before_lose_no_deposit(
    server: &mut TestServer,
) {
    let customer = server.customer(0).await;
    look(server).await;
    server.chain.set_away(true);
    for _ in 0..30 {
        address(server, &customer).await;
    }
    assert!(server.look_at_the_chain().await.is_err());
    server.chain.receive(1, 0, 29, 5_000);
    server.chain.mine(1, 500);
    server.restart().await;
    assert!(server.look_at_the_chain().await.is_err());
    server.chain.set_away(false);
    look(server).await;
    let found = deposits(server, &customer).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["status"], "settled");
    assert_eq!(server.balance_msat(&customer).await, 5_000_000);
}
