//! How a withdrawal ends: paid at once, paid or failed by a later event, or in doubt for as long as it takes.

use money::Msat;
use payments::ports::{PayAnswer, PayRequest, PaymentFailure};
use serde_json::json;
use testkit::{TestReceiver, TestServer, until};

use crate::webhooks::signature::verify;

const EVENTS: [&str; 3] = [
    "withdrawal.lightning.pending",
    "withdrawal.lightning.completed",
    "withdrawal.lightning.failed",
];

on_both!(
    a_paid_withdrawal_settles_and_is_told_of_once,
    b1_b8_what_is_unknown_stays_pending_through_a_restart_and_the_end_of_its_invoice,
    a_failure_gives_the_whole_hold_back,
);
on_sqlite!(
    the_events_word_may_come_before_the_answer_to_the_call,
    b2_a_late_failure_of_a_settled_withdrawal_is_ignored,
    a_repeated_event_changes_nothing,
);

async fn a_paid_withdrawal_settles_and_is_told_of_once(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(1_000).await;
    let webhook = server.webhook(&customer, &receiver, &EVENTS).await;
    let invoice = server.foreign_invoice(100);
    let fee_msat = Msat::from_unsigned(1_500).expect("an amount");
    let preimage = invoice.preimage;
    server.rail.script(
        invoice.payment_hash,
        [PayAnswer::Paid { preimage, fee_msat }],
    );

    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled["fee_sats"], json!(1.5));
    let payment = &settled["lightning_payment"];
    assert_eq!(payment["status"], "SUCCEEDED");
    assert_eq!(payment["payment_preimage"], preimage.reveal());
    assert_eq!(payment["payment_hash"], invoice.payment_hash.to_string());
    assert_eq!(
        (&payment["fee_msat"], &payment["htlcs"]),
        (&json!("1500"), &json!([]))
    );
    assert_eq!(server.balance_msat(&customer).await, 898_500);

    // Asked once, and never to spend more on the way than is held for it: 1 % and 5 sat.
    let call = PayRequest {
        amount_msat: None,
        bolt11: invoice.bolt11.clone(),
        payment_hash: invoice.payment_hash,
        fee_limit_msat: Msat::from_sat(6).expect("an amount"),
    };
    assert_eq!(server.rail.asked(), [call]);

    // The node tells of it as well.
    server.rail.push(invoice.succeeded(1_500));
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 898_500);
    let received = receiver.wait_for(2).await;
    let mut events = receiver.events();
    events.sort();
    assert_eq!(
        events,
        [
            "withdrawal.lightning.completed",
            "withdrawal.lightning.pending"
        ]
    );
    for request in &received {
        verify(&webhook, request);
        assert_eq!(request.json()["data"]["id"], json!(id));
        if request.event() == "withdrawal.lightning.completed" {
            assert_eq!(request.json()["data"], settled);
        }
    }
}

async fn b1_b8_what_is_unknown_stays_pending_through_a_restart_and_the_end_of_its_invoice(
    server: &mut TestServer,
) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    assert_eq!(server.balance_msat(&customer).await, 894_000);

    server.restart().await;
    // Far beyond the window of retries and the end of the invoice: no timer gives an external hold back.
    server.clock.advance_seconds(7_200);
    let other = server.foreign_invoice(10);
    server.accepted_withdrawal(&customer, &other, 10).await;
    server.until_asked(&other, 1).await;
    assert_eq!(server.withdrawal(&customer, &id).await["status"], "pending");
    assert_eq!(server.rail.asked_for(invoice.payment_hash).len(), 1);
    assert_eq!(server.balance_msat(&customer).await, 894_000 - 15_100);

    server.rail.push(invoice.succeeded(0));
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled["fee_sats"], json!(0));
    assert_eq!(server.balance_msat(&customer).await, 900_000 - 15_100);
}

