//! Who may connect, and which connection hears what.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{HubClient, TestServer};
use wire::hercle::DataFormat;

use super::{COMPLETED, CREATED, METHOD, PRE_CHECKS, assert_nothing_more, completed, data, error};

on_sqlite!(
    a_wrong_key_is_refused_at_negotiation_and_at_the_upgrade,
    every_connection_of_the_key_hears_an_event_and_no_other,
    a_connection_chooses_the_form_of_data,
    the_server_chooses_the_form_of_data_for_those_who_do_not,
    a_connection_that_comes_later_hears_what_happens_later,
);
on_both!(a_withdrawal_over_rest_is_heard_on_the_hub);

async fn a_wrong_key_is_refused_at_negotiation_and_at_the_upgrade(server: &mut TestServer) {
    let (customer, other) = (server.customer(0).await, server.customer(0).await);
    let (number, _) = customer.key.split_once('|').expect("the form of a key");
    let (_, secret) = other.key.split_once('|').expect("the form of a key");
    let mixed = format!("{number}|{secret}");
    for key in [
        None,
        Some(""),
        Some("eyJhb"),
        Some(mixed.as_str()),
        Some(testkit::ADMIN_TOKEN),
    ] {
        let refused = HubClient::negotiate(server, key).await;
        assert_eq!(refused.status, 401, "{key:?}");
        let query = key.map_or_else(String::new, |key| {
            format!("?access_token={}", key.replace('|', "%7C"))
        });
        assert_eq!(
            HubClient::upgrade(server, &query).await.err(),
            Some(401),
            "{key:?}"
        );
    }
    // A token of a negotiation alone does not open a connection.
    let negotiated = HubClient::negotiate(server, Some(&customer.key)).await;
    let negotiated: Value = serde_json::from_slice(&negotiated.body).expect("JSON");
    let query = format!(
        "?id={}",
        negotiated["connectionToken"].as_str().expect("a token")
    );
    assert_eq!(HubClient::upgrade(server, &query).await.err(), Some(401));
    let lower = "/executionliveserver/V1/negotiate?negotiateVersion=1";
    let call = server.call(Method::POST, lower).key(&customer.key);
    assert_eq!(call.send().await.status, 200);
}

async fn every_connection_of_the_key_hears_an_event_and_no_other(server: &mut TestServer) {
    let (customer, stranger) = (server.customer(1_000).await, server.customer(1_000).await);
    let second_key = server.new_key(customer.account_id).await;
    let mut asking = HubClient::connect(server, &customer.key).await;
    let mut listening = HubClient::connect(server, &customer.key).await;
    let mut other_key = HubClient::connect(server, &second_key).await;
    let mut foreign = HubClient::connect(server, &stranger.key).await;
    let invoice = server.foreign_invoice(100);
    asking.invoke(METHOD, json!(["c", invoice.bolt11])).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    for subject in [CREATED, COMPLETED] {
        let event = asking.event().await;
        data(&event, subject, "c");
        assert_eq!(listening.event().await, event);
    }
    // An error is only for the one who made it.
    asking.invoke(METHOD, json!(["e"])).await;
    error(&asking.event().await, PRE_CHECKS, "e");
    for client in [&mut asking, &mut listening, &mut other_key, &mut foreign] {
        assert_nothing_more(client).await;
    }
}

async fn a_connection_chooses_the_form_of_data(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let mut object = HubClient::connect(server, &customer.key).await;
    let mut text = HubClient::connect_with(server, &customer.key, "&data=string").await;
    let invoice = server.foreign_invoice(100);
    let arguments = json!(["c", invoice.bolt11]);
    text.invoke(METHOD, arguments.clone()).await;
    let (as_text, as_object) = (text.event().await, object.event().await);
    assert_eq!(
        parsed(&data(&as_text, CREATED, "c")),
        data(&as_object, CREATED, "c")
    );
    // The answer to a repeat, and an error, come in the form of the connection as well.
    text.invoke(METHOD, arguments).await;
    assert_eq!(text.event().await, as_text);
    text.invoke(METHOD, json!(["c"])).await;
    let told = parsed(&data(&text.event().await, PRE_CHECKS, "c"));
    assert_eq!(told["httpStatusCode"], 400);
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    let done = parsed(&data(&text.event().await, COMPLETED, "c"));
    assert_eq!(done, data(&object.event().await, COMPLETED, "c"));
    assert_eq!(done["status"], "SUCCESS");
}

async fn the_server_chooses_the_form_of_data_for_those_who_do_not(server: &mut TestServer) {
    server.settings.hub_format = DataFormat::String;
    server.restart().await;
    let customer = server.customer(1_000).await;
    let mut silent = HubClient::connect(server, &customer.key).await;
    let mut object = HubClient::connect_with(server, &customer.key, "&data=object").await;
    let invoice = server.foreign_invoice(100);
    assert_eq!(
        silent.invoke(METHOD, json!(["c", invoice.bolt11])).await,
        completed()
    );
    let (as_text, as_object) = (silent.event().await, object.event().await);
    assert_eq!(
        parsed(&data(&as_text, CREATED, "c")),
        data(&as_object, CREATED, "c")
    );
}

fn parsed(data: &Value) -> Value {
    serde_json::from_str(data.as_str().expect("data as a string")).expect("JSON in the string")
}

async fn a_connection_that_comes_later_hears_what_happens_later(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let mut first = HubClient::connect(server, &customer.key).await;
    let invoice = server.foreign_invoice(100);
    first.invoke(METHOD, json!(["c", invoice.bolt11])).await;
    data(&first.event().await, CREATED, "c");
    server.until_asked(&invoice, 1).await;
    drop(first);
    server.restart().await;
    let mut later = HubClient::connect(server, &customer.key).await;
    server.rail.push(invoice.succeeded(0));
    data(&later.event().await, COMPLETED, "c");
    assert_nothing_more(&mut later).await;
}

async fn a_withdrawal_over_rest_is_heard_on_the_hub(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let mut client = HubClient::connect(server, &customer.key).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    let created = data(&client.event().await, CREATED, "");
    assert_eq!(created["paymentId"], json!(id));
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    let done = data(&client.event().await, COMPLETED, "");
    assert_eq!(done["paymentId"], json!(id));
}
