//! Why is it pending: what stands beside a withdrawal while it is, and for whom.

use money::Msat;
use payments::ports::{Htlc, PayAnswer, Rejection};
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, TestServer, until};

on_sqlite!(
    a_pending_withdrawal_says_what_it_waits_for_and_what_is_held,
    what_the_node_knows_of_a_payment_stands_beside_its_withdrawal,
    a_withdrawal_without_a_route_says_that_nothing_is_under_way,
);

async fn until_reason(
    server: &TestServer,
    customer: &testkit::Customer,
    id: &str,
    reason: &str,
) -> Value {
    until(&format!("a withdrawal that is {reason}"), async || {
        let found = server.withdrawal(customer, id).await;
        (found["pending"]["reason"] == reason).then_some(found)
    })
    .await
}

async fn a_pending_withdrawal_says_what_it_waits_for_and_what_is_held(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    let found = until_reason(server, &customer, &id, "with_the_node").await;
    let pending = &found["pending"];
    assert_eq!(found["status"], "pending");
    assert_eq!(pending["attempts"], 1);
    let held = json!({"amount_msat": 100_000, "fee_reserve_msat": 6_000, "platform_fee_msat": 0});
    assert_eq!(pending["held"], held);
    assert_eq!(
        (&pending["htlc"], &pending["next_attempt_at"]),
        (&Value::Null, &Value::Null)
    );
    for text in ["says", "resolves_by", "after_restart", "invoice_expires_at"] {
        assert!(pending[text].is_string(), "{text}: {pending}");
    }
    // The operator sees the same of any account.
    let path = format!("/admin/v1/withdrawals/{id}");
    let seen = server.get(&path).key(ADMIN_TOKEN).send().await;
    assert_eq!((seen.status, seen.json()), (200, found));
    let refused = server.get(&path).key(&customer.key).send().await;
    assert_eq!(refused.status, 401);
    // Nothing stands beside it once it is over: the bytes are the contract's.
    server.rail.push(invoice.succeeded(0));
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled.get("pending"), None);
}

async fn what_the_node_knows_of_a_payment_stands_beside_its_withdrawal(server: &mut TestServer) {
    server.add_capital(1_000).await;
    let customer = server.customer(1_000).await;
    server.reconciled().await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    let (_, mut funds) = server.rail.node_says();
    let in_flight = Msat::new(100_000).expect("an amount");
    let channel = &mut funds.channels[0];
    channel.own_min_msat = channel.own_min_msat.checked_sub(in_flight).expect("enough");
    channel.own_max_msat = channel.own_min_msat;
    channel.in_flight_msat = in_flight;
    funds.block_height = 150;
    funds.outbound = vec![Htlc {
        payment_hash: invoice.payment_hash,
        amount_msat: in_flight,
        expires_height: 190,
    }];
    server.rail.set_funds(funds);
    let found = until_reason(server, &customer, &id, "in_flight").await;
    let pending = &found["pending"];
    assert_eq!(pending["htlc"]["amount_msat"], 100_000);
    assert_eq!(pending["htlc"]["expires_height"], 190);
    assert_eq!(pending["htlc"]["block_height"], 150);
    assert_eq!(pending["resolves_by_height"], 202);
    // What is in flight is no difference.
    let verdict = server.verdict().await;
    assert_eq!(
        (&verdict["clean"], &verdict["on_its_way"]),
        (&json!(true), &json!([]))
    );
}

async fn a_withdrawal_without_a_route_says_that_nothing_is_under_way(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let no_route = PayAnswer::Rejected(Rejection::NotReady);
    server.rail.script(invoice.payment_hash, [no_route]);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let found = until_reason(server, &customer, &id, "tried_again").await;
    assert!(found["pending"]["next_attempt_at"].is_string());
    assert!(found["pending"]["attempts"].as_u64() >= Some(1));
    assert_eq!(
        found["pending"]["resolves_by"],
        found["pending"]["invoice_expires_at"]
    );
}
