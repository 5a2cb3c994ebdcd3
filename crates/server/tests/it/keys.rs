//! What a key may do, from where, until when, and with how much; over REST and over the hub.

use axum::http::Method;
use serde_json::{Value, json};
use server::http::client_address::TrustedProxies;
use testkit::{ADMIN_TOKEN, Customer, HubClient, TestServer};

use super::hub::METHOD;
use super::withdrawals::refusals::together;

on_both!(
    i2_a_budget_over_rest_stands_under_concurrency_and_a_restart,
    a8_of_an_approval_and_a_rejection_over_rest_one_wins,
);
on_sqlite!(
    i2_each_scope_opens_its_routes_and_no_others,
    i2_a_key_without_the_scope_pays_nothing_over_the_hub,
    a_key_bound_to_networks_opens_nothing_from_elsewhere,
    i4_a_revoked_key_opens_nothing_and_an_expired_one_neither,
    i4_an_account_is_closed_when_it_has_nothing,
    what_a_key_may_do_is_shown_and_changed,
    rules_that_make_no_sense_are_refused,
    an_account_sees_and_revokes_its_own_keys_alone,
    a_withdrawal_that_waits_says_so_and_ends_in_time,
    an_account_has_its_own_webhooks_alone,
);

const UUID: &str = "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01";

async fn with_rules(server: &TestServer, of: &Customer, rules: Value) -> Customer {
    Customer {
        key: server.ruled_key(of.account_id, &rules).await,
        ..of.clone()
    }
}

fn number(customer: &Customer) -> &str {
    customer.key.split_once('|').expect("a key").0
}

async fn operator(server: &TestServer, method: Method, path: &str) -> testkit::Answer {
    server.call(method, path).key(ADMIN_TOKEN).send().await
}

async fn i2_each_scope_opens_its_routes_and_no_others(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let routes = [
        (Method::GET, "/v1/transactions/balance".to_owned(), "read"),
        (Method::GET, "/v1/transactions".to_owned(), "read"),
        (Method::GET, "/v1/events".to_owned(), "read"),
        (
            Method::GET,
            format!("/v1/transactions/deposits/{UUID}"),
            "read",
        ),
        (
            Method::GET,
            format!("/v1/transactions/withdrawals/{UUID}"),
            "read",
        ),
        (
            Method::GET,
            format!("/v1/bitcoin/deposit/lightning-invoice/{UUID}"),
            "read",
        ),
        (
            Method::POST,
            "/v1/bitcoin/deposit/lightning-invoice".to_owned(),
            "receive",
        ),
        (
            Method::POST,
            "/v1/bitcoin/withdraw/confirm".to_owned(),
            "send",
        ),
        (Method::GET, "/v1/webhooks".to_owned(), "webhooks"),
        (Method::GET, "/v1/keys".to_owned(), "admin"),
        (Method::GET, "/v1/approvals".to_owned(), "admin"),
    ];
    for scope in ["read", "receive", "send", "webhooks", "admin"] {
        let key = with_rules(server, &customer, json!({"scopes": [scope]})).await;
        for (method, path, needed) in &routes {
            let answer = server.call(method.clone(), path).key(&key.key).send().await;
            let is_open = *needed == scope;
            assert_eq!(answer.status == 403, !is_open, "{scope} {path} {answer:?}");
            if !is_open {
                assert_eq!(answer.problem().1, "forbidden");
                assert!(answer.message().contains(needed), "{path}");
            }
        }
    }
    let usual = Customer {
        key: server.new_key(customer.account_id).await,
        ..customer.clone()
    };
    for (method, path, needed) in &routes {
        let answer = server
            .call(method.clone(), path)
            .key(&usual.key)
            .send()
            .await;
        assert_eq!(answer.status == 403, *needed == "admin", "{path}");
    }
}

