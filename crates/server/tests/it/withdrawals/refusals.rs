//! Withdrawals that are refused: with one code each, and without a trace in the books.

use jiff::SignedDuration;
use lightning_invoice::Currency;
use serde_json::{Value, json};
use testkit::{InvoiceSpec, TestServer};

on_sqlite!(
    an_invoice_that_cannot_be_paid_is_refused,
    an_amount_that_makes_no_sense_is_refused,
    a_request_that_is_not_well_formed_is_refused,
    too_little_money_is_refused_with_both_sums,
);
on_both!(
    a2_an_invoice_is_paid_once_however_often_it_is_asked,
    a1_concurrent_requests_cannot_overdraw
);

async fn an_invoice_that_cannot_be_paid_is_refused(server: &mut TestServer) {
    let sound = InvoiceSpec::new(100_000, server.now());
    let spec = |change: fn(&mut InvoiceSpec)| {
        let mut spec = sound.clone();
        change(&mut spec);
        spec.sign().bolt11
    };
    let mut garbled = spec(|_| {}).into_bytes();
    let last = garbled.last_mut().expect("a letter");
    *last = if *last == b'q' { b'p' } else { b'q' };
    let garbled = String::from_utf8(garbled).expect("ASCII");
    let cases = [
        (
            spec(|spec| spec.amount_msat = Some(101_000)),
            "amount_mismatch",
        ),
        (
            spec(|spec| spec.amount_msat = Some(100_001)),
            "amount_mismatch",
        ),
        (
            spec(|spec| spec.currency = Currency::Bitcoin),
            "wrong_network",
        ),
        (
            spec(|spec| spec.currency = Currency::BitcoinTestnet),
            "wrong_network",
        ),
        (
            spec(|spec| spec.currency = Currency::Signet),
            "wrong_network",
        ),
        (
            spec(|spec| spec.currency = Currency::Simnet),
            "wrong_network",
        ),
        (
            spec(|spec| spec.created_at -= SignedDuration::from_hours(1)),
            "invoice_expired",
        ),
        (spec(|spec| spec.node = 1), "unknown_invoice"),
        (garbled, "invalid_invoice"),
        ("lnbcrt1".to_owned(), "invalid_invoice"),
        ("someone@example.com".to_owned(), "invalid_invoice"),
        (
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".to_owned(),
            "invalid_invoice",
        ),
        ("é".repeat(1_000), "invalid_invoice"),
    ];
    for (destination, code) in cases {
        let form = json!({"amount": 100, "currency": "sats", "destination": destination});
        refused(server, &form, code).await;
    }
    let form = json!({"destination": spec(|spec| spec.amount_msat = None)});
    refused(server, &form, "amountless_invoice").await;
}

async fn an_amount_that_makes_no_sense_is_refused(server: &mut TestServer) {
    let destination = InvoiceSpec::new(100_000, server.now()).sign().bolt11;
    let amounts = [
        "-100",
        "0",
        "-0.0",
        "0.0001",
        "1e300",
        "2100000000000001",
        "9223372036854775808",
        "100000000000000000000000000000000",
        "\"100\"",
        "true",
        "[100]",
        "{}",
    ];
    for amount in amounts {
        let amount: Value = serde_json::from_str(amount).expect("JSON");
        for name in ["amount", "amount_sats"] {
            let form = json!({name: amount, "currency": "sats", "destination": destination});
            refused(server, &form, "invalid_parameter").await;
        }
    }
    for amount in [
        json!(100.5),
        json!(99),
        json!(99.999),
        json!(2_100_000_000_000_000_u64),
    ] {
        let form = json!({"amount": amount, "currency": "sats", "destination": destination});
        refused(server, &form, "amount_mismatch").await;
    }
    let form = json!({
        "amount": 100, "amount_sats": 101, "currency": "sats", "destination": destination,
    });
    refused(server, &form, "invalid_parameter").await;
}

