//! `WithdrawLightning`, when it is accepted.

use money::Msat;
use payments::ports::{PayAnswer, PaymentFailure};
use serde_json::json;
use testkit::{HubClient, TestServer, payee};

use super::{COMPLETED, CREATED, FAILED, METHOD, assert_nothing_more, completed, data};

on_both!(
    both_calling_forms_are_created_and_completed,
    a_failed_withdrawal_is_told_with_its_reason,
);
on_sqlite!(
    events_keep_their_order_over_many_withdrawals,
    names_of_methods_have_no_letter_case
);

async fn both_calling_forms_are_created_and_completed(server: &mut TestServer) {
    let customer = server.customer(100_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    for form in ["positional", "array"] {
        let invoice = server.foreign_invoice(10_000);
        let arguments = json!([form, invoice.bolt11]);
        let arguments = if form == "array" {
            json!([arguments])
        } else {
            arguments
        };
        assert_eq!(client.invoke(METHOD, arguments).await, completed());
        let created = data(&client.event().await, CREATED, form);
        let payment_id = created["paymentId"].clone();
        let mut expected = json!({
            "httpStatusCode": 200, "paymentId": payment_id, "status": "PENDING", "amountBTC": 0.0001,
            "destinationPublicKey": payee(2).to_string(),
            "message": "Lightning withdrawal created successfully",
        });
        assert_eq!(created, expected);
        server.until_asked(&invoice, 1).await;
        server.rail.push(invoice.succeeded(12_000));
        let done = data(&client.event().await, COMPLETED, form);
        expected["status"] = json!("SUCCESS");
        expected["message"] = done["message"].clone();
        expected["feeBTC"] = json!(0.000_000_12);
        expected["preimage"] = json!(invoice.preimage.reveal());
        assert_eq!(done, expected);
        assert_nothing_more(&mut client).await;
        // The same withdrawal over REST.
        let id = payment_id.as_str().expect("an id");
        assert_eq!(server.withdrawal(&customer, id).await["status"], "settled");
    }
    assert_eq!(server.rail.asked().len(), 2);
}

async fn a_failed_withdrawal_is_told_with_its_reason(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    let reasons = [
        (PaymentFailure::RouteNotFound, "NO_ROUTE"),
        (
            PaymentFailure::RecipientRejected,
            "INCORRECT_PAYMENT_DETAILS",
        ),
        (PaymentFailure::RetriesExhausted, "TIMEOUT"),
        (PaymentFailure::Expired, "INVOICE_EXPIRED"),
        (PaymentFailure::Unexpected, "ERROR"),
    ];
    for (reason, shown) in reasons {
        let invoice = server.foreign_invoice(100);
        assert_eq!(
            client.invoke(METHOD, json!([shown, invoice.bolt11])).await,
            completed()
        );
        let created = data(&client.event().await, CREATED, shown);
        server.until_asked(&invoice, 1).await;
        // Its invoice runs out, so that no reason leads to another try.
        server.clock.advance_seconds(3_600);
        server.rail.push(invoice.failed(reason));
        let failed = data(&client.event().await, FAILED, shown);
        assert_eq!(failed["paymentId"], created["paymentId"]);
        assert_eq!(
            (&failed["status"], &failed["reason"]),
            (&json!("FAILED"), &json!(shown))
        );
        assert_eq!(failed["amountBTC"], created["amountBTC"]);
        assert_eq!(
            failed["destinationPublicKey"],
            created["destinationPublicKey"]
        );
        assert_eq!((failed.get("preimage"), failed.get("feeBTC")), (None, None));
        assert_nothing_more(&mut client).await;
    }
    assert_eq!(server.balance_msat(&customer).await, 10_000_000);
}

async fn events_keep_their_order_over_many_withdrawals(server: &mut TestServer) {
    let customer = server.customer(100_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    for count in 0..50 {
        let invoice = server.foreign_invoice(10);
        let answer = PayAnswer::Paid {
            preimage: invoice.preimage,
            fee_msat: Msat::ZERO,
        };
        server.rail.script(invoice.payment_hash, [answer]);
        client
            .send(METHOD, json!([count.to_string(), invoice.bolt11]))
            .await;
    }
    let mut open = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let event = client.event().await;
        let id = event["clientId"].as_str().expect("a client id").to_owned();
        if event["subject"] == CREATED {
            assert!(open.insert(id), "created twice: {event}");
        } else {
            assert_eq!(event["subject"], COMPLETED);
            assert!(open.remove(&id), "completed before it was created: {event}");
        }
    }
    assert!(open.is_empty());
    assert_nothing_more(&mut client).await;
}

async fn names_of_methods_have_no_letter_case(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    let invoice = server.foreign_invoice(10);
    let arguments = json!(["x", invoice.bolt11.to_uppercase()]);
    assert_eq!(
        client.invoke("WITHDRAWlightning", arguments).await,
        completed()
    );
    data(&client.event().await, CREATED, "x");
    let unknown = client.invoke("NoSuchMethod", json!([])).await;
    assert!(
        unknown["error"]
            .as_str()
            .is_some_and(|text| text.contains("NoSuchMethod")),
        "{unknown}"
    );
}