async fn i2_a_key_without_the_scope_pays_nothing_over_the_hub(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let reader = with_rules(server, &customer, json!({"scopes": ["read"]})).await;
    let mut hub = HubClient::connect(server, &reader.key).await;
    let invoice = server.foreign_invoice(100);
    hub.invoke(METHOD, json!(["client 1", invoice.bolt11]))
        .await;
    let event = hub.event().await;
    assert_eq!(event["data"]["code"], "forbidden", "{event}");
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn a_key_bound_to_networks_opens_nothing_from_elsewhere(server: &mut TestServer) {
    server.settings.trusted_proxies =
        TrustedProxies::new(vec!["127.0.0.0/8".parse().expect("a network")]);
    server.restart().await;
    let customer = server.customer(0).await;
    let rules = json!({"networks": ["203.0.113.0/24", "2001:db8::7"]});
    let bound = with_rules(server, &customer, rules).await;
    let from = async |address: &str| {
        let call = server.get("/v1/transactions/balance").key(&bound.key);
        call.header("x-forwarded-for", address).send().await
    };
    assert_eq!(from("203.0.113.9").await.status, 200);
    assert_eq!(from("2001:db8::7").await.status, 200);
    for elsewhere in ["203.0.114.9", "203.0.113.9, 198.51.100.1", "2001:db8::8"] {
        let refused = from(elsewhere).await;
        assert_eq!(refused.problem(), (403, "address_forbidden".to_owned()));
    }
    let direct = server.get("/v1/transactions/balance").key(&bound.key);
    assert_eq!(direct.send().await.status, 403);
    // Without the proxy's network in the settings its word counts for nothing.
    server.settings.trusted_proxies = TrustedProxies::default();
    server.restart().await;
    let call = server.get("/v1/transactions/balance").key(&bound.key);
    let refused = call.header("x-forwarded-for", "203.0.113.9").send().await;
    assert_eq!(refused.status, 403);
}

async fn i2_a_budget_over_rest_stands_under_concurrency_and_a_restart(server: &mut TestServer) {
    let customer = server.customer(100_000).await;
    // 1,000 sat with 1 % and 5 sat is 1,015 sat: nine fit.
    let rules = json!({"budgets": [{"limit_sats": 10_000, "seconds": 86_400}]});
    let limited = with_rules(server, &customer, rules).await;
    let invoices: Vec<_> = (0..20).map(|_| server.foreign_invoice(1_000)).collect();
    let calls = invoices.iter().map(|invoice| {
        server
            .withdrawal_call(&limited, &invoice.bolt11, 1_000)
            .send()
    });
    let answers = together(calls.collect::<Vec<_>>().into_iter()).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(paid, 9);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), (403, "limit_reached".to_owned()));
    }
    server.restart().await;
    let invoice = server.foreign_invoice(1_000);
    let refused = server.withdraw(&limited, &invoice.bolt11, 1_000).await;
    assert_eq!(refused.problem(), (403, "limit_reached".to_owned()));
    // The account's other key is not limited.
    server
        .withdraw(&customer, &invoice.bolt11, 1_000)
        .await
        .data(201);
}

async fn i4_a_revoked_key_opens_nothing_and_an_expired_one_neither(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let soon = (server.now() + jiff::SignedDuration::from_secs(60)).to_string();
    let expiring = with_rules(server, &customer, json!({"expires_at": soon})).await;
    let doomed = with_rules(server, &customer, json!({})).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&doomed, &invoice, 100).await;
    let path = format!("/admin/v1/keys/{}", number(&doomed));
    let revoked = operator(server, Method::DELETE, &path).await;
    assert_eq!(revoked.status, 200);
    assert!(revoked.json()["revoked_at"].is_string());
    let balance = |of: &Customer| server.get("/v1/transactions/balance").key(&of.key).send();
    assert_eq!(balance(&expiring).await.status, 200);
    server.clock.advance_seconds(60);
    for ended in [&expiring, &doomed] {
        assert_eq!(balance(ended).await.problem().1, "invalid_api_key");
    }
    // What it asked for goes on.
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    server.until_withdrawal(&customer, &id, "settled").await;
}

async fn i4_an_account_is_closed_when_it_has_nothing(server: &mut TestServer) {
    let (rich, empty) = (server.customer(1).await, server.customer(0).await);
    let close = async |of: &Customer| {
        let path = format!("/admin/v1/accounts/{}/close", of.account_id);
        operator(server, Method::POST, &path).await
    };
    assert_eq!(
        close(&rich).await.problem(),
        (409, "account_not_empty".to_owned())
    );
    let closed = close(&empty).await;
    assert_eq!(closed.status, 200);
    assert!(closed.json()["closed_at"].is_string());
    let balance = server.get("/v1/transactions/balance").key(&empty.key);
    assert_eq!(balance.send().await.problem().1, "invalid_api_key");
    let form = json!({"name": "late", "account_id": empty.account_id.to_string()});
    let call = server.post("/admin/v1/keys").key(ADMIN_TOKEN).json(&form);
    assert_eq!(
        call.send().await.problem(),
        (409, "account_closed".to_owned())
    );
    let path = format!("/admin/v1/accounts/{UUID}/close");
    let unknown = operator(server, Method::POST, &path).await;
    assert_eq!(unknown.status, 404);
}

