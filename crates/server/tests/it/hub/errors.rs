//! `WithdrawLightning`, when it is refused: always an event, and never a failed invocation.

use jiff::SignedDuration;
use lightning_invoice::Currency;
use payments::ports::PaymentFailure;
use serde_json::{Value, json};
use testkit::{HubClient, InvoiceSpec, TestServer, until};

use super::{CREATED, ERROR, METHOD, PRE_CHECKS, assert_nothing_more, completed, data, error};

on_sqlite!(
    wrong_arguments_are_an_event_that_names_the_argument,
    an_invoice_that_cannot_be_paid_is_an_event,
    an_account_or_a_server_that_says_no_is_an_event,
    a_client_id_counts_in_utf16_units,
);

async fn refused(server: &TestServer, arguments: Value, subject: &str, client_id: &str) -> Value {
    let customer = server.customer(1_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    assert_eq!(
        client.invoke(METHOD, arguments.clone()).await,
        completed(),
        "{arguments}"
    );
    let told = error(&client.event().await, subject, client_id);
    assert_nothing_more(&mut client).await;
    assert_eq!(
        server.balance_msat(&customer).await,
        1_000_000,
        "{arguments}"
    );
    assert_eq!(server.rail.asked(), [], "{arguments}");
    told
}

async fn wrong_arguments_are_an_event_that_names_the_argument(server: &mut TestServer) {
    let bolt11 = server.foreign_invoice(100).bolt11;
    let long = "c".repeat(37);
    let cases = [
        (json!([]), "", "ClientId"),
        (json!([[]]), "", "ClientId"),
        (json!([null, bolt11]), "", "ClientId"),
        (json!(["", bolt11]), "", "ClientId"),
        (json!([7, bolt11]), "", "ClientId"),
        (json!([{"a": 1}, bolt11]), "", "ClientId"),
        (json!([long, bolt11]), &long[..36], "ClientId"),
        (json!(["c"]), "c", "PaymentRequestHash"),
        (json!(["c", null]), "c", "PaymentRequestHash"),
        (json!(["c", " "]), "c", "PaymentRequestHash"),
        (json!(["c", 7]), "c", "PaymentRequestHash"),
        (json!(["c", [bolt11]]), "c", "PaymentRequestHash"),
        (json!([["c"]]), "c", "PaymentRequestHash"),
        (json!(["c", bolt11, 7]), "c", "arguments"),
        (json!([["c", bolt11, null]]), "c", "arguments"),
    ];
    for (arguments, client_id, named) in cases {
        let told = refused(server, arguments.clone(), PRE_CHECKS, client_id).await;
        assert_eq!(told["httpStatusCode"], 400, "{arguments}");
        let message = told["message"].as_str().unwrap_or_default();
        assert!(message.contains(named), "{arguments}: {message}");
    }
}

async fn an_invoice_that_cannot_be_paid_is_an_event(server: &mut TestServer) {
    let sound = InvoiceSpec::new(100_000, server.now());
    let spec = |change: fn(&mut InvoiceSpec)| {
        let mut spec = sound.clone();
        change(&mut spec);
        spec.sign().bolt11
    };
    let cases = [
        ("garbage".to_owned(), PRE_CHECKS, "invalid_invoice"),
        (
            spec(|spec| spec.amount_msat = None),
            PRE_CHECKS,
            "amountless_invoice",
        ),
        (
            spec(|spec| spec.currency = Currency::Bitcoin),
            PRE_CHECKS,
            "wrong_network",
        ),
        (
            spec(|spec| spec.created_at -= SignedDuration::from_hours(1)),
            ERROR,
            "invoice_expired",
        ),
        (spec(|spec| spec.node = 1), ERROR, "unknown_invoice"),
        (
            spec(|spec| spec.amount_msat = Some(990_000)),
            ERROR,
            "insufficient_funds",
        ),
    ];
    for (bolt11, subject, code) in cases {
        let told = refused(server, json!(["c", bolt11]), subject, "c").await;
        assert_eq!(
            (&told["httpStatusCode"], &told["code"]),
            (&json!(400), &json!(code))
        );
        if subject == ERROR {
            assert_eq!(told["statusError"], told["message"]);
        }
    }
}

async fn an_account_or_a_server_that_says_no_is_an_event(server: &mut TestServer) {
    server.add_capital(1_000).await;
    let customer = server.customer(10_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    let other = server.customer(10_000).await;
    let mut elsewhere = HubClient::connect(server, &other.key).await;
    let (paid, lost) = (server.foreign_invoice(100), server.foreign_invoice(100));
    for (name, invoice) in [("paid", &paid), ("lost", &lost)] {
        client.invoke(METHOD, json!([name, invoice.bolt11])).await;
        data(&client.event().await, CREATED, name);
        elsewhere
            .invoke(METHOD, json!(["again", invoice.bolt11]))
            .await;
        let told = error(&elsewhere.event().await, ERROR, "again");
        assert_eq!(
            (&told["httpStatusCode"], &told["code"]),
            (&json!(409), &json!("payment_in_progress"))
        );
        server.until_asked(invoice, 1).await;
    }
    server.rail.push(paid.succeeded(0));
    server.rail.let_failures_come_back(true);
    server
        .rail
        .push(lost.failed(PaymentFailure::RecipientRejected));
    client.event().await;
    client.event().await;
    for (invoice, code) in [(&paid, "already_paid"), (&lost, "earlier_attempt_ending")] {
        elsewhere
            .invoke(METHOD, json!(["again", invoice.bolt11]))
            .await;
        let told = error(&elsewhere.event().await, ERROR, "again");
        assert_eq!(
            (&told["httpStatusCode"], &told["code"]),
            (&json!(409), &json!(code))
        );
    }
    // A success after the failure stops the movement of money.
    server.rail.push(lost.succeeded(0));
    until("read-only mode", async || {
        (server.get("/readyz").send().await.status == 503).then_some(())
    })
    .await;
    client
        .invoke(METHOD, json!(["c", server.foreign_invoice(1).bolt11]))
        .await;
    let told = error(&client.event().await, ERROR, "c");
    assert_eq!(
        (&told["httpStatusCode"], &told["code"]),
        (&json!(503), &json!("read_only"))
    );
    assert_nothing_more(&mut client).await;
}

async fn a_client_id_counts_in_utf16_units(server: &mut TestServer) {
    let long = "🍺".repeat(19);
    refused(server, json!([long, "x"]), PRE_CHECKS, &"🍺".repeat(18)).await;
    let customer = server.customer(10_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    // 36 characters, or 18 that need two units each.
    for client_id in [
        "c".repeat(36),
        "é".repeat(36),
        "🍺".repeat(18),
        "\"\\\u{1e}<".to_owned(),
    ] {
        let invoice = server.foreign_invoice(1);
        client
            .invoke(METHOD, json!([client_id, invoice.bolt11]))
            .await;
        data(&client.event().await, CREATED, &client_id);
    }
}
