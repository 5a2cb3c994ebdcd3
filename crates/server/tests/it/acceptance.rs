//! The acceptance checklist of the Bitvora contract (section 13), row by row, and amounts that are none.
//!
//! Row 4 (Lightning addresses) has no case yet: they are not served. Row 10 has its cases beside the webhooks
//! (`webhooks/signature.rs`, `webhooks/delivery.rs`, `wire/bitvora/tests/webhooks.rs`).

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Customer, TestServer};

on_sqlite!(
    bitvora_1_creating_answers_201_and_reading_200_and_the_envelope_says_so,
    bitvora_2_integers_are_integers_and_fees_have_no_empty_fraction,
    bitvora_3_an_invoice_is_read_by_both_paths,
    bitvora_5_older_requests_currencies_in_any_case_and_unknown_fields_are_taken,
    bitvora_6_metadata_is_string_to_string_or_null,
    bitvora_7_a_lightning_payment_is_null_or_fourteen_strings_and_htlcs,
    bitvora_8_what_clients_take_for_strings_is_never_null,
    bitvora_9_every_error_is_json_with_a_message_and_no_data,
    bitvora_11_a_page_of_another_origin_may_call,
    bitvora_12_a_key_with_a_bar_is_a_bearer_token,
    bitvora_13_a_poller_is_not_slowed_down,
    d5_amounts_that_are_none_are_refused,
);

const INVOICE: &str = "/v1/bitcoin/deposit/lightning-invoice";
const WITHDRAW: &str = "/v1/bitcoin/withdraw/confirm";

async fn post(server: &TestServer, by: &Customer, path: &str, form: &Value) -> Answer {
    server.post(path).key(&by.key).json(form).send().await
}

async fn get(server: &TestServer, by: &Customer, path: &str) -> Answer {
    server.get(path).key(&by.key).send().await
}

fn order(sats: u64) -> Value {
    json!({"amount": sats, "currency": "sats", "description": "order 7", "expiry_seconds": 3_600})
}

async fn bitvora_1_creating_answers_201_and_reading_200_and_the_envelope_says_so(
    server: &mut TestServer,
) {
    let customer = server.customer(1_000).await;
    // `data` looks at the status of HTTP and of the envelope, and at the message.
    let invoice = post(server, &customer, INVOICE, &order(7)).await.data(201);
    let foreign = server.foreign_invoice(100);
    let withdrawal = server
        .withdraw(&customer, &foreign.bolt11, 100)
        .await
        .data(201);
    let text = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    for path in [
        "/v1/transactions/balance".to_owned(),
        "/v1/transactions".to_owned(),
        format!("/v1/transactions/withdrawals/{}", text(&withdrawal)),
        format!("{INVOICE}/{}", text(&invoice)),
    ] {
        get(server, &customer, &path).await.data(200);
    }
}

async fn bitvora_2_integers_are_integers_and_fees_have_no_empty_fraction(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let foreign = server.foreign_invoice(100);
    server
        .withdraw(&customer, &foreign.bolt11, 100)
        .await
        .data(201);
    for path in ["/v1/transactions", "/v1/transactions/balance"] {
        let answer = get(server, &customer, path).await;
        let text = String::from_utf8(answer.body.to_vec()).expect("a text");
        assert!(!text.contains(".0,") && !text.contains(".0}"), "{text}");
    }
    let rows = get(server, &customer, "/v1/transactions").await.data(200);
    for row in rows.as_array().expect("rows") {
        assert!(
            row["amount_sats"].is_u64() && row["fee_microsats"].is_u64(),
            "{row}"
        );
    }
}

async fn bitvora_3_an_invoice_is_read_by_both_paths(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let made = post(server, &customer, INVOICE, &order(7)).await.data(201);
    let id = made["id"].as_str().expect("an id");
    for path in [format!("{INVOICE}/{id}"), format!("{INVOICE}/id/{id}")] {
        assert_eq!(get(server, &customer, &path).await.data(200), made);
    }
}

async fn bitvora_5_older_requests_currencies_in_any_case_and_unknown_fields_are_taken(
    server: &mut TestServer,
) {
    let customer = server.customer(1_000).await;
    for form in [
        json!({"amount_sats": 7, "description": "x", "address_type": "segwit"}),
        json!({"amount": 7.0, "currency": "SATS", "description": "x"}),
        json!({"amount": 0.000_000_07, "currency": "Btc", "description": "x"}),
    ] {
        let made = post(server, &customer, INVOICE, &form).await.data(201);
        assert_eq!(
            (&made["amount_sats"], &made["value"]),
            (&json!(7), &json!(7)),
            "{form}"
        );
    }
    let foreign = server.foreign_invoice(100);
    let form = json!({"destination": foreign.bolt11, "amount_sats": 100, "whatever": [1]});
    post(server, &customer, WITHDRAW, &form).await.data(201);
}

async fn bitvora_6_metadata_is_string_to_string_or_null(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for (given, shown) in [
        (json!(null), json!(null)),
        (json!({}), json!({})),
        (json!({"userID": "1234"}), json!({"userID": "1234"})),
    ] {
        let mut form = order(7);
        form["metadata"] = given;
        let made = post(server, &customer, INVOICE, &form).await.data(201);
        assert_eq!(made["metadata"], shown);
    }
    for wrong in [json!({"n": 1}), json!({"n": null}), json!([]), json!("x")] {
        let mut form = order(7);
        form["metadata"] = wrong;
        let refused = post(server, &customer, INVOICE, &form).await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{form}"
        );
    }
}

