//! What stands around every call: filters, the statement, limits, names of requests, and headers.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{Customer, TestServer};

on_both!(the_statement_begins_and_ends_with_the_balances_of_the_ledger);
on_sqlite!(
    the_list_is_filtered_by_each_of_its_filters,
    a_filter_that_is_none_is_refused,
    i7_what_a_customer_writes_is_no_formula_in_the_statement,
    a_key_that_calls_too_often_is_told_when_to_come_back,
    every_answer_has_a_name_and_headers_that_keep_it_safe,
);

async fn listed(server: &TestServer, of: &Customer, query: &str) -> Vec<Value> {
    let path = format!("/v1/transactions?{query}");
    let rows = server.get(&path).key(&of.key).send().await.data(200);
    rows.as_array().expect("rows").clone()
}

/// A withdrawal with metadata.
async fn noted(server: &TestServer, of: &Customer, sats: u64, note: &str) -> String {
    let invoice = server.foreign_invoice(sats);
    let form = json!({
        "amount": sats, "currency": "sats", "destination": invoice.bolt11, "metadata": {"note": note, "shop": "a"},
    });
    let call = server.post("/v1/bitcoin/withdraw/confirm").key(&of.key);
    let id = call.json(&form).send().await.data(201)["id"].clone();
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(1_000));
    let id = id.as_str().expect("an id").to_owned();
    server.until_withdrawal(of, &id, "settled").await;
    id
}

async fn the_list_is_filtered_by_each_of_its_filters(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    server.clock.advance_seconds(100);
    let first = noted(server, &customer, 100, "one").await;
    server.clock.advance_seconds(100);
    let middle = server.now();
    let second = noted(server, &customer, 200, "two").await;
    server.clock.advance_seconds(100);
    let pending = server.foreign_invoice(300);
    let third = server.accepted_withdrawal(&customer, &pending, 300).await;
    let ids = async |query: &str| -> Vec<String> {
        let rows = listed(server, &customer, query).await;
        rows.iter()
            .map(|row| row["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(ids("").await.len(), 4);
    assert_eq!(ids("status=pending").await, std::slice::from_ref(&third));
    assert_eq!(ids("status=failed").await.len(), 0);
    assert_eq!(
        ids("type=withdrawal").await,
        [third.clone(), second.clone(), first.clone()]
    );
    assert_eq!(ids("type=deposit&status=settled").await.len(), 1);
    assert_eq!(ids("rail_type=onchain").await.len(), 0);
    assert_eq!(ids("rail_type=lightning").await.len(), 4);
    assert_eq!(
        ids("metadata=note%3Dtwo").await,
        std::slice::from_ref(&second)
    );
    assert_eq!(
        ids("metadata=shop%3Da&metadata=note%3Done").await,
        std::slice::from_ref(&first)
    );
    assert_eq!(ids("metadata=note%3Dthree").await.len(), 0);
    assert_eq!(
        ids(&format!("from={middle}")).await,
        [third.clone(), second.clone()]
    );
    assert_eq!(
        ids(&format!("to={middle}&type=withdrawal")).await,
        std::slice::from_ref(&first)
    );
    // A cursor goes on where the filtered page ended.
    let call = server
        .get("/v1/transactions?type=withdrawal&limit=2")
        .key(&customer.key);
    let page = call.send().await.json();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(2));
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    assert_eq!(
        ids(&format!("type=withdrawal&limit=2&cursor={cursor}")).await,
        [first]
    );
}

async fn a_filter_that_is_none_is_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for query in [
        "status=done",
        "type=both",
        "rail_type=ark",
        "from=yesterday",
        "to=1",
        "metadata=note",
        "limit=0",
        "cursor=zz",
    ] {
        let path = format!("/v1/transactions?{query}");
        let refused = server.get(&path).key(&customer.key).send().await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{query}"
        );
    }
    for query in ["format=xml", "from=x", "after=-1"] {
        let path = format!("/v1/transactions/export?{query}");
        let refused = server.get(&path).key(&customer.key).send().await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{query}"
        );
    }
}

async fn statement(server: &TestServer, of: &Customer, query: &str) -> Value {
    let path = format!("/v1/transactions/export?{query}");
    server.get(&path).key(&of.key).send().await.json()
}

