//! Payments between two accounts of the server: the same events as any other, and nothing for the node to do.

use payments::payment_hash::PaymentHash;
use serde_json::{Value, json};
use testkit::{Customer, HubClient, InvoiceSpec, TestReceiver, TestServer, until};

use crate::hub::{COMPLETED, CREATED, METHOD, completed, data};
use crate::withdrawals::refusals::together;

on_both!(
    d9_an_internal_payment_is_told_of_like_any_other,
    a3_two_wallets_that_pay_one_internal_invoice_at_once_pay_it_once,
    a4_an_invoice_paid_from_both_sides_at_once_is_credited_once,
);
on_sqlite!(
    d1_an_invoice_with_our_payment_hash_that_is_not_ours_is_not_paid,
    d2_an_account_that_pays_itself_keeps_what_it_has,
    d8_an_internal_invoice_that_ran_out_or_was_paid_is_refused,
    b9_an_internal_payment_is_told_of_again_over_the_hub,
);
on_postgres!(
    a1_two_servers_cannot_overdraw_one_wallet,
    a2_two_servers_pay_one_invoice_once,
    a3_two_servers_pay_one_internal_invoice_once,
    a4_two_servers_credit_an_invoice_paid_from_both_sides_once,
);

/// An invoice of `of`, made by the server: its id, its text and its hash.
struct Own {
    id: String,
    bolt11: String,
    hash: PaymentHash,
}

async fn own(server: &TestServer, of: &Customer, sats: u64) -> Own {
    let form = json!({"amount": sats, "currency": "sats", "metadata": {"order": "7"}});
    let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
    let made = call.key(&of.key).json(&form).send().await.data(201);
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    Own {
        id: text("id"),
        bolt11: text("payment_request"),
        hash: text("r_hash").parse().expect("64 hex digits"),
    }
}

async fn transactions(server: &TestServer, of: &Customer) -> Value {
    let call = server.get("/v1/transactions").key(&of.key);
    call.send().await.data(200)
}

async fn d9_an_internal_payment_is_told_of_like_any_other(server: &mut TestServer) {
    server.settings.fees.deposit_fee = money::BasisPoints::new(100).expect("a share");
    server.settings.fees.withdrawal_fee = money::BasisPoints::new(50).expect("a share");
    server.restart().await;
    let receiver = TestReceiver::start().await;
    let (payer, payee) = (server.customer(1_000).await, server.customer(0).await);
    let events = [
        "withdrawal.lightning.pending",
        "withdrawal.lightning.completed",
    ];
    server.webhook(&payer, &receiver, &events).await;
    server
        .webhook(&payee, &receiver, &["deposit.lightning.completed"])
        .await;
    let mut hub = HubClient::connect(server, &payer.key).await;
    let invoice = own(server, &payee, 100).await;

    assert_eq!(
        hub.invoke(METHOD, json!(["c", invoice.bolt11])).await,
        completed()
    );
    let created = data(&hub.event().await, CREATED, "c");
    assert_eq!(created["status"], "PENDING");
    let done = data(&hub.event().await, COMPLETED, "c");
    assert_eq!(
        (&done["status"], &done["paymentId"]),
        (&json!("SUCCESS"), &created["paymentId"])
    );
    assert_eq!(
        (&done["feeBTC"], &done["amountBTC"]),
        (&json!(0), &created["amountBTC"])
    );

    receiver.wait_for(3).await;
    let mut told = receiver.events();
    told.sort();
    let mut expected = vec!["deposit.lightning.completed"];
    expected.extend(events);
    expected.sort_unstable();
    assert_eq!(told, expected);

    // Half a percent beside it, one percent of it, and nothing for a route.
    assert_eq!(server.balance_msat(&payer).await, 899_500);
    assert_eq!(server.balance_msat(&payee).await, 99_000);
    let id = done["paymentId"].as_str().expect("an id");
    let withdrawal = server.withdrawal(&payer, id).await;
    assert_eq!(
        (&withdrawal["status"], &withdrawal["fee_sats"]),
        (&json!("settled"), &json!(0.5))
    );
    let credited = &transactions(server, &payee).await[0];
    assert_eq!(
        (&credited["type"], &credited["status"]),
        (&json!("deposit"), &json!("settled"))
    );
    assert_eq!(credited["recipient"], withdrawal["recipient"]);
    let path = format!("/v1/bitcoin/deposit/lightning-invoice/{}", invoice.id);
    let seen = server.get(&path).key(&payee.key).send().await.data(200);
    assert_eq!(seen["settled"], true);
    assert_eq!(server.rail.asked(), []);
}

