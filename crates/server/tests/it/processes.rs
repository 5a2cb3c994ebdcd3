//! Several processes of different roles on one PostgreSQL database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::compose::NODE;
use server::roles::{Role, Roles};
use store::LeaseOptions;
use testkit::{Answer, Customer, HubClient, TestReceiver, TestServer, until};

on_postgres!(
    an_api_process_gets_invoices_from_the_process_that_runs_the_node,
    a_refusal_of_the_node_comes_back_through_the_database,
    b1_a_process_without_a_node_takes_withdrawals_only_where_one_has_run,
    an_event_of_one_process_is_heard_at_once_on_the_hub_of_another,
    what_one_process_sends_to_its_hub_reaches_the_clients_of_all,
    a_process_does_what_its_roles_say_and_nothing_else,
    readiness_tells_whether_a_node_runs_anywhere,
    a_repeat_in_another_process_is_answered_on_its_own_connection,
);

fn only(role: Role) -> Roles {
    Roles::only(&[role])
}

async fn invoice(server: &TestServer, customer: &Customer, request: &Value) -> Answer {
    let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
    call.key(&customer.key).json(request).send().await
}

async fn an_api_process_gets_invoices_from_the_process_that_runs_the_node(server: &mut TestServer) {
    let mut api = server.beside_as(only(Role::Api)).await;
    let customer = server.customer(0).await;
    let request = json!({"amount": 1_000, "currency": "sats", "description": "through the books"});
    let answer = invoice(&api, &customer, &request).await;
    let made = answer.data(201);
    assert_eq!(server.rail.invoices().len(), 1, "our one node made it");
    assert_eq!(api.rail.invoices(), []);
    let hash = made["r_hash"].as_str().expect("a hash");
    let hash = hash.parse().expect("64 hex digits");
    server.rail.receive(hash, 1_000_000);
    server.until_quiet().await;
    assert_eq!(api.balance_msat(&customer).await, 1_000_000);

    // Many at once, over both.
    let calls = (0..20).map(|n| {
        let asked = if n % 2 == 0 { &api } else { &*server };
        invoice(asked, &customer, &request)
    });
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    assert_eq!(server.rail.invoices().len(), 21);
    api.stop().await;
}

async fn a_refusal_of_the_node_comes_back_through_the_database(server: &mut TestServer) {
    let mut api = server.beside_as(only(Role::Api)).await;
    let customer = server.customer(0).await;
    let request = json!({"amount": 1_000, "currency": "sats", "description": "x"});
    server.rail.set_down(true);
    let answer = invoice(&api, &customer, &request).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    server.rail.set_down(false);
    assert_eq!(invoice(&api, &customer, &request).await.status, 201);
    api.stop().await;
}

