//! Making an invoice and reading it back.

use std::str::FromStr;

use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
use serde_json::{Value, json};
use testkit::{Answer, Customer, TestServer, payee};

const PATH: &str = "/v1/bitcoin/deposit/lightning-invoice";

on_sqlite!(
    an_invoice_is_real_and_is_read_back_by_both_paths,
    the_expiry_has_bounds,
    a_description_fits_as_long_as_bolt11_can_carry_it,
    metadata_comes_back_in_every_answer,
    a_request_that_makes_no_sense_is_refused,
    an_amount_may_be_written_as_older_clients_write_it,
    a_node_that_is_off_makes_no_invoice,
);
on_both!(a_repeat_with_its_key_makes_no_second_invoice);

async fn create(server: &TestServer, customer: &Customer, form: &Value) -> Answer {
    server.post(PATH).key(&customer.key).json(form).send().await
}

async fn an_invoice_is_real_and_is_read_back_by_both_paths(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let form = json!({
        "amount": 1000, "currency": "sats", "description": "order 7", "expiry_seconds": 3600,
        "metadata": {"userID": "abc123"},
    });
    let answer = create(server, &customer, &form).await;
    assert_eq!(answer.message(), "Lightning invoice created successfully");
    let data = answer.data(201);
    let text = |name: &str| data[name].as_str().expect("a text").to_owned();
    let (id, request) = (text("id"), text("payment_request"));

    let parsed = Bolt11Invoice::from_str(&request).expect("a BOLT 11 invoice");
    assert_eq!(parsed.amount_milli_satoshis(), Some(1_000_000));
    assert_eq!(parsed.expiry_time().as_secs(), 3_600);
    assert_eq!(parsed.payment_hash().to_string(), text("r_hash"));
    assert_eq!(parsed.get_payee_pub_key(), payee(1));
    let Bolt11InvoiceDescriptionRef::Direct(description) = parsed.description() else {
        panic!("a description, not its hash");
    };
    assert_eq!(description.to_string(), "order 7");

    let at = "2026-01-01T00:00:00.000000Z";
    let expected = json!({
        "id": id, "company_id": customer.account_id.to_string(), "node_id": payee(1).to_string(),
        "memo": "order 7", "r_preimage": "", "r_hash": text("r_hash"), "value": 1000,
        "amount_sats": 1000, "settled": false, "creation_date": at, "settle_date": "",
        "payment_request": request, "description_hash": "", "expiry": "3600", "state": "OPEN",
        "metadata": {"userID": "abc123"}, "lightning_address_id": null,
        "created_at": at, "updated_at": at,
    });
    assert_eq!(data, expected);
    for path in [format!("{PATH}/{id}"), format!("{PATH}/id/{id}")] {
        let read = server.get(&path).key(&customer.key).send().await;
        assert_eq!(read.data(200), expected, "{path}");
    }
}

async fn the_expiry_has_bounds(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let with = |seconds: Value| json!({"amount": 1, "currency": "sats", "expiry_seconds": seconds});
    for seconds in [
        json!(0),
        json!(-1),
        json!(2_592_001),
        json!(1.5),
        json!("60"),
        json!(1e30),
    ] {
        let refused = create(server, &customer, &with(seconds.clone())).await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{seconds}"
        );
        assert!(refused.message().contains("expiry_seconds"), "{seconds}");
    }
    for (seconds, shown) in [
        (json!(1), "1"),
        (json!(2_592_000), "2592000"),
        (json!(null), "86400"),
    ] {
        let made = create(server, &customer, &with(seconds)).await.data(201);
        assert_eq!(made["expiry"], shown);
    }
    let asked: Vec<_> = server
        .rail
        .invoices()
        .iter()
        .map(|made| made.expiry_seconds)
        .collect();
    assert_eq!(
        asked,
        [1, 2_592_000, 86_400],
        "what was refused never reached the node"
    );
}

async fn a_description_fits_as_long_as_bolt11_can_carry_it(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let with = |text: &str| json!({"amount": 1, "currency": "sats", "description": text});
    for text in ["x".repeat(640), "é".repeat(320)] {
        let refused = create(server, &customer, &with(&text)).await;
        assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()));
        assert!(refused.message().contains("description"));
    }
    for text in [
        "x".repeat(639),
        "é".repeat(319),
        String::new(),
        "<\"\\\u{7f}>".to_owned(),
    ] {
        let made = create(server, &customer, &with(&text)).await.data(201);
        assert_eq!(made["memo"], text);
    }
}

async fn metadata_comes_back_in_every_answer(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let form = json!({
        "amount": 1, "currency": "sats", "metadata": {"b": "1", "10": "é\u{2028}", "2": ""},
    });
    let made = create(server, &customer, &form).await.data(201);
    assert_eq!(made["metadata"], form["metadata"]);
    let path = format!("{PATH}/{}", made["id"].as_str().expect("an id"));
    let read = server.get(&path).key(&customer.key).send().await;
    assert_eq!(read.data(200)["metadata"], form["metadata"]);
}

async fn a_request_that_makes_no_sense_is_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let cases = [
        (json!({}), "missing_parameter"),
        (json!({"currency": "sats"}), "missing_parameter"),
        (json!({"amount": 1}), "missing_parameter"),
        (
            json!({"amount": 0, "currency": "sats"}),
            "invalid_parameter",
        ),
        (
            json!({"amount": -5, "currency": "sats"}),
            "invalid_parameter",
        ),
        (
            json!({"amount": 1e16, "currency": "sats"}),
            "invalid_parameter",
        ),
        (
            json!({"amount": 6.99, "currency": "usd"}),
            "currency_unavailable",
        ),
        (
            json!({"amount": 1, "currency": "sats", "metadata": {"n": 1}}),
            "invalid_parameter",
        ),
        (
            json!({"amount": 1, "currency": "sats", "description": 7}),
            "invalid_parameter",
        ),
    ];
    for (form, code) in cases {
        let refused = create(server, &customer, &form).await;
        assert_eq!(refused.problem(), (400, code.to_owned()), "{form}");
    }
    assert_eq!(server.rail.invoices(), []);
}

async fn an_amount_may_be_written_as_older_clients_write_it(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let forms = [
        json!({"amount_sats": 1000}),
        json!({"amount": 1000.0, "currency": "Sats"}),
        json!({"amount": 0.00001, "currency": "btc"}),
    ];
    for form in forms {
        let made = create(server, &customer, &form).await.data(201);
        assert_eq!(
            (&made["amount_sats"], &made["value"]),
            (&json!(1000), &json!(1000)),
            "{form}"
        );
    }
}

async fn a_node_that_is_off_makes_no_invoice(server: &mut TestServer) {
    let customer = server.customer(0).await;
    server.rail.set_down(true);
    let form = json!({"amount": 1, "currency": "sats"});
    let refused = create(server, &customer, &form).await;
    assert_eq!(refused.problem(), (503, "rail_unavailable".to_owned()));
    server.rail.set_down(false);
    create(server, &customer, &form).await.data(201);
}

async fn a_repeat_with_its_key_makes_no_second_invoice(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let with_key = |form: &Value| {
        let call = server.post(PATH).key(&customer.key).json(form);
        call.header("idempotency-key", "order 7").send()
    };
    let form = json!({"amount": 1000, "currency": "sats"});
    let first = with_key(&form).await;
    server.clock.advance_seconds(5);
    let again = with_key(&form).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(server.rail.invoices().len(), 1);
    let other = with_key(&json!({"amount": 1001, "currency": "sats"})).await;
    assert_eq!(other.problem(), (409, "idempotency_key_reused".to_owned()));
}