async fn bitvora_7_a_lightning_payment_is_null_or_fourteen_strings_and_htlcs(
    server: &mut TestServer,
) {
    let customer = server.customer(1_000).await;
    let foreign = server.foreign_invoice(100);
    let made = server
        .withdraw(&customer, &foreign.bolt11, 100)
        .await
        .data(201);
    assert_eq!(made["lightning_payment"], json!(null));
    server.until_asked(&foreign, 1).await;
    server.rail.push(foreign.succeeded(1_000));
    let id = made["id"].as_str().expect("an id");
    let settled = server.until_withdrawal(&customer, id, "settled").await;
    let payment = settled["lightning_payment"].as_object().expect("a payment");
    assert_eq!(payment["htlcs"], json!([]));
    assert_eq!(
        payment.values().filter(|value| value.is_string()).count(),
        14
    );
}

async fn bitvora_8_what_clients_take_for_strings_is_never_null(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let form = json!({"amount": 7, "currency": "sats", "description": ""});
    let invoice = post(server, &customer, INVOICE, &form).await.data(201);
    for name in [
        "node_id",
        "memo",
        "r_preimage",
        "r_hash",
        "payment_request",
        "expiry",
        "settle_date",
    ] {
        assert!(invoice[name].is_string(), "{name}: {invoice}");
    }
    let rows = get(server, &customer, "/v1/transactions?type=deposit")
        .await
        .data(200);
    let id = rows[0]["id"].as_str().expect("an id");
    let deposit = get(
        server,
        &customer,
        &format!("/v1/transactions/deposits/{id}"),
    )
    .await
    .data(200);
    for name in [
        "ledger_tx_id",
        "recipient",
        "rail_type",
        "network_type",
        "status",
        "created_at",
        "updated_at",
    ] {
        assert!(deposit[name].is_string(), "{name}: {deposit}");
    }
}

async fn bitvora_9_every_error_is_json_with_a_message_and_no_data(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let calls = [
        (Method::GET, "/nowhere", 404),
        (Method::DELETE, "/v1/transactions", 405),
        (Method::POST, INVOICE, 400),
        (Method::GET, "/v1/transactions/deposits/x", 404),
    ];
    // `problem` looks at the status in the body, the message, and that there is no `data`.
    for (method, path, status) in calls {
        let call = server.call(method, path).key(&customer.key);
        assert_eq!(call.send().await.problem().0, status, "{path}");
    }
    assert_eq!(server.get("/v1/transactions").send().await.problem().0, 401);
    let large = server.post(INVOICE).key(&customer.key);
    let large = large
        .header("content-type", "application/json")
        .body(vec![b' '; 70_000]);
    assert_eq!(large.send().await.problem().0, 413);
}

async fn bitvora_11_a_page_of_another_origin_may_call(server: &mut TestServer) {
    let ask = server.call(Method::OPTIONS, WITHDRAW);
    let answer = ask
        .header("origin", "https://wallet.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let allowed = answer.headers["access-control-allow-headers"]
        .to_str()
        .expect("a text");
    assert!(
        allowed.contains("authorization") && allowed.contains("content-type"),
        "{allowed}"
    );
}

async fn bitvora_12_a_key_with_a_bar_is_a_bearer_token(server: &mut TestServer) {
    let customer = server.customer(7).await;
    assert!(customer.key.contains('|'));
    assert_eq!(
        get(server, &customer, "/v1/transactions/balance")
            .await
            .data(200)["balance"],
        7
    );
}

async fn bitvora_13_a_poller_is_not_slowed_down(server: &mut TestServer) {
    server.settings.requests_per_second = Some(1_000);
    server.restart().await;
    let customer = server.customer(0).await;
    // The clock stands still: all of these come at one moment.
    for _ in 0..50 {
        get(server, &customer, "/v1/transactions/balance")
            .await
            .data(200);
    }
}

async fn d5_amounts_that_are_none_are_refused(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let foreign = server.foreign_invoice(100);
    for amount in [
        "-1",
        "0",
        "-0.5",
        "0.0001",
        "1.00001",
        "9223372036854775808",
        "18446744073709551616",
        "1e400",
        "NaN",
        "Infinity",
        "\"1e3\"",
        "\" 1\"",
        "\"100\"",
        "2100000000000001",
        "true",
        "[100]",
        "{}",
    ] {
        for (path, rest) in [
            (INVOICE, "\"description\":\"x\"".to_owned()),
            (WITHDRAW, format!("\"destination\":\"{}\"", foreign.bolt11)),
        ] {
            let body = format!("{{\"amount\":{amount},\"currency\":\"sats\",{rest}}}");
            let call = server.post(path).key(&customer.key);
            let call = call.header("content-type", "application/json").body(body);
            let (status, code) = call.send().await.problem();
            assert!(
                (400..500).contains(&status),
                "{path} {amount}: {status} {code}"
            );
        }
    }
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}