async fn b1_a_process_without_a_node_takes_withdrawals_only_where_one_has_run(
    server: &mut TestServer,
) {
    let customer = server.customer(10_000).await;
    let foreign = server.foreign_invoice(100);
    server.settings.roles = only(Role::Api);
    server.restart().await;
    server.run_sql("DELETE FROM node_identity");
    let refused = server.withdraw(&customer, &foreign.bolt11, 100).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(server.balance_msat(&customer).await, 10_000_000);

    // The process with the node comes, and goes again; what was accepted waits for the next.
    let mut node = server.beside_as(only(Role::Node)).await;
    let accepted = until("a withdrawal that is taken", async || {
        let answer = server.withdraw(&customer, &foreign.bolt11, 100).await;
        (answer.status == 201).then_some(answer)
    });
    let id = accepted.await.data(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    node.until_asked(&foreign, 1).await;
    node.stop().await;
    let waiting = server.foreign_invoice(50);
    let second = server.accepted_withdrawal(&customer, &waiting, 50).await;
    let mut node = server.beside_as(only(Role::Node)).await;
    node.until_asked(&waiting, 1).await;
    node.rail.push(foreign.succeeded(0));
    node.rail.push(waiting.succeeded(0));
    for id in [&id, &second] {
        server.until_withdrawal(&customer, id, "settled").await;
    }
    node.stop().await;
}

async fn an_event_of_one_process_is_heard_at_once_on_the_hub_of_another(server: &mut TestServer) {
    let mut other = server.beside_as(only(Role::Api)).await;
    let customer = server.customer(100_000).await;
    let mut hub = HubClient::connect(server, &customer.key).await;
    // The ears of a process open a little after its doors.
    let first = server.foreign_invoice(9);
    other.accepted_withdrawal(&customer, &first, 9).await;
    hub.event().await;
    let started = Instant::now();
    for sats in 10..20 {
        let invoice = server.foreign_invoice(sats);
        let id = other.accepted_withdrawal(&customer, &invoice, sats).await;
        let created = hub.event().await;
        assert_eq!(created["data"]["paymentId"], json!(id));
    }
    // Whoever only polls hears each of them a second after the one before.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    other.stop().await;
}

/// Sends to everybody's client.
fn tell(server: &TestServer, text: &Value) -> usize {
    let sent = server.clients().all().send("executionEvents", &[text]);
    sent.expect("JSON")
}

/// The ears of a process open a little after its doors: `teller` tells until the client of another has heard it.
async fn until_heard(teller: &TestServer, client: &mut HubClient) {
    loop {
        tell(teller, &json!("warm"));
        let heard = tokio::time::timeout(Duration::from_millis(100), client.event());
        if heard.await.is_ok() {
            return;
        }
    }
}

async fn what_one_process_sends_to_its_hub_reaches_the_clients_of_all(server: &mut TestServer) {
    let mut other = server.beside_as(only(Role::Api)).await;
    let customer = server.customer(0).await;
    let mut here = HubClient::connect(server, &customer.key).await;
    let mut there = HubClient::connect(&other, &customer.key).await;
    until_heard(server, &mut there).await;
    until_heard(&other, &mut here).await;
    let next = async |client: &mut HubClient| {
        loop {
            let event = client.event().await;
            if event != json!("warm") {
                return event;
            }
        }
    };
    let long = "x".repeat(50_000);
    for number in 0..6 {
        let teller = if number % 2 == 0 { &*server } else { &other };
        let text = json!([number, if number < 4 { "short" } else { &long }]);
        assert_eq!(tell(teller, &text), 1, "one of the two is here");
        assert_eq!(next(&mut here).await, text);
        assert_eq!(next(&mut there).await, text);
    }
    // A process that ends takes nobody else with it.
    other.stop().await;
    assert_eq!(tell(server, &json!("on")), 1);
    assert_eq!(next(&mut here).await, json!("on"));
}

async fn a_process_does_what_its_roles_say_and_nothing_else(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(10_000).await;
    server.webhook(&customer, &receiver, &["*"]).await;
    server.settings.roles = only(Role::Api);
    server.restart().await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;

    let mut node = server.beside_as(only(Role::Node)).await;
    node.until_asked(&invoice, 1).await;
    assert_eq!(server.rail.asked(), [], "only the node's process pays");
    assert_eq!(node.get("/healthz").send().await.status, 200);
    assert_eq!(
        node.get("/v1/transactions/balance").send().await.status,
        404
    );
    node.rail.push(invoice.succeeded(0));
    server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(receiver.received().len(), 0, "nobody delivers yet");

    let mut worker = server.beside_as(only(Role::Worker)).await;
    receiver.wait_for(2).await;
    assert_eq!(worker.get("/readyz").send().await.status, 200);
    node.stop().await;
    worker.stop().await;
}

async fn readiness_tells_whether_a_node_runs_anywhere(server: &mut TestServer) {
    let mut api = server.beside_as(only(Role::Api)).await;
    let ready = api.get("/readyz").send().await;
    assert_eq!(
        (ready.status, ready.json()["status"].as_str()),
        (503, Some("no Lightning node runs"))
    );
    let leased = server.lease_node(NODE, LeaseOptions::default()).await;
    assert_eq!(api.get("/readyz").send().await.status, 200);
    drop(leased);
    assert_eq!(api.get("/readyz").send().await.status, 503);
    assert_eq!(
        server.get("/readyz").send().await.status,
        200,
        "it has one itself"
    );
    api.stop().await;
}

async fn a_repeat_in_another_process_is_answered_on_its_own_connection(server: &mut TestServer) {
    let mut other = server.beside_as(only(Role::Api)).await;
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let mut here = HubClient::connect(server, &customer.key).await;
    let mut there = HubClient::connect(&other, &customer.key).await;
    let arguments = json!(["once", invoice.bolt11]);
    here.invoke("WithdrawLightning", arguments.clone()).await;
    let created = here.event().await;
    assert_eq!(there.event().await, created);
    there.invoke("WithdrawLightning", arguments).await;
    assert_eq!(there.event().await, created);
    // The next event on the first connection is not the repeat.
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    assert_eq!(here.event().await["data"]["status"], "SUCCESS");
    other.stop().await;
}
