//! A repeated `ClientId`: the first answer again, on the asking connection alone, and never a second payment.

use serde_json::{Value, json};
use testkit::{HubClient, TestServer};

use super::{COMPLETED, CREATED, METHOD, PRE_CHECKS, assert_nothing_more, completed, data, error};

on_both!(
    a_repeat_is_answered_on_its_own_connection_with_an_equal_event,
    ten_at_once_make_one_payment,
);
on_sqlite!(
    a_client_id_with_another_invoice_is_an_error,
    a_client_id_is_free_again_after_a_refusal,
    a_client_id_belongs_to_its_account,
    a_repeat_after_the_end_still_gets_the_first_answer,
);

async fn a_repeat_is_answered_on_its_own_connection_with_an_equal_event(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let mut first = HubClient::connect(server, &customer.key).await;
    let mut second = HubClient::connect(server, &customer.key).await;
    let invoice = server.foreign_invoice(100);
    let arguments = json!(["c", invoice.bolt11]);
    assert_eq!(first.invoke(METHOD, arguments.clone()).await, completed());
    let created = first.event().await;
    data(&created, CREATED, "c");
    assert_eq!(second.event().await, created);

    assert_eq!(second.invoke(METHOD, arguments).await, completed());
    assert_eq!(second.event().await, created);
    assert_nothing_more(&mut first).await;
    assert_nothing_more(&mut second).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    for client in [&mut first, &mut second] {
        data(&client.event().await, COMPLETED, "c");
        assert_nothing_more(client).await;
    }
    assert_eq!(server.rail.asked().len(), 1);
}

async fn ten_at_once_make_one_payment(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(HubClient::connect(server, &customer.key).await);
    }
    for client in &mut clients {
        client.send(METHOD, json!(["c", invoice.bolt11])).await;
    }
    // One event for all, and a repeat for each of the nine that came second: nobody gets more than two.
    let mut created = None;
    for client in &mut clients {
        let event = client.event().await;
        data(&event, CREATED, "c");
        assert_eq!(*created.get_or_insert_with(|| event.clone()), event);
    }
    let mut repeats = 0;
    // A connection's commands are answered in their order: with this answer, the repeat has been given.
    for client in &mut clients {
        client.send(METHOD, json!(["barrier"])).await;
        repeats += until_not_again(client, &created, PRE_CHECKS).await;
    }
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    for client in &mut clients {
        repeats += until_not_again(client, &created, COMPLETED).await;
        assert_nothing_more(client).await;
    }
    assert_eq!(repeats, 9);
    assert_eq!(server.rail.asked().len(), 1);
    assert_eq!(server.balance_msat(&customer).await, 9_900_000);
}

/// Takes events until one has `subject`; those before are the created one again. Answers how many there were.
async fn until_not_again(client: &mut HubClient, created: &Option<Value>, subject: &str) -> usize {
    let mut repeats = 0;
    loop {
        let event = client.event().await;
        if event["subject"] == subject {
            return repeats;
        }
        assert_eq!(Some(&event), created.as_ref());
        repeats += 1;
    }
}

async fn a_client_id_with_another_invoice_is_an_error(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    client
        .invoke(METHOD, json!(["c", server.foreign_invoice(100).bolt11]))
        .await;
    data(&client.event().await, CREATED, "c");
    client
        .invoke(METHOD, json!(["c", server.foreign_invoice(100).bolt11]))
        .await;
    let told = error(&client.event().await, PRE_CHECKS, "c");
    assert_eq!(
        (&told["httpStatusCode"], &told["code"]),
        (&json!(409), &json!("idempotency_key_reused"))
    );
    assert_nothing_more(&mut client).await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
}

async fn a_client_id_is_free_again_after_a_refusal(server: &mut TestServer) {
    let customer = server.customer(10).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    let invoice = server.foreign_invoice(100);
    client.invoke(METHOD, json!(["c", invoice.bolt11])).await;
    assert_eq!(client.event().await["data"]["code"], "insufficient_funds");
    server.fund(customer.account_id, 1_000).await;
    client.invoke(METHOD, json!(["c", invoice.bolt11])).await;
    data(&client.event().await, CREATED, "c");
}

async fn a_client_id_belongs_to_its_account(server: &mut TestServer) {
    let (one, two) = (server.customer(1_000).await, server.customer(1_000).await);
    let mut ids = Vec::new();
    for customer in [&one, &two] {
        let mut client = HubClient::connect(server, &customer.key).await;
        let invoice = server.foreign_invoice(100);
        client.invoke(METHOD, json!(["c", invoice.bolt11])).await;
        ids.push(data(&client.event().await, CREATED, "c")["paymentId"].clone());
        assert_eq!(server.balance_msat(customer).await, 894_000);
    }
    assert_ne!(ids[0], ids[1]);
}

async fn a_repeat_after_the_end_still_gets_the_first_answer(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let invoice = server.foreign_invoice(100);
    let arguments = json!(["c", invoice.bolt11]);
    let mut client = HubClient::connect(server, &customer.key).await;
    client.invoke(METHOD, arguments.clone()).await;
    let created = client.event().await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    data(&client.event().await, COMPLETED, "c");
    server.restart().await;
    server.clock.advance_seconds(86_400);
    let mut later = HubClient::connect(server, &customer.key).await;
    assert_eq!(later.invoke(METHOD, arguments).await, completed());
    assert_eq!(later.event().await, created);
    assert_nothing_more(&mut later).await;
    assert_eq!(server.rail.asked().len(), 1);
}
