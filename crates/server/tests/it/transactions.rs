//! `GET /v1/transactions` and single transactions.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Customer, TestServer};

on_sqlite!(
    a_row_has_every_field_that_clients_need,
    an_account_without_history_has_an_empty_list,
    a_page_that_nobody_gave_is_refused,
    what_does_not_exist_is_not_found,
);
on_both!(
    pages_go_through_the_whole_list_newest_first,
    another_tenants_things_are_not_found
);

async fn list(server: &TestServer, customer: &Customer, query: &str) -> Value {
    let path = format!("/v1/transactions{query}");
    let answer = server.get(&path).key(&customer.key).send().await;
    assert!(answer.data(200).is_array());
    answer.json()
}

async fn a_row_has_every_field_that_clients_need(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    server.clock.advance_seconds(1);
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.clock.advance_seconds(1);
    server.rail.push(invoice.succeeded(1_500));
    server.until_withdrawal(&customer, &id, "settled").await;
    let rows = list(server, &customer, "").await["data"].take();
    let company_id = customer.account_id.to_string();
    assert_eq!(
        rows[0],
        json!({
            "id": id, "company_id": company_id, "amount_sats": 100, "recipient": invoice.bolt11,
            "rail_type": "lightning", "network_type": "regtest", "type": "withdrawal",
            "fee_microsats": 1_500_000, "status": "settled",
            "created_at": "2026-01-01T00:00:01.000000Z",
            "updated_at": "2026-01-01T00:00:02.000000Z",
        })
    );
    let deposit = &rows[1];
    assert_eq!(
        (&deposit["type"], &deposit["status"]),
        (&json!("deposit"), &json!("settled"))
    );
    assert_eq!(
        (&deposit["amount_sats"], &deposit["fee_microsats"]),
        (&json!(1000), &json!(0))
    );
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
}

async fn an_account_without_history_has_an_empty_list(server: &mut TestServer) {
    let customer = server.customer(0).await;
    assert_eq!(list(server, &customer, "").await["data"], json!([]));
}

async fn pages_go_through_the_whole_list_newest_first(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    for _ in 0..4 {
        server.clock.advance_millis(1);
        let invoice = server.foreign_invoice(10);
        server.accepted_withdrawal(&customer, &invoice, 10).await;
        server.clock.advance_millis(1);
        server.fund(customer.account_id, 1).await;
    }
    let ids = |page: &Value| -> Vec<String> {
        let rows = page["data"].as_array().expect("rows");
        rows.iter()
            .map(|row| row["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let whole = list(server, &customer, "").await;
    assert_eq!(whole.get("next_cursor"), None);
    let all = ids(&whole);
    let times: Vec<_> = whole["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["created_at"].as_str())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{times:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 9);

    for limit in [1, 2, 3, 4, 8, 9, 1000] {
        let (mut seen, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let page = list(server, &customer, &query).await;
            let rows = ids(&page);
            assert!(!rows.is_empty() && rows.len() <= limit, "limit {limit}");
            seen.extend(rows);
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            query = format!("?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen, all, "limit {limit}");
    }
}

async fn a_page_that_nobody_gave_is_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?cursor=zz",
        "?cursor=00",
        "?limit=-1",
    ] {
        let call = server
            .get(&format!("/v1/transactions{query}"))
            .key(&customer.key);
        assert_eq!(
            call.send().await.problem(),
            (400, "invalid_parameter".to_owned()),
            "{query}"
        );
    }
    list(server, &customer, "?cursor=&unknown=1&limit=5").await;
}

async fn another_tenants_things_are_not_found(server: &mut TestServer) {
    let (owner, stranger) = (server.customer(1_000).await, server.customer(1_000).await);
    let invoice = server.foreign_invoice(10);
    let withdrawal = server.accepted_withdrawal(&owner, &invoice, 10).await;
    let form = json!({"amount": 1, "currency": "sats"});
    let path = "/v1/bitcoin/deposit/lightning-invoice";
    let made = server
        .post(path)
        .key(&owner.key)
        .json(&form)
        .send()
        .await
        .data(201);
    let made = made["id"].as_str().expect("an id");
    let rows = list(server, &owner, "").await["data"].take();
    let deposit = rows
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["type"] == "deposit");
    let deposit = deposit.expect("the first deposit")["id"]
        .as_str()
        .expect("an id");
    let paths = [
        format!("/v1/transactions/withdrawals/{withdrawal}"),
        format!("/v1/transactions/deposits/{deposit}"),
        format!("{path}/{made}"),
        format!("{path}/id/{made}"),
    ];
    for path in paths {
        server.get(&path).key(&owner.key).send().await.data(200);
        let refused = server.get(&path).key(&stranger.key).send().await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{path}");
    }
    let of_stranger = list(server, &stranger, "").await.to_string();
    assert!(!of_stranger.contains(&withdrawal) && !of_stranger.contains(deposit));
    assert_eq!(server.balance_msat(&stranger).await, 1_000_000);
    // A cursor of the owner's shows the stranger nothing but the stranger's own.
    let cursor = list(server, &owner, "?limit=1").await["next_cursor"].take();
    let page = format!("?cursor={}", cursor.as_str().expect("a cursor"));
    assert!(
        !list(server, &stranger, &page)
            .await
            .to_string()
            .contains(deposit)
    );
}

async fn what_does_not_exist_is_not_found(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let folders = [
        "/v1/transactions/withdrawals",
        "/v1/transactions/deposits",
        "/v1/bitcoin/deposit/lightning-invoice",
        "/v1/bitcoin/deposit/lightning-invoice/id",
    ];
    let ids = [
        "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
        "7",
        "x%20y",
        "%F0%9F%8D%BA",
        "%FF",
        "'--",
    ];
    for folder in folders {
        for id in ids {
            let call = server.get(&format!("{folder}/{id}")).key(&customer.key);
            let refused = call.send().await;
            assert_eq!(
                refused.problem(),
                (404, "not_found".to_owned()),
                "{folder}/{id}"
            );
        }
    }
}