async fn a_failure_gives_the_whole_hold_back(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(1_000).await;
    let webhook = server.webhook(&customer, &receiver, &EVENTS[2..]).await;
    let reasons = [
        (
            PaymentFailure::RecipientRejected,
            "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS",
        ),
        (PaymentFailure::RouteNotFound, "FAILURE_REASON_NO_ROUTE"),
        (PaymentFailure::RetriesExhausted, "FAILURE_REASON_TIMEOUT"),
        (PaymentFailure::Expired, "FAILURE_REASON_TIMEOUT"),
        (PaymentFailure::Unexpected, "FAILURE_REASON_ERROR"),
    ];
    for (count, (reason, shown)) in reasons.into_iter().enumerate() {
        let invoice = server.foreign_invoice(100);
        let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
        server.until_asked(&invoice, 1).await;
        // Its invoice runs out, so that no reason leads to another try.
        server.clock.advance_seconds(3_600);
        server.rail.let_failures_come_back(true);
        server.rail.push(invoice.failed(reason));
        let failed = server.until_withdrawal(&customer, &id, "failed").await;
        assert_eq!(failed["fee_sats"], json!(0));
        assert_eq!(failed["lightning_payment"]["status"], "FAILED");
        assert_eq!(failed["lightning_payment"]["failure_reason"], shown);
        assert_eq!(server.balance_msat(&customer).await, 1_000_000);
        let received = receiver.wait_for(count + 1).await;
        verify(&webhook, &received[count]);
        assert_eq!(received[count].json()["data"], failed);
        // The failure could still come back, so it is not sent again yet.
        let again = server.withdraw(&customer, &invoice.bolt11, 100).await;
        assert_eq!(again.problem(), (409, "earlier_attempt_ending".to_owned()));
    }
}

async fn the_events_word_may_come_before_the_answer_to_the_call(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let answer = PayAnswer::Paid {
        preimage: invoice.preimage,
        fee_msat: Msat::from_unsigned(2_000).expect("an amount"),
    };
    server.rail.script(invoice.payment_hash, [answer]);
    server.rail.hold_payments(true);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(1_000));
    server.until_withdrawal(&customer, &id, "settled").await;
    server.rail.hold_payments(false);
    // The stop waits for the call, and for what is written because of it.
    server.restart().await;
    let settled = server.withdrawal(&customer, &id).await;
    assert_eq!(
        (&settled["status"], &settled["fee_sats"]),
        (&json!("settled"), &json!(1))
    );
    assert_eq!(server.balance_msat(&customer).await, 899_000);
}

async fn b2_a_late_failure_of_a_settled_withdrawal_is_ignored(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(1_000).await;
    server.webhook(&customer, &receiver, &EVENTS[1..]).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(1_000));
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    server
        .rail
        .push(invoice.failed(PaymentFailure::RouteNotFound));
    server.until_quiet().await;
    assert_eq!(server.withdrawal(&customer, &id).await, settled);
    assert_eq!(server.balance_msat(&customer).await, 899_000);
    assert_eq!(server.get("/readyz").send().await.status, 200);
    receiver.wait_for(1).await;
    assert_eq!(receiver.events(), ["withdrawal.lightning.completed"]);
    let again = server.withdraw(&customer, &invoice.bolt11, 100).await;
    assert_eq!(again.data(201), settled);
}

async fn a_repeated_event_changes_nothing(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(1_000).await;
    server.webhook(&customer, &receiver, &EVENTS[1..]).await;
    let (paid, lost) = (server.foreign_invoice(100), server.foreign_invoice(200));
    let paid_id = server.accepted_withdrawal(&customer, &paid, 100).await;
    let lost_id = server.accepted_withdrawal(&customer, &lost, 200).await;
    server.until_asked(&paid, 1).await;
    server.until_asked(&lost, 1).await;
    server.rail.lose_acknowledgements(4);
    server.rail.push(paid.succeeded(1_000));
    server
        .rail
        .push(lost.failed(PaymentFailure::RecipientRejected));
    server.until_quiet().await;
    assert_eq!((server.rail.given(), server.rail.acknowledged()), (6, 2));
    server
        .until_withdrawal(&customer, &paid_id, "settled")
        .await;
    server.until_withdrawal(&customer, &lost_id, "failed").await;
    assert_eq!(server.balance_msat(&customer).await, 899_000);
    until("both webhooks", async || {
        (receiver.received().len() == 2).then_some(())
    })
    .await;
}
