//! The on-chain rail, over a chain that each case writes by hand.

mod addresses;
mod deposits;
mod reorganisations;

use payments::ports::Fate;
use serde_json::{Value, json};
use testkit::{Customer, TestServer};

/// The call that gives out an address.
const PATH: &str = "/v1/bitcoin/deposit/on-chain";
/// What is told of an on-chain deposit.
const EVENTS: [&str; 3] = [
    "deposit.onchain.pending",
    "deposit.onchain.completed",
    "deposit.onchain.failed",
];

/// A fresh address with a note, as its owner gets it.
async fn address(server: &TestServer, customer: &Customer) -> Value {
    let call = server.post(PATH).key(&customer.key);
    let form = json!({"metadata": {"order": "7"}});
    call.json(&form).send().await.data(201)
}

/// Lets the wallet look, which must work.
async fn look(server: &TestServer) {
    let looked = server.look_at_the_chain().await;
    looked.unwrap_or_else(|error| panic!("{error}"));
}

/// The deposits of a customer, newest first.
async fn deposits(server: &TestServer, customer: &Customer) -> Vec<Value> {
    let call = server.get("/v1/transactions").key(&customer.key);
    let page = call.send().await.data(200);
    let rows = page.as_array().expect("a list").iter();
    let onchain = rows.filter(|row| row["rail_type"] == "onchain");
    onchain.cloned().collect()
}

/// What has been told of the account's on-chain deposits, in order.
async fn told(server: &TestServer, customer: &Customer) -> Vec<String> {
    let call = server.get("/v1/events").key(&customer.key);
    let page = call.send().await.json();
    let events = page["data"].as_array().expect("a list").iter();
    let names = events.map(|event| event["body"]["event"].as_str().expect("a name").to_owned());
    names.filter(|name| name.contains("onchain")).collect()
}

/// Whether a withdrawal is accepted, or how it is refused.
async fn withdrawal(server: &TestServer, customer: &Customer, sats: u64) -> Option<String> {
    let invoice = server.foreign_invoice(sats);
    let answer = server.withdraw(customer, &invoice.bolt11, sats).await;
    (answer.status != 201).then(|| answer.problem().1)
}

/// A customer who has `sats` by the first transaction of the chain, in a block that is deep enough.
async fn paid(server: &TestServer, sats: i64) -> Customer {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, sats);
    server.chain.mine(1, 5);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, sats * 1_000);
    customer
}

/// The first transaction of the chain is gone, and another in a block spends what it spent.
async fn double_spent(server: &TestServer) {
    server.chain.lose(1, Fate::DoubleSpent);
    server.chain.grow(2);
    look(server).await;
}