async fn the_statement_begins_and_ends_with_the_balances_of_the_ledger(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    server.clock.advance_seconds(100);
    let first = noted(server, &customer, 100, "one").await;
    server.clock.advance_seconds(100);
    let middle = server.now();
    noted(server, &customer, 200, "two").await;
    // What is only held changes no balance.
    server
        .accepted_withdrawal(&customer, &server.foreign_invoice(300), 300)
        .await;
    let whole = statement(server, &customer, "").await;
    let amounts = |part: &Value| -> i64 {
        let entries = part["entries"].as_array().expect("entries");
        entries
            .iter()
            .map(|entry| entry["amount_msat"].as_i64().expect("an amount"))
            .sum()
    };
    assert_eq!(whole["opening_balance_msat"], 0);
    assert_eq!(
        whole["closing_balance_msat"],
        10_000_000 - 101_000 - 201_000
    );
    assert_eq!(amounts(&whole), 10_000_000 - 101_000 - 201_000);
    let held = 300_000 + 8_000;
    let available = server.balance_msat(&customer).await;
    assert_eq!(whole["closing_balance_msat"], available + held);
    let entries = whole["entries"].as_array().expect("entries");
    let of_first = entries
        .iter()
        .filter(|entry| entry["transaction_id"] == json!(first));
    assert_eq!(
        of_first.count(),
        2,
        "the amount and the routing fee: {whole}"
    );
    // Two parts by time join without a gap.
    let early = statement(server, &customer, &format!("to={middle}")).await;
    let late = statement(server, &customer, &format!("from={middle}")).await;
    assert_eq!(early["closing_balance_msat"], late["opening_balance_msat"]);
    assert_eq!(late["closing_balance_msat"], whole["closing_balance_msat"]);
    assert_eq!(amounts(&early) + amounts(&late), amounts(&whole));
    // So do two parts by number.
    let sequence = entries[0]["sequence"].as_i64().expect("a number");
    let rest = statement(server, &customer, &format!("after={sequence}")).await;
    assert_eq!(rest["opening_balance_msat"], entries[0]["balance_msat"]);
    let nothing = statement(server, &customer, "from=2200-01-01T00:00:00Z").await;
    assert_eq!(
        nothing["opening_balance_msat"],
        whole["closing_balance_msat"]
    );
    assert_eq!(nothing["entries"], json!([]));
}

async fn i7_what_a_customer_writes_is_no_formula_in_the_statement(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let payee = server.customer(0).await;
    let evil = "=HYPERLINK(\"http://evil\",\"x\")";
    let form = json!({"amount": 7, "currency": "sats", "description": evil, "metadata": {"=k": "\r\n=1+1"}});
    let call = server
        .post("/v1/bitcoin/deposit/lightning-invoice")
        .key(&payee.key);
    let invoice = call.json(&form).send().await.data(201);
    let text = invoice["payment_request"].as_str().expect("an invoice");
    server.withdraw(&customer, text, 7).await.data(201);
    let call = server
        .get("/v1/transactions/export?format=csv")
        .key(&payee.key);
    let csv = call.send().await;
    assert_eq!(
        csv.headers["content-type"],
        "text/csv; charset=utf-8; header=present"
    );
    let text = String::from_utf8(csv.body.to_vec()).expect("a text");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[1], ",,opening balance,,,,0,,");
    assert_eq!(lines[3], ",,closing balance,,,,7000,,");
    assert!(
        lines[2].contains(",\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\","),
        "{text}"
    );
    assert!(!text.contains(",=") && !text.contains("\n="), "{text}");
}

async fn a_key_that_calls_too_often_is_told_when_to_come_back(server: &mut TestServer) {
    server.settings.requests_per_second = Some(3);
    server.restart().await;
    let customer = server.customer(0).await;
    let call = || {
        server
            .get("/v1/transactions/balance")
            .key(&customer.key)
            .send()
    };
    for remaining in ["2", "1", "0"] {
        let answer = call().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["ratelimit-limit"], "3");
        assert_eq!(answer.headers["ratelimit-remaining"], remaining);
    }
    let refused = call().await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.headers["retry-after"], "1");
    let other = server.customer(0).await;
    let call = |of: &Customer| server.get("/v1/transactions/balance").key(&of.key).send();
    assert_eq!(call(&other).await.status, 200);
    server.clock.advance_seconds(1);
    assert_eq!(call(&customer).await.status, 200);
}

async fn every_answer_has_a_name_and_headers_that_keep_it_safe(server: &mut TestServer) {
    let named = server
        .get("/v1/transactions")
        .header("x-request-id", "order-7.a_b");
    assert_eq!(named.send().await.headers["x-request-id"], "order-7.a_b");
    let mut names = std::collections::BTreeSet::new();
    for (method, path) in [
        (Method::GET, "/v1/transactions"),
        (Method::GET, "/nowhere"),
        (Method::DELETE, "/v1/transactions"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/healthz"),
        (Method::POST, "/ExecutionLiveServer/v1/negotiate"),
    ] {
        // What could break out of a log line is no name.
        let call = server.call(method, path).header("x-request-id", "a b;c");
        let answer = call.send().await;
        let name = answer.headers["x-request-id"]
            .to_str()
            .expect("a text")
            .to_owned();
        assert!(name.len() == 32 && names.insert(name), "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert!(
            answer.headers.contains_key("content-security-policy"),
            "{path}"
        );
        assert!(answer.headers.contains_key("cache-control"), "{path}");
    }
}
