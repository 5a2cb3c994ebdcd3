//! `/admin/v1/…`: the operator's own, and nobody else's.

use axum::http::Method;
use serde_json::json;
use testkit::{ADMIN_TOKEN, TestServer};

on_sqlite!(
    only_the_operator_comes_in,
    an_account_and_its_key_work_from_the_start,
    an_account_must_be_named_when_there_are_several,
    the_audit_names_every_invariant,
);

async fn only_the_operator_comes_in(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let routes = [
        (Method::GET, "/admin/v1/accounts"),
        (Method::POST, "/admin/v1/accounts"),
        (Method::POST, "/admin/v1/keys"),
        (Method::GET, "/admin/v1/webhooks"),
        (Method::POST, "/admin/v1/webhooks"),
        (
            Method::DELETE,
            "/admin/v1/webhooks/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
        ),
        (Method::GET, "/admin/v1/suspense"),
        (
            Method::POST,
            "/admin/v1/suspense/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01/assign",
        ),
        (Method::GET, "/admin/v1/audit"),
        (Method::GET, "/admin/v1/reconciliation"),
        (Method::POST, "/admin/v1/resume"),
        (Method::GET, "/admin/v1/node"),
        (Method::POST, "/admin/v1/node/address"),
        (Method::POST, "/admin/v1/node/peers"),
        (Method::POST, "/admin/v1/node/channels"),
        (Method::POST, "/admin/v1/node/channels/00/close"),
    ];
    let almost = &ADMIN_TOKEN[1..];
    for (method, path) in routes {
        let refused = server.call(method.clone(), path).send().await;
        assert_eq!(
            refused.problem(),
            (401, "authentication_required".to_owned()),
            "{path}"
        );
        for token in [customer.key.as_str(), almost, "x"] {
            let refused = server.call(method.clone(), path).key(token).send().await;
            assert_eq!(
                refused.problem(),
                (401, "invalid_api_key".to_owned()),
                "{path}"
            );
            assert!(!refused.message().contains(token), "{path}");
        }
    }
}

async fn an_account_and_its_key_work_from_the_start(server: &mut TestServer) {
    let accounts = server.post("/admin/v1/accounts").key(ADMIN_TOKEN);
    let made = accounts.json(&json!({"name": " Shop "})).send().await;
    assert_eq!(made.status, 201);
    let account = made.json();
    assert_eq!(account["name"], "Shop");
    let keys = server.post("/admin/v1/keys").key(ADMIN_TOKEN);
    let made = keys.json(&json!({"name": "till"})).send().await;
    assert_eq!(made.status, 201);
    let key = made.json();
    assert_eq!(key["account_id"], account["id"]);
    let secret = key["key"].as_str().expect("a key");
    let balance = server
        .get("/v1/transactions/balance")
        .key(secret)
        .send()
        .await;
    assert_eq!(balance.data(200)["balance"], 0);
    let listed = server
        .get("/admin/v1/accounts")
        .key(ADMIN_TOKEN)
        .send()
        .await;
    let mut expected = account.clone();
    expected["balance_msat"] = json!(0);
    expected["held_msat"] = json!(0);
    assert_eq!((listed.status, listed.json()), (200, json!([expected])));
    for body in [json!({}), json!({"name": " "}), json!({"name": 7})] {
        let refused = server
            .post("/admin/v1/accounts")
            .key(ADMIN_TOKEN)
            .json(&body);
        assert_eq!(refused.send().await.status, 400, "{body}");
    }
}

async fn an_account_must_be_named_when_there_are_several(server: &mut TestServer) {
    let key = |body: serde_json::Value| {
        server
            .post("/admin/v1/keys")
            .key(ADMIN_TOKEN)
            .json(&body)
            .send()
    };
    let none = key(json!({"name": "till"})).await;
    assert_eq!(none.problem(), (400, "missing_parameter".to_owned()));
    let (one, _two) = (server.customer(0).await, server.customer(0).await);
    let several = key(json!({"name": "till"})).await;
    assert_eq!(several.problem(), (400, "missing_parameter".to_owned()));
    let id = one.account_id.to_string();
    let named = key(json!({"name": "till", "account_id": id})).await;
    assert_eq!(
        (named.status, &named.json()["account_id"]),
        (201, &json!(id))
    );
    for id in ["9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01", "x", ""] {
        let unknown = key(json!({"name": "till", "account_id": id})).await;
        assert_eq!(unknown.problem(), (404, "not_found".to_owned()), "{id}");
    }
}

async fn the_audit_names_every_invariant(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    server.accepted_withdrawal(&customer, &invoice, 100).await;
    let audit = server.get("/admin/v1/audit").key(ADMIN_TOKEN).send().await;
    assert_eq!(audit.status, 200);
    let audit = audit.json();
    assert_eq!(audit["holds"], true);
    let checks = audit["checks"].as_array().expect("checks");
    assert!(checks.len() >= 10, "{audit}");
    assert!(
        checks
            .iter()
            .all(|check| check["holds"] == true && check["broken_by"] == json!([]))
    );
}
