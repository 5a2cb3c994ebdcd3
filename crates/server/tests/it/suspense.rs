//! `/admin/v1/suspense`: what could not be placed, and who gets it.

use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Customer, InvoiceSpec, TestReceiver, TestServer};

on_both!(suspended_money_is_listed_and_given_to_an_account_once);
on_sqlite!(what_cannot_be_assigned_is_refused);

async fn listed(server: &TestServer, state: &str) -> Value {
    let call = server.get(&format!("/admin/v1/suspense?state={state}"));
    call.key(ADMIN_TOKEN).send().await.json()
}

async fn assign(server: &TestServer, id: &str, to: &Customer) -> testkit::Answer {
    let form = json!({"account_id": to.account_id.to_string()});
    let call = server.post(&format!("/admin/v1/suspense/{id}/assign"));
    call.key(ADMIN_TOKEN).json(&form).send().await
}

/// Money that came for nobody.
async fn suspended(server: &TestServer) -> Value {
    let stranger = InvoiceSpec::new(77_000, server.now()).sign();
    server.rail.receive(stranger.payment_hash, 77_000);
    server.until_quiet().await;
    let items = listed(server, "open").await;
    let hash = stranger.payment_hash.to_string();
    let found = items.as_array().expect("a list").iter();
    let mut found = found.filter(|item| item["payment_hash"] == hash);
    found.next().expect("an item").clone()
}

async fn suspended_money_is_listed_and_given_to_an_account_once(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let (customer, other) = (server.customer(0).await, server.customer(0).await);
    server
        .webhook(&customer, &receiver, &["deposit.lightning.completed"])
        .await;
    let item = suspended(server).await;
    assert_eq!(
        (&item["state"], &item["reason"]),
        (&json!("open"), &json!("no_invoice"))
    );
    assert_eq!(
        (&item["amount_msat"], &item["account_id"]),
        (&json!(77_000), &Value::Null)
    );
    let id = item["id"].as_str().expect("an id");
    let given = assign(server, id, &customer).await;
    assert_eq!(given.status, 200);
    let given = given.json();
    assert_eq!(given["account_id"], customer.account_id.to_string());
    assert_eq!(listed(server, "open").await, json!([]));
    assert_eq!(listed(server, "assigned").await, json!([given]));
    assert_eq!(server.balance_msat(&customer).await, 77_000);
    for to in [&customer, &other] {
        let refused = assign(server, id, to).await;
        assert_eq!(refused.problem(), (409, "already_assigned".to_owned()));
    }
    assert_eq!(server.balance_msat(&other).await, 0);

    let told = receiver.wait_for(1).await[0].json();
    assert_eq!(told["data"]["id"], given["deposit_id"]);
    assert_eq!(told["data"]["lightning_invoice_id"], Value::Null);
    assert_eq!(told["data"]["amount_sats"], 77);
    let list = server
        .get("/v1/transactions")
        .key(&customer.key)
        .send()
        .await
        .data(200);
    assert_eq!(list[0]["id"], given["deposit_id"]);
}

async fn what_cannot_be_assigned_is_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let item = suspended(server).await;
    let id = item["id"].as_str().expect("an id");
    for unknown in ["x", "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01"] {
        let refused = assign(server, unknown, &customer).await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()));
    }
    let path = format!("/admin/v1/suspense/{id}/assign");
    let cases = [
        (json!({}), (400, "missing_parameter")),
        (json!({"account_id": 7}), (400, "invalid_parameter")),
        (
            json!({"account_id": "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01"}),
            (404, "not_found"),
        ),
    ];
    for (form, (status, code)) in cases {
        let call = server.post(&path).key(ADMIN_TOKEN).json(&form);
        assert_eq!(call.send().await.problem(), (status, code.to_owned()));
    }
    let call = server.get("/admin/v1/suspense?state=lost").key(ADMIN_TOKEN);
    assert_eq!(
        call.send().await.problem(),
        (400, "invalid_parameter".to_owned())
    );
    assert_eq!(listed(server, "open").await, json!([item]));
}