async fn a3_two_wallets_that_pay_one_internal_invoice_at_once_pay_it_once(server: &mut TestServer) {
    pay_internally_at_once(server, server).await;
}

async fn a3_two_servers_pay_one_internal_invoice_once(server: &mut TestServer) {
    let mut beside = server.beside().await;
    pay_internally_at_once(server, &beside).await;
    beside.stop().await;
}

async fn pay_internally_at_once(here: &TestServer, there: &TestServer) {
    let payers = [here.customer(1_000).await, here.customer(1_000).await];
    let payee = here.customer(0).await;
    for round in 1..=5 {
        let invoice = own(here, &payee, 10).await;
        let calls = [(here, &payers[0]), (there, &payers[1])]
            .map(|(server, payer)| server.withdrawal_call(payer, &invoice.bolt11, 10).send());
        let answers = together(calls.into_iter()).await;
        let paid = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(paid, 1, "{answers:?}");
        let refused = answers.iter().find(|answer| answer.status != 201);
        let refused = refused.expect("the other one").problem();
        assert_eq!(refused, (409, "already_paid".to_owned()));
        assert_eq!(here.balance_msat(&payee).await, round * 10_000);
        let left = here.balance_msat(&payers[0]).await + there.balance_msat(&payers[1]).await;
        assert_eq!(left, 2_000_000 - round * 10_000);
    }
}

async fn a4_an_invoice_paid_from_both_sides_at_once_is_credited_once(server: &mut TestServer) {
    pay_from_both_sides(server, server).await;
}

async fn a4_two_servers_credit_an_invoice_paid_from_both_sides_once(server: &mut TestServer) {
    let mut beside = server.beside().await;
    pay_from_both_sides(server, &beside).await;
    beside.stop().await;
}

/// The node of `here` reports the money while an account pays through `there`.
async fn pay_from_both_sides(here: &TestServer, there: &TestServer) {
    let (payer, payee) = (here.customer(1_000).await, here.customer(0).await);
    let mut paid_internally = 0;
    for round in 1..=8 {
        let invoice = own(here, &payee, 10).await;
        let call = there.withdrawal_call(&payer, &invoice.bolt11, 10).send();
        let call = tokio::spawn(call);
        here.rail.receive(invoice.hash, 10_000);
        let answer = call.await.expect("an answer");
        here.until_quiet().await;
        if answer.status == 201 {
            paid_internally += 10_000;
        } else {
            assert_eq!(answer.problem(), (409, "already_paid".to_owned()));
        }
        assert_eq!(here.balance_msat(&payee).await, round * 10_000);
        assert_eq!(here.balance_msat(&payer).await, 1_000_000 - paid_internally);
    }
}

async fn a1_two_servers_cannot_overdraw_one_wallet(server: &mut TestServer) {
    let mut beside = server.beside().await;
    let customer = server.customer(1_000).await;
    let invoices: Vec<_> = (0..50).map(|_| server.foreign_invoice(100)).collect();
    let calls = invoices.iter().enumerate().map(|(number, invoice)| {
        let through = if number % 2 == 0 { &*server } else { &beside };
        through
            .withdrawal_call(&customer, &invoice.bolt11, 100)
            .send()
    });
    let answers = together(calls).await;
    // Each needs 106 sat, so nine fit.
    let accepted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(accepted, 9);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), (400, "insufficient_funds".to_owned()));
    }
    assert_eq!(server.balance_msat(&customer).await, 46_000);
    beside.stop().await;
}

