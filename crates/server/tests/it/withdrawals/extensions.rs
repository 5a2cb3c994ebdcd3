//! What the withdrawal takes beyond the contract: an amount for an invoice without one, everything, and a limit on the
//! fee.

use money::Msat;
use serde_json::{Value, json};
use testkit::{Answer, Customer, InvoiceSpec, TestServer};

on_sqlite!(
    d3_an_invoice_without_an_amount_is_paid_with_the_requests,
    c5_everything_empties_the_wallet_over_lightning,
    c5_everything_goes_to_another_account_of_the_server,
    a_fee_limit_is_the_reserve_and_the_nodes_limit,
    an_extension_that_makes_no_sense_is_refused,
    b9_a_repeat_of_a_paid_invoice_gets_the_payment_after_its_expiry,
);

async fn ask(server: &TestServer, by: &Customer, form: &Value) -> Answer {
    let call = server.post("/v1/bitcoin/withdraw/confirm");
    call.key(&by.key).json(form).send().await
}

fn amountless(server: &TestServer) -> testkit::ForeignInvoice {
    let spec = InvoiceSpec {
        amount_msat: None,
        ..InvoiceSpec::new(0, server.now())
    };
    spec.sign()
}

async fn d3_an_invoice_without_an_amount_is_paid_with_the_requests(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = amountless(server);
    let form = json!({"amount": 100.001, "currency": "sats", "destination": invoice.bolt11});
    let id = ask(server, &customer, &form).await.data(201)["id"].clone();
    let again = ask(server, &customer, &form).await.data(201);
    assert_eq!(again["id"], id);
    let more = json!({"amount": 101, "currency": "sats", "destination": invoice.bolt11});
    let refused = ask(server, &customer, &more).await;
    assert_eq!(refused.problem(), (409, "payment_in_progress".to_owned()));
    server.until_asked(&invoice, 1).await;
    let asked = server.rail.asked_for(invoice.payment_hash);
    assert_eq!(asked[0].amount_msat, Msat::new(100_001).ok());
    server.rail.push(invoice.succeeded(500));
    let id = id.as_str().expect("an id");
    server.until_withdrawal(&customer, id, "settled").await;
    assert_eq!(server.balance_msat(&customer).await, 1_000_000 - 100_501);
}

async fn c5_everything_empties_the_wallet_over_lightning(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = amountless(server);
    let form = json!({"send_all": true, "destination": invoice.bolt11});
    let made = ask(server, &customer, &form).await.data(201);
    assert_eq!(server.balance_msat(&customer).await, 0);
    // 1 % and 5 sat fit beside it: 985.148514 sat.
    assert_eq!(made["amount_sats"], 985);
    server.until_asked(&invoice, 1).await;
    let asked = &server.rail.asked_for(invoice.payment_hash)[0];
    let amount = asked.amount_msat.expect("an amount").get();
    assert!(amount + asked.fee_limit_msat.get() <= 1_000_000);
    server.rail.push(invoice.succeeded(700));
    let id = made["id"].as_str().expect("an id");
    let settled = server.until_withdrawal(&customer, id, "settled").await;
    assert_eq!(server.balance_msat(&customer).await, 0);
    // The customer sees the whole reserve as the fee, and the two come to what there was.
    let fee = settled["fee_sats"].as_f64().expect("a fee");
    assert!(
        (fee * 1_000.0 + amount as f64 - 1_000_000.0).abs() < 0.5,
        "{settled}"
    );
}

async fn c5_everything_goes_to_another_account_of_the_server(server: &mut TestServer) {
    let (payer, payee) = (server.customer(1_000).await, server.customer(0).await);
    let made = |sats: u64| {
        let form = json!({"amount": sats, "currency": "sats"});
        let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
        call.key(&payee.key).json(&form).send()
    };
    let text = |invoice: Value| {
        invoice["payment_request"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let (less, all) = (
        text(made(999).await.data(201)),
        text(made(1_000).await.data(201)),
    );
    let form = json!({"send_all": true, "destination": less});
    let refused = ask(server, &payer, &form).await;
    assert_eq!(refused.problem(), (400, "amount_mismatch".to_owned()));
    let form = json!({"send_all": true, "destination": all});
    let paid = ask(server, &payer, &form).await.data(201);
    assert_eq!(
        (&paid["status"], &paid["fee_sats"]),
        (&json!("settled"), &json!(0))
    );
    assert_eq!(server.balance_msat(&payer).await, 0);
    assert_eq!(server.balance_msat(&payee).await, 1_000_000);
}

async fn a_fee_limit_is_the_reserve_and_the_nodes_limit(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let mut left = 10_000_000;
    for (limit, reserve) in [(0, 0), (3, 3_000), (6, 6_000), (50, 6_000)] {
        let invoice = server.foreign_invoice(100);
        let form = json!({"destination": invoice.bolt11, "fee_limit_sats": limit});
        ask(server, &customer, &form).await.data(201);
        left -= 100_000 + reserve;
        assert_eq!(server.balance_msat(&customer).await, left);
        server.until_asked(&invoice, 1).await;
        let asked = &server.rail.asked_for(invoice.payment_hash)[0];
        assert_eq!(asked.fee_limit_msat.get(), reserve);
    }
}

async fn an_extension_that_makes_no_sense_is_refused(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let with = |name: &str, value: Value| {
        let mut form = json!({"destination": invoice.bolt11});
        form[name] = value;
        form
    };
    let mut both = with("send_all", json!(true));
    both["amount_sats"] = json!(100);
    for form in [
        both,
        with("send_all", json!("yes")),
        with("send_all", json!(1)),
        with("fee_limit_sats", json!(-1)),
        with("fee_limit_sats", json!(0.5)),
        with("fee_limit_sats", json!("3")),
        with("fee_limit_sats", json!(2_100_000_000_000_001_u64)),
    ] {
        let refused = ask(server, &customer, &form).await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{form}"
        );
    }
    let refused = ask(server, &customer, &with("send_all", json!(true))).await;
    assert_eq!(refused.problem(), (400, "amount_mismatch".to_owned()));
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn b9_a_repeat_of_a_paid_invoice_gets_the_payment_after_its_expiry(server: &mut TestServer) {
    let (customer, other) = (server.customer(1_000).await, server.customer(1_000).await);
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.clock.advance_seconds(7_200);
    let again = server
        .withdraw(&customer, &invoice.bolt11, 100)
        .await
        .data(201);
    assert_eq!(
        (&again["id"], &again["status"]),
        (&json!(id), &json!("pending"))
    );
    server.rail.push(invoice.succeeded(0));
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    let again = server
        .withdraw(&customer, &invoice.bolt11, 100)
        .await
        .data(201);
    assert_eq!(again, settled);
    let refused = server.withdraw(&other, &invoice.bolt11, 100).await;
    assert_eq!(refused.problem(), (409, "already_paid".to_owned()));
}