async fn what_a_key_may_do_is_shown_and_changed(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let node = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let rules = json!({
        "scopes": ["send", "read"],
        "networks": ["127.0.0.1", "10.0.0.0/8"],
        "destinations": [node],
        "max_payment_sats": 50,
        "approval_above_sats": 40,
        "budgets": [{"limit_sats": 100, "seconds": 60}],
    });
    let limited = with_rules(server, &customer, rules).await;
    let path = format!("/admin/v1/keys/{}", number(&limited));
    let shown = operator(server, Method::GET, &path).await.json();
    assert_eq!(shown["scopes"], json!(["read", "send"]));
    assert_eq!(shown["networks"], json!(["127.0.0.1/32", "10.0.0.0/8"]));
    assert_eq!(
        shown["budgets"],
        json!([{"limit_sats": 100, "seconds": 60}])
    );
    assert_eq!(shown.get("key"), None);
    let invoice = server.foreign_invoice(51);
    let refused = server.withdraw(&limited, &invoice.bolt11, 51).await;
    assert_eq!(refused.problem(), (403, "destination_forbidden".to_owned()));
    let change = async |form: Value| {
        let call = server.call(Method::PATCH, &path).key(ADMIN_TOKEN);
        call.json(&form).send().await
    };
    assert_eq!(change(json!({"destinations": []})).await.status, 200);
    let refused = server.withdraw(&limited, &invoice.bolt11, 51).await;
    assert_eq!(refused.problem(), (400, "amount_too_large".to_owned()));
    let changed = change(json!({"max_payment_sats": null, "budgets": null})).await;
    assert_eq!(changed.json()["approval_above_sats"], 40);
    let waits = server
        .withdraw(&limited, &invoice.bolt11, 51)
        .await
        .data(201);
    assert_eq!(waits["status"], "pending");
    let listed = operator(server, Method::GET, "/admin/v1/keys").await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
}

async fn rules_that_make_no_sense_are_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let path = format!("/admin/v1/keys/{}", number(&customer));
    for (form, name) in [
        (json!({"scopes": ["pay"]}), "scopes"),
        (json!({"networks": ["10.0.0.0/33"]}), "networks"),
        (json!({"networks": vec!["10.0.0.1"; 51]}), "networks"),
        (json!({"destinations": ["02aa"]}), "destinations"),
        (json!({"max_payment_sats": 0}), "max_payment_sats"),
        (json!({"max_payment_sats": u64::MAX}), "max_payment_sats"),
        (
            json!({"budgets": [{"limit_sats": 0, "seconds": 60}]}),
            "budgets",
        ),
        (
            json!({"budgets": [{"limit_sats": 1, "seconds": 0}]}),
            "budgets",
        ),
        (
            json!({"budgets": vec![json!({"limit_sats": 1, "seconds": 60}); 2]}),
            "budgets",
        ),
    ] {
        let call = server.call(Method::PATCH, &path).key(ADMIN_TOKEN);
        let refused = call.json(&form).send().await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{form}"
        );
        assert!(refused.message().contains(name), "{form}");
    }
    for number in ["999", "x", "-1"] {
        let path = format!("/admin/v1/keys/{number}");
        assert_eq!(operator(server, Method::DELETE, &path).await.status, 404);
    }
}

async fn an_account_sees_and_revokes_its_own_keys_alone(server: &mut TestServer) {
    let (one, other) = (server.customer(0).await, server.customer(0).await);
    let admin = with_rules(server, &one, json!({"scopes": ["admin"]})).await;
    let own = server.get("/v1/keys").key(&admin.key).send().await.json();
    assert_eq!(own.as_array().map(Vec::len), Some(2));
    let call = |method, of: &Customer| {
        let path = format!("/v1/keys/{}", number(of));
        server.call(method, &path).key(&admin.key).send()
    };
    assert_eq!(call(Method::GET, &other).await.status, 404);
    assert_eq!(call(Method::DELETE, &other).await.status, 404);
    assert_eq!(call(Method::DELETE, &one).await.status, 200);
    let balance = |of: &Customer| server.get("/v1/transactions/balance").key(&of.key).send();
    assert_eq!(balance(&one).await.status, 401);
    assert_eq!(balance(&other).await.status, 200);
}