async fn a2_two_servers_pay_one_invoice_once(server: &mut TestServer) {
    let mut beside = server.beside().await;
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let calls = (0..50).map(|number| {
        let through = if number % 2 == 0 { &*server } else { &beside };
        through
            .withdrawal_call(&customer, &invoice.bolt11, 100)
            .send()
    });
    let answers = together(calls).await;
    let first = answers[0].data(201)["id"].clone();
    for answer in &answers {
        assert_eq!(answer.data(201)["id"], first);
    }
    until("one call to one of the two nodes", async || {
        (server.rail.asked().len() + beside.rail.asked().len() == 1).then_some(())
    })
    .await;
    assert_eq!(server.balance_msat(&customer).await, 9_894_000);
    beside.stop().await;
}

async fn d1_an_invoice_with_our_payment_hash_that_is_not_ours_is_not_paid(server: &mut TestServer) {
    let (payer, payee) = (server.customer(1_000).await, server.customer(0).await);
    let invoice = own(server, &payee, 100).await;
    let sound = InvoiceSpec::new(100_000, server.now());
    let mut forged = vec![sound.forge(invoice.hash)];
    // Another amount, and our own node's signature under another text.
    for (node, amount_msat) in [(2, 1_000), (1, 1_000), (1, 100_000)] {
        let spec = InvoiceSpec {
            node,
            amount_msat: Some(amount_msat),
            ..sound.clone()
        };
        forged.push(spec.forge(invoice.hash));
    }
    for forged in forged {
        let form = json!({"destination": forged.bolt11});
        let call = server
            .post("/v1/bitcoin/withdraw/confirm")
            .key(&payer.key)
            .json(&form);
        assert_eq!(
            call.send().await.problem(),
            (400, "forged_invoice".to_owned())
        );
    }
    assert_eq!(server.balance_msat(&payer).await, 1_000_000);
    assert_eq!(server.balance_msat(&payee).await, 0);
    assert_eq!(server.rail.asked(), []);
    server
        .withdraw(&payer, &invoice.bolt11, 100)
        .await
        .data(201);
}

async fn d2_an_account_that_pays_itself_keeps_what_it_has(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = own(server, &customer, 1_000).await;
    let paid = server
        .withdraw(&customer, &invoice.bolt11, 1_000)
        .await
        .data(201);
    assert_eq!(
        (&paid["status"], &paid["fee_sats"]),
        (&json!("settled"), &json!(0))
    );
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    // The withdrawal, its deposit, and the opening one.
    let all = transactions(server, &customer).await;
    assert_eq!(all.as_array().map(Vec::len), Some(3));
}

async fn d8_an_internal_invoice_that_ran_out_or_was_paid_is_refused(server: &mut TestServer) {
    let (payer, payee) = (server.customer(1_000).await, server.customer(0).await);
    let paid = own(server, &payee, 10).await;
    server.rail.receive(paid.hash, 10_000);
    server.until_quiet().await;
    let answer = server.withdraw(&payer, &paid.bolt11, 10).await;
    assert_eq!(answer.problem(), (409, "already_paid".to_owned()));
    let late = own(server, &payee, 10).await;
    server.clock.advance_seconds(24 * 3_600);
    let answer = server.withdraw(&payer, &late.bolt11, 10).await;
    assert_eq!(answer.problem(), (400, "invoice_expired".to_owned()));
    assert_eq!(server.balance_msat(&payer).await, 1_000_000);
}

async fn b9_an_internal_payment_is_told_of_again_over_the_hub(server: &mut TestServer) {
    let (payer, payee) = (server.customer(1_000).await, server.customer(0).await);
    let invoice = own(server, &payee, 10).await;
    let paid = server.withdraw(&payer, &invoice.bolt11, 10).await.data(201);
    server.clock.advance_seconds(24 * 3_600);
    let mut hub = HubClient::connect(server, &payer.key).await;
    assert_eq!(
        hub.invoke(METHOD, json!(["again", invoice.bolt11])).await,
        completed()
    );
    let told = data(&hub.event().await, COMPLETED, "again");
    assert_eq!(told["paymentId"], paid["id"]);
    let again = server.withdraw(&payer, &invoice.bolt11, 10).await.data(201);
    assert_eq!(again["id"], paid["id"]);
    assert_eq!(server.balance_msat(&payer).await, 990_000);
}
