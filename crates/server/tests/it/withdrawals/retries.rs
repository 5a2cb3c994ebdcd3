//! Withdrawals that certainly were not sent: tried again for a while, and then given back.

use payments::ports::{PayAnswer, Rejection};
use serde_json::json;
use testkit::{InvoiceSpec, TestServer, until};

on_both!(
    what_finds_no_route_is_tried_again_and_fails_after_half_a_minute,
    c1_what_costs_more_than_the_reserve_fails_at_once_and_the_hold_is_released,
);
on_sqlite!(
    what_is_rejected_first_can_still_be_paid,
    what_is_unknown_after_a_rejection_is_not_tried_again,
    an_invoice_that_runs_out_while_it_waits_is_not_sent,
    an_invoice_that_the_node_refuses_fails_at_once,
);

async fn what_finds_no_route_is_tried_again_and_fails_after_half_a_minute(server: &mut TestServer) {
    let (customer, other) = (server.customer(1_000).await, server.customer(1_000).await);
    let invoice = server.foreign_invoice(100);
    let no_route = PayAnswer::Rejected(Rejection::NoRoute);
    server.rail.script(invoice.payment_hash, [no_route]);
    let began = server.now();
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let first_waits = [100, 250, 500, 1_000];
    for (round, wait_millis) in first_waits.into_iter().chain([2_000; 13]).enumerate() {
        server.until_asked(&invoice, round + 1).await;
        until_reserved(server, &customer, &id).await;
        assert_eq!(server.balance_msat(&customer).await, 894_000);
        server.clock.advance_millis(wait_millis);
        // Another withdrawal makes the dispatcher look at once.
        let nudge = server.foreign_invoice(1);
        server.accepted_withdrawal(&other, &nudge, 1).await;
    }
    let failed = server.until_withdrawal(&customer, &id, "failed").await;
    let took = server.now().duration_since(began).as_secs();
    assert!((25..=35).contains(&took), "given up after {took} s");
    let reason = &failed["lightning_payment"]["failure_reason"];
    assert_eq!(reason, "FAILURE_REASON_NO_ROUTE");
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    assert_eq!(server.rail.asked_for(invoice.payment_hash).len(), 18);
}

async fn c1_what_costs_more_than_the_reserve_fails_at_once_and_the_hold_is_released(
    server: &mut TestServer,
) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answer = PayAnswer::Rejected(Rejection::FeeAboveLimit);
    server.rail.script(invoice.payment_hash, [answer]);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let failed = server.until_withdrawal(&customer, &id, "failed").await;
    let reason = &failed["lightning_payment"]["failure_reason"];
    assert_eq!(reason, "FAILURE_REASON_NO_ROUTE");
    assert_eq!(failed["fee_sats"], 0);
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    let asked = server.rail.asked_for(invoice.payment_hash);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].fee_limit_msat.get(), 6_000, "1 % and 5 sat");
}

async fn what_is_rejected_first_can_still_be_paid(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answers = [
        PayAnswer::Rejected(Rejection::NotReady),
        PayAnswer::Rejected(Rejection::NoRoute),
        PayAnswer::Paid {
            preimage: invoice.preimage,
            fee_msat: money::Msat::ZERO,
        },
    ];
    server.rail.script(invoice.payment_hash, answers);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    until_reserved(server, &customer, &id).await;
    server.clock.advance_millis(100);
    server.until_asked(&invoice, 2).await;
    until_reserved(server, &customer, &id).await;
    server.clock.advance_millis(250);
    server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(server.rail.asked().len(), 3);
    assert_eq!(server.balance_msat(&customer).await, 900_000);
}

async fn what_is_unknown_after_a_rejection_is_not_tried_again(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answers = [PayAnswer::Rejected(Rejection::NoRoute), PayAnswer::Unknown];
    server.rail.script(invoice.payment_hash, answers);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    until_reserved(server, &customer, &id).await;
    server.clock.advance_millis(100);
    server.until_asked(&invoice, 2).await;
    server.clock.advance_seconds(60);
    // The dispatcher went round again, so it would have tried this one too.
    let other = server.foreign_invoice(10);
    server.accepted_withdrawal(&customer, &other, 10).await;
    server.until_asked(&other, 1).await;
    assert_eq!(server.withdrawal(&customer, &id).await["status"], "pending");
    assert_eq!(server.rail.asked_for(invoice.payment_hash).len(), 2);
}

async fn an_invoice_that_runs_out_while_it_waits_is_not_sent(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = InvoiceSpec {
        expiry_seconds: 10,
        ..InvoiceSpec::new(100_000, server.now())
    }
    .sign();
    server.rail.script(
        invoice.payment_hash,
        [PayAnswer::Rejected(Rejection::NoRoute)],
    );
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    until_reserved(server, &customer, &id).await;
    server.clock.advance_seconds(10);
    let failed = server.until_withdrawal(&customer, &id, "failed").await;
    assert_eq!(
        failed["lightning_payment"]["failure_reason"],
        "FAILURE_REASON_TIMEOUT"
    );
    assert_eq!(server.rail.asked().len(), 1);
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn an_invoice_that_the_node_refuses_fails_at_once(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answer = PayAnswer::Rejected(Rejection::InvalidInvoice);
    server.rail.script(invoice.payment_hash, [answer]);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let failed = server.until_withdrawal(&customer, &id, "failed").await;
    assert_eq!(
        failed["lightning_payment"]["failure_reason"],
        "FAILURE_REASON_ERROR"
    );
    assert_eq!(failed["fee_sats"], json!(0));
    assert_eq!(server.rail.asked().len(), 1);
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

/// Waits until a rejection is written down: the withdrawal is not with the node any more.
async fn until_reserved(server: &TestServer, customer: &testkit::Customer, id: &str) {
    until("a withdrawal that waits for its next try", async || {
        let found = server.withdrawal(customer, id).await;
        found["lightning_payment"].is_null().then_some(())
    })
    .await;
}
