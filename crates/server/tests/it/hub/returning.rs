//! A client that was away says what it has seen, and hears the rest: nothing is left out, and nothing comes twice.

use testkit::{HubClient, TestServer};

use super::{METHOD, PRE_CHECKS};

on_both!(h5_a_client_that_comes_back_hears_everything_after_the_number_it_saw_last,);
on_sqlite!(
    h5_a_client_that_comes_back_amid_events_hears_each_once,
    a_number_that_is_none_is_refused,
);

/// Withdraws, and lets the node pay: two events of the key.
async fn withdraw(server: &TestServer, customer: &testkit::Customer) {
    let invoice = server.foreign_invoice(1);
    let id = server.accepted_withdrawal(customer, &invoice, 1).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    server.until_withdrawal(customer, &id, "settled").await;
}

/// The numbers of the next `count` events.
async fn numbers(client: &mut HubClient, count: usize) -> Vec<i64> {
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        numbers.push(client.numbered_event().await.1);
    }
    numbers
}

async fn h5_a_client_that_comes_back_hears_everything_after_the_number_it_saw_last(
    server: &mut TestServer,
) {
    // The deposit is the first event of the account, and the hub does not tell of it.
    let customer = server.customer(10_000).await;
    let mut client = HubClient::connect_with(server, &customer.key, "&after=0").await;
    for _ in 0..3 {
        withdraw(server, &customer).await;
    }
    assert_eq!(numbers(&mut client, 6).await, [2, 3, 4, 5, 6, 7]);
    let (seen, other_key) = (4, server.new_key(customer.account_id).await);
    drop(client);
    withdraw(server, &customer).await;
    // What another key did is in the account's numbers, and is not told.
    let other = testkit::Customer {
        key: other_key,
        ..customer.clone()
    };
    withdraw(server, &other).await;
    server.restart().await;
    withdraw(server, &customer).await;
    let query = format!("&after={seen}&data=string");
    let mut back = HubClient::connect_with(server, &customer.key, &query).await;
    assert_eq!(numbers(&mut back, 7).await, [5, 6, 7, 8, 9, 12, 13]);
    withdraw(server, &customer).await;
    assert_eq!(numbers(&mut back, 2).await, [14, 15]);
    // Nothing else was on its way.
    back.invoke(METHOD, serde_json::json!(["barrier"])).await;
    let error = back.event().await;
    assert_eq!(error["subject"], PRE_CHECKS);
    // Who does not ask for numbers gets none, and only what happens now.
    let mut plain = HubClient::connect(server, &customer.key).await;
    withdraw(server, &customer).await;
    plain.event().await;
    assert_eq!(numbers(&mut back, 2).await, [16, 17]);
}

async fn h5_a_client_that_comes_back_amid_events_hears_each_once(server: &mut TestServer) {
    const WITHDRAWALS: usize = 40;
    let customer = server.customer(100_000).await;
    let happening = async {
        for _ in 0..WITHDRAWALS {
            withdraw(server, &customer).await;
        }
    };
    let listening = async {
        let mut seen = 1;
        while seen < 1 + 2 * i64::try_from(WITHDRAWALS).expect("few") {
            let query = format!("&after={seen}");
            let mut client = HubClient::connect_with(server, &customer.key, &query).await;
            for _ in 0..8 {
                let (_, number) = client.numbered_event().await;
                assert_eq!(number, seen + 1, "the next one");
                seen = number;
            }
        }
    };
    futures_util::future::join(happening, listening).await;
}

async fn a_number_that_is_none_is_refused(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let key = customer.key.replace('|', "%7C");
    for after in ["x", "", "1.5"] {
        let query = format!("?access_token={key}&after={after}");
        let refused = HubClient::upgrade(server, &query).await;
        assert_eq!(refused.err(), Some(401), "{after}");
    }
}
