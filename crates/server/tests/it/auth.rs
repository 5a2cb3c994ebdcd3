//! Who may call: every route of customers wants a key, and says so in JSON.

use axum::http::Method;
use testkit::{ADMIN_TOKEN, TestServer};

on_sqlite!(
    without_a_key_every_route_answers_401_in_json,
    a_key_is_known_by_all_of_it,
    each_account_sees_its_own_balance,
);

const ROUTES: [(Method, &str); 8] = [
    (Method::GET, "/v1/transactions/balance"),
    (Method::GET, "/v1/transactions"),
    (
        Method::GET,
        "/v1/transactions/deposits/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
    ),
    (
        Method::GET,
        "/v1/transactions/withdrawals/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
    ),
    (Method::POST, "/v1/bitcoin/withdraw/confirm"),
    (Method::POST, "/v1/bitcoin/deposit/lightning-invoice"),
    (
        Method::GET,
        "/v1/bitcoin/deposit/lightning-invoice/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
    ),
    (
        Method::GET,
        "/v1/bitcoin/deposit/lightning-invoice/id/9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
    ),
];

async fn without_a_key_every_route_answers_401_in_json(server: &mut TestServer) {
    let (customer, other) = (server.customer(0).await, server.customer(0).await);
    let uuid = "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01";
    let (number, secret) = customer.key.split_once('|').expect("the form of a key");
    let (other_number, _) = other.key.split_once('|').expect("the form of a key");
    let headers = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer garbage".to_owned()),
        Some(format!("Basic {}", customer.key)),
        Some(customer.key.clone()),
        Some(format!("Bearer {secret}")),
        Some(format!("Bearer {number}|{uuid}")),
        Some(format!("Bearer 999999|{secret}")),
        Some(format!("Bearer {other_number}|{secret}")),
        Some(format!("Bearer {}x", customer.key)),
        Some(format!("Bearer -{}", customer.key)),
        Some(format!("Bearer {}", "9".repeat(4_000))),
        Some(format!("Bearer {ADMIN_TOKEN}")),
    ];
    for (method, path) in ROUTES {
        for header in &headers {
            let call = server.call(method.clone(), path);
            let call = match header {
                Some(value) => call.header("authorization", value),
                None => call,
            };
            let answer = call.send().await;
            let (status, code) = answer.problem();
            assert_eq!(status, 401, "{path} {header:?}");
            assert!(["authentication_required", "invalid_api_key"].contains(&code.as_str()));
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            let said = answer.message();
            assert!(!said.contains(secret) && !said.contains(uuid), "{said}");
        }
    }
}

async fn a_key_is_known_by_all_of_it(server: &mut TestServer) {
    let customer = server.customer(7).await;
    assert!(customer.key.contains('|'));
    let second = server.new_key(customer.account_id).await;
    for value in [
        format!("Bearer {}", customer.key),
        format!("bearer {}", customer.key),
        format!("BEARER  {}", customer.key),
        format!("Bearer {second}"),
    ] {
        let call = server
            .get("/v1/transactions/balance")
            .header("authorization", &value);
        assert_eq!(call.send().await.data(200)["balance"], 7);
    }
}

async fn each_account_sees_its_own_balance(server: &mut TestServer) {
    let (rich, poor) = (server.customer(1_000).await, server.customer(1).await);
    assert_eq!(server.balance_msat(&rich).await, 1_000_000);
    assert_eq!(server.balance_msat(&poor).await, 1_000);
    let refused = server
        .withdraw(&poor, &server.foreign_invoice(100).bolt11, 100)
        .await;
    assert_eq!(refused.problem().1, "insufficient_funds");
    assert_eq!(server.balance_msat(&rich).await, 1_000_000);
}
