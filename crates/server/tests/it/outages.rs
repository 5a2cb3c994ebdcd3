//! The disk is full, or the database is slow: no new money is taken, and none is lost.

use std::time::Duration;

use serde_json::json;
use testkit::{TestServer, until};

on_sqlite!(g2_a_full_disk_stops_new_money_and_loses_none);
on_postgres!(g2_a_database_that_is_locked_for_seconds_takes_each_payment_once);

/// A withdrawal is in flight and an invoice is open when the disk is full; both end at the node meanwhile.
async fn g2_a_full_disk_stops_new_money_and_loses_none(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    let request = json!({"amount": 50, "currency": "sats"});
    let ours = server
        .post("/v1/bitcoin/deposit/lightning-invoice")
        .key(&customer.key)
        .json(&request);
    let ours = ours.send().await.data(201);
    let hash = ours["r_hash"]
        .as_str()
        .expect("a hash")
        .parse()
        .expect("a hash");

    // SQLite never sets this below the file's size, so every new page is one too many.
    server.run_sql("PRAGMA max_page_count = 1");
    // Whatever fits into the pages that are there is taken, and then nothing more is.
    let refused = until("a withdrawal that is refused", async || {
        let answer = server
            .withdraw(&customer, &server.foreign_invoice(1).bolt11, 1)
            .await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    assert_eq!(refused.problem(), (503, "timeout".to_owned()));
    let held = server.balance_msat(&customer).await;
    server.rail.push(invoice.succeeded(1_000));
    server.rail.receive(hash, 50_000);
    let given = server.rail.given();
    until("events that are tried again", async || {
        (server.rail.given() > given + 1).then_some(())
    })
    .await;
    assert!(
        !server.rail.is_quiet(),
        "what is not written is not acknowledged"
    );

    server.run_sql("PRAGMA max_page_count = 1000000");
    server.until_quiet().await;
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled["fee_sats"], json!(1));
    // Of the reserve of 6 sats one was spent, and 50 came in.
    assert_eq!(server.balance_msat(&customer).await, held + 5_000 + 50_000);
    let again = server.foreign_invoice(1);
    server.accepted_withdrawal(&customer, &again, 1).await;
}

async fn g2_a_database_that_is_locked_for_seconds_takes_each_payment_once(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let lock = server.lock_table("LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE");
    let body = json!({"amount": 100, "currency": "sats", "destination": invoice.bolt11});
    let call = || {
        let call = server
            .post("/v1/bitcoin/withdraw/confirm")
            .key(&customer.key);
        call.header("Idempotency-Key", "k").json(&body).send()
    };
    let impatient = tokio::time::timeout(Duration::from_millis(300), call()).await;
    assert!(impatient.is_err(), "it waits for the database");
    drop(lock);
    let first = call().await.data(201);
    assert_eq!(call().await.data(201), first);
    server.until_asked(&invoice, 1).await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
}