async fn a_request_that_is_not_well_formed_is_refused(server: &mut TestServer) {
    let destination = InvoiceSpec::new(100_000, server.now()).sign().bolt11;
    let with = |name: &str, value: Value| {
        let mut form = json!({"amount": 100, "currency": "sats", "destination": destination});
        form[name] = value;
        form
    };
    let cases = [
        (
            json!({"amount": 100, "currency": "sats"}),
            "missing_parameter",
        ),
        (
            json!({"amount": 100, "destination": destination}),
            "missing_parameter",
        ),
        (with("destination", json!(" ")), "missing_parameter"),
        (with("destination", json!(7)), "invalid_parameter"),
        (with("currency", json!("usd")), "currency_unavailable"),
        (with("currency", json!("EUR")), "currency_unavailable"),
        (with("currency", json!("doge")), "invalid_parameter"),
        (with("currency", json!(1)), "invalid_parameter"),
        (with("metadata", json!({"n": 1})), "invalid_parameter"),
        (with("metadata", json!({"n": null})), "invalid_parameter"),
        (with("metadata", json!({"n": {}})), "invalid_parameter"),
        (with("metadata", json!(["a"])), "invalid_parameter"),
        (with("metadata", json!("a")), "invalid_parameter"),
        (json!([1]), "malformed_json"),
        (json!("x"), "malformed_json"),
    ];
    for (form, code) in cases {
        refused(server, &form, code).await;
    }
}

async fn too_little_money_is_refused_with_both_sums(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    // 986 sat need 1 % and 5 sat beside them: 1000.86 sat.
    let answer = server
        .withdraw(&customer, &server.foreign_invoice(986).bolt11, 986)
        .await;
    assert_eq!(answer.problem(), (400, "insufficient_funds".to_owned()));
    let message = answer.message();
    assert!(
        message.contains("1000.86 sats") && message.contains("1000 sats"),
        "{message}"
    );
    // One satoshi less is just enough.
    server
        .accepted_withdrawal(&customer, &server.foreign_invoice(985), 985)
        .await;
    assert_eq!(server.balance_msat(&customer).await, 150);
}

async fn a2_an_invoice_is_paid_once_however_often_it_is_asked(server: &mut TestServer) {
    let (one, two) = (server.customer(10_000).await, server.customer(10_000).await);
    let invoice = server.foreign_invoice(100);
    let calls = [&one, &two].map(|customer| {
        (0..5).map(|_| {
            server
                .withdrawal_call(customer, &invoice.bolt11, 100)
                .send()
        })
    });
    let answers = together(calls.into_iter().flatten()).await;
    // The wallet that was first gets the same payment five times, the other none.
    let told: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    assert_eq!(told.len(), 5, "{answers:?}");
    for answer in &told {
        assert_eq!(answer.data(201)["id"], told[0].data(201)["id"]);
    }
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.problem(), (409, "payment_in_progress".to_owned()));
    }
    server.until_asked(&invoice, 1).await;
    let left = server.balance_msat(&one).await + server.balance_msat(&two).await;
    assert_eq!(left, 20_000_000 - 106_000);
    assert_eq!(server.rail.asked().len(), 1);
}

async fn a1_concurrent_requests_cannot_overdraw(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoices: Vec<_> = (0..20).map(|_| server.foreign_invoice(100)).collect();
    let call = |bolt11: &str| server.withdrawal_call(&customer, bolt11, 100).send();
    let answers = together(invoices.iter().map(|invoice| call(&invoice.bolt11))).await;
    // Each needs 106 sat, so nine fit.
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        9
    );
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.problem(), (400, "insufficient_funds".to_owned()));
    }
    assert_eq!(
        server.balance_msat(&customer).await,
        1_000_000 - 9 * 106_000
    );
}

/// Runs calls at once, each on a task of its own.
pub(crate) async fn together<T: Send + 'static>(
    calls: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = calls.map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.expect("a task that ends"));
    }
    answers
}

/// Refused with status 400 and this code, for an account with money; and nothing happened.
async fn refused(server: &TestServer, form: &Value, code: &str) {
    let customer = server.customer(10_000).await;
    let call = server
        .post("/v1/bitcoin/withdraw/confirm")
        .key(&customer.key)
        .json(form);
    assert_eq!(
        call.send().await.problem(),
        (400, code.to_owned()),
        "{form}"
    );
    assert_eq!(server.balance_msat(&customer).await, 10_000_000, "{form}");
    assert_eq!(server.rail.asked(), [], "{form}");
}
