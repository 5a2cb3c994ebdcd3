//! What a client is answered when its withdrawal is accepted.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{InvoiceSpec, TestServer};

on_sqlite!(
    the_answer_has_every_field_that_clients_need,
    an_amount_may_be_written_as_older_and_other_clients_write_it,
    metadata_comes_back_as_it_was_sent,
    the_invoice_decides_when_no_amount_is_named,
);

async fn the_answer_has_every_field_that_clients_need(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answer = server.withdraw(&customer, &invoice.bolt11, 100).await;
    let data = answer.data(201);
    let id = data["id"].as_str().expect("an id");
    let ledger_tx_id = data["ledger_tx_id"].as_str().expect("a posting");
    let at = "2026-01-01T00:00:00.000000Z";
    let expected = json!({
        "id": id,
        "company_id": customer.account_id.to_string(),
        "ledger_tx_id": ledger_tx_id,
        "amount_sats": 100,
        "recipient": invoice.bolt11,
        "fee_sats": 0,
        "network_type": "regtest",
        "rail_type": "lightning",
        "status": "pending",
        "lightning_payment": null,
        "chain_tx_id": null,
        "metadata": null,
        "created_at": at,
        "updated_at": at,
    });
    assert_eq!(data, expected);
    server.until_asked(&invoice, 1).await;
    let later = server.withdrawal(&customer, id).await;
    assert_eq!(later["status"], "pending");
    assert_eq!(later["lightning_payment"]["status"], "IN_FLIGHT");
}

async fn an_amount_may_be_written_as_older_and_other_clients_write_it(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let forms = [
        json!({"amount": 100, "currency": "sats"}),
        json!({"amount": 100.0, "currency": "SATS"}),
        json!({"amount": 0.000001, "currency": "btc"}),
        json!({"amount": 1e-6, "currency": "Btc"}),
        json!({"amount_sats": 100}),
        json!({"amount": 100, "currency": "sats", "amount_sats": 100, "address_type": "segwit"}),
    ];
    for mut form in forms {
        form["destination"] = server.foreign_invoice(100).bolt11.into();
        assert_eq!(
            confirm(server, &customer.key, &form).await["amount_sats"],
            100,
            "{form}"
        );
    }
    // Clients that count in satoshis name a started one for an invoice with a fraction.
    let odd = InvoiceSpec::new(100_500, server.now()).sign();
    let form = json!({"amount": 101, "currency": "sats", "destination": odd.bolt11});
    assert_eq!(
        confirm(server, &customer.key, &form).await["amount_sats"],
        100
    );
}

async fn the_invoice_decides_when_no_amount_is_named(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(123);
    let upper = format!("lightning:{}", invoice.bolt11.to_uppercase());
    let data = confirm(server, &customer.key, &json!({ "destination": upper })).await;
    assert_eq!(
        (&data["amount_sats"], &data["recipient"]),
        (&json!(123), &json!(invoice.bolt11))
    );
}

async fn metadata_comes_back_as_it_was_sent(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    for metadata in [
        json!({"userID": "1234", "é": "\"<>&\u{2028}"}),
        json!({}),
        json!(null),
    ] {
        server.clock.advance(SignedDuration::from_millis(1));
        let invoice = server.foreign_invoice(10);
        let form = json!({
            "amount": 10, "currency": "sats", "destination": invoice.bolt11, "metadata": metadata,
        });
        let data = confirm(server, &customer.key, &form).await;
        assert_eq!(data["metadata"], metadata);
        let id = data["id"].as_str().expect("an id");
        assert_eq!(server.withdrawal(&customer, id).await["metadata"], metadata);
    }
}

async fn confirm(server: &TestServer, key: &str, form: &Value) -> Value {
    let call = server
        .post("/v1/bitcoin/withdraw/confirm")
        .key(key)
        .json(form);
    call.send().await.data(201)
}