async fn a_withdrawal_that_waits_says_so_and_ends_in_time(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let careful = with_rules(server, &customer, json!({"approval_above_sats": 10})).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&careful, &invoice, 100).await;
    let waits = server.withdrawal(&customer, &id).await;
    assert_eq!(waits["pending"]["reason"], "waits_for_approval", "{waits}");
    let listed = operator(server, Method::GET, "/admin/v1/approvals").await;
    assert_eq!(listed.data(200)[0]["id"], id);
    server.clock.advance_seconds(3_601);
    server.until_withdrawal(&customer, &id, "failed").await;
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    let approve = format!("/admin/v1/approvals/{id}/approve");
    let late = operator(server, Method::POST, &approve).await;
    assert_eq!(late.problem(), (409, "already_decided".to_owned()));
    assert_eq!(server.rail.asked().len(), 0);
}

async fn a8_of_an_approval_and_a_rejection_over_rest_one_wins(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let careful = with_rules(server, &customer, json!({"approval_above_sats": 10})).await;
    let admin = with_rules(server, &customer, json!({"scopes": ["admin"]})).await;
    let stranger = server.customer(0).await;
    let strange = with_rules(server, &stranger, json!({"scopes": ["admin"]})).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&careful, &invoice, 100).await;
    let call = |by: &str, decision: &str| {
        let path = format!("/v1/approvals/{id}/{decision}");
        server.post(&path).key(by).send()
    };
    assert_eq!(call(&strange.key, "approve").await.status, 404);
    let both = ["approve", "reject", "approve", "reject"];
    let calls: Vec<_> = both
        .iter()
        .map(|decision| call(&admin.key, decision))
        .collect();
    let answers = together(calls.into_iter()).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.problem(), (409, "already_decided".to_owned()));
    }
    let decided = won[0].data(200);
    if decided["status"] == "pending" {
        server.until_asked(&invoice, 1).await;
        server.rail.push(invoice.succeeded(0));
        server.until_withdrawal(&customer, &id, "settled").await;
    } else {
        assert_eq!(server.balance_msat(&customer).await, 10_000_000);
        assert_eq!(server.rail.asked().len(), 0);
    }
}

async fn an_account_has_its_own_webhooks_alone(server: &mut TestServer) {
    let (one, other) = (server.customer(0).await, server.customer(0).await);
    let make = |by: &Customer, form: Value| {
        let call = server.post("/v1/webhooks").key(&by.key);
        call.json(&form).send()
    };
    let url = "http://127.0.0.1:9/hook";
    let made = make(&one, json!({"url": url})).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["account_id"], one.account_id.to_string());
    let foreign = json!({"url": url, "account_id": one.account_id.to_string()});
    assert_eq!(make(&other, foreign).await.status, 404);
    let id = made["id"].as_str().expect("an id");
    let listed = async |by: &Customer| {
        let call = server.get("/v1/webhooks").key(&by.key);
        call.send().await.json().as_array().map(Vec::len)
    };
    assert_eq!(
        (listed(&one).await, listed(&other).await),
        (Some(1), Some(0))
    );
    for (method, path) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::DELETE, ""),
        (Method::POST, "/pause"),
        (Method::POST, "/resume"),
        (Method::POST, "/disable"),
        (Method::POST, "/rotate"),
        (Method::POST, "/promote"),
        (Method::POST, "/test"),
        (Method::GET, "/deliveries"),
    ] {
        let path = format!("/v1/webhooks/{id}{path}");
        let call = server.call(method, &path).key(&other.key).json(&json!({}));
        assert_eq!(call.send().await.status, 404, "{path}");
    }
    let event = format!("/v1/webhooks/{id}/deliveries/msg_{UUID}");
    assert_eq!(server.get(&event).key(&other.key).send().await.status, 404);
    let replay = server
        .post(&format!("/v1/webhooks/{id}/replay"))
        .key(&other.key);
    let form = json!({"from": "2020-01-01T00:00:00Z"});
    assert_eq!(replay.json(&form).send().await.status, 404);
    let own = server.call(Method::DELETE, &format!("/v1/webhooks/{id}"));
    assert_eq!(own.key(&one.key).send().await.status, 200);
}
