//! The books against the node: every difference is named, and money waits for the ones that nothing explains.

mod chain;

use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{NodePayment, NodePaymentState};
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Customer, TestServer, until};

on_both!(
    books_that_say_what_the_node_says_are_clean,
    b6_a_payment_that_nobody_asked_for_is_found_booked_as_a_loss_and_stops_the_movement_of_money,
    g9_money_that_came_without_an_event_is_found_and_credited_once,
);
on_sqlite!(
    b4_a_paid_withdrawal_without_an_event_is_settled_by_the_nodes_record,
    a_total_that_is_short_stops_the_movement_of_money_and_only_its_end_lets_it_go_on,
    a_difference_that_cannot_be_booked_stops_the_movement_of_money,
    money_that_the_node_does_not_know_stops_the_movement_of_money,
    the_verdict_is_kept_over_a_restart,
    the_numbers_tell_of_the_verdict_and_only_the_operator_sees_them,
);

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("an amount")
}

fn record(payment_hash: PaymentHash, amount_msat: i64, fee_msat: i64) -> NodePayment {
    NodePayment {
        payment_hash,
        state: NodePaymentState::Succeeded,
        amount_msat: Some(msat(amount_msat)),
        fee_msat: Some(msat(fee_msat)),
        preimage: None,
    }
}

fn stranger() -> PaymentHash {
    PaymentPreimage::from_bytes([0x5a; 32]).payment_hash()
}

async fn world(server: &mut TestServer) -> Customer {
    server.add_capital(1_000).await;
    let customer = server.customer(1_000).await;
    server.reconciled().await;
    customer
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list");
    list.iter()
        .filter_map(|named| named["name"].as_str())
        .collect()
}

async fn until_named(server: &TestServer, list: &str, name: &str) -> Value {
    until(&format!("{name} in {list}"), async || {
        let path = "/admin/v1/reconciliation";
        let verdict = server.get(path).key(ADMIN_TOKEN).send().await.json();
        names(&verdict[list]).contains(&name).then_some(verdict)
    })
    .await
}

async fn is_ready(server: &TestServer) -> bool {
    server.get("/readyz").send().await.status == 200
}

async fn resume(server: &TestServer) -> testkit::Answer {
    let call = server.post("/admin/v1/resume").key(ADMIN_TOKEN);
    call.send().await
}

async fn balances(server: &TestServer) -> Value {
    let audit = server.get("/admin/v1/audit").key(ADMIN_TOKEN).send().await;
    audit.json()["balances_msat"].take()
}

async fn books_that_say_what_the_node_says_are_clean(server: &mut TestServer) {
    let _customer = world(server).await;
    let verdict = server.verdict().await;
    assert_eq!(verdict["clean"], true, "{verdict}");
    assert!(verdict["everything_at"].is_string(), "{verdict}");
    assert_eq!(verdict["books"]["lightning_float_msat"], 2_000_000);
    assert_eq!(verdict["node"]["at_least_msat"], 2_000_000);
    assert_eq!(verdict["node"]["at_most_msat"], 2_000_000);
    assert_eq!(verdict["payments_compared"], 1);
    assert_eq!(
        (&verdict["unexplained"], &verdict["on_its_way"]),
        (&json!([]), &json!([]))
    );
    assert!(is_ready(server).await);
}

async fn b6_a_payment_that_nobody_asked_for_is_found_booked_as_a_loss_and_stops_the_movement_of_money(
    server: &mut TestServer,
) {
    let customer = world(server).await;
    server.node_alone(record(stranger(), 70_000, 300), true);
    let verdict = until_named(server, "repaired", "sent_not_booked").await;
    assert_eq!(
        verdict["repaired"][0]["payment_hash"],
        stranger().to_string()
    );
    assert_eq!(verdict["repaired"][0]["node_msat"], 70_300);
    assert!(!is_ready(server).await, "money is halted");
    let verdict = server.verdict().await;
    assert_eq!(verdict["clean"], true, "{verdict}");
    assert_eq!(balances(server).await["operator_loss"], -70_300);
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
    // A person has looked, and the books agree again.
    assert_eq!(resume(server).await.status, 200);
    assert!(is_ready(server).await);
}

async fn a_difference_that_cannot_be_booked_stops_the_movement_of_money(server: &mut TestServer) {
    world(server).await;
    server.run_sql(
        "CREATE TRIGGER broken BEFORE INSERT ON posting BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
    server.node_alone(record(stranger(), 70_000, 300), true);
    until_named(server, "unexplained", "sent_not_booked").await;
    assert!(!is_ready(server).await, "money is halted");
    server.run_sql("DROP TRIGGER broken");
    until_named(server, "repaired", "sent_not_booked").await;
    assert_eq!(balances(server).await["operator_loss"], -70_300);
}

async fn g9_money_that_came_without_an_event_is_found_and_credited_once(server: &mut TestServer) {
    let customer = world(server).await;
    let form = json!({"amount": 30, "currency": "sats"});
    let made = server.post("/v1/bitcoin/deposit/lightning-invoice");
    let made = made.key(&customer.key).json(&form).send().await.data(201);
    let hash: PaymentHash = made["r_hash"]
        .as_str()
        .expect("a hash")
        .parse()
        .expect("hex");
    server.node_alone(record(hash, 30_000, 0), false);
    until_named(server, "repaired", "received_not_booked").await;
    assert_eq!(server.balance_msat(&customer).await, 1_030_000);
    // The event comes after all, late.
    server.rail.receive(hash, 30_000);
    server.until_quiet().await;
    assert_eq!(server.balance_msat(&customer).await, 1_030_000);
    let verdict = server.verdict().await;
    assert_eq!(verdict["clean"], true, "{verdict}");
    assert!(is_ready(server).await, "what is proven halts nothing");
}

async fn b4_a_paid_withdrawal_without_an_event_is_settled_by_the_nodes_record(
    server: &mut TestServer,
) {
    let customer = world(server).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    server.node_alone(record(invoice.payment_hash, 100_000, 1_000), true);
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled["fee_sats"], 1);
    assert_eq!(server.balance_msat(&customer).await, 899_000);
    let verdict = server.verdict().await;
    assert_eq!(verdict["clean"], true, "{verdict}");
    assert!(is_ready(server).await);
}

async fn a_total_that_is_short_stops_the_movement_of_money_and_only_its_end_lets_it_go_on(
    server: &mut TestServer,
) {
    let customer = world(server).await;
    let (_, mut funds) = server.rail.node_says();
    let before = funds.clone();
    funds.channels[0].own_min_msat = msat(1_999_999);
    funds.channels[0].own_max_msat = msat(1_999_999);
    server.rail.set_funds(funds);
    let verdict = until_named(server, "unexplained", "total").await;
    assert_eq!(verdict["clean"], false);
    assert_eq!(
        (
            &verdict["unexplained"][0]["node_msat"],
            &verdict["unexplained"][0]["booked_msat"]
        ),
        (&json!(1_999_999), &json!(2_000_000))
    );
    let refused = server
        .withdraw(&customer, &server.foreign_invoice(10).bolt11, 10)
        .await;
    assert_eq!(refused.problem(), (503, "read_only".to_owned()));
    assert_eq!(
        resume(server).await.problem(),
        (409, "books_differ".to_owned())
    );
    // What is gone is gone, but nobody has looked.
    server.rail.set_funds(before);
    let verdict = server.verdict().await;
    assert_eq!(verdict["clean"], true, "{verdict}");
    assert!(!is_ready(server).await);
    assert_eq!(resume(server).await.status, 200);
    assert!(is_ready(server).await);
}

async fn money_that_the_node_does_not_know_stops_the_movement_of_money(server: &mut TestServer) {
    let _customer = world(server).await;
    let (mut node, funds) = server.rail.node_says();
    node.received.clear();
    server.rail.set_payments(node);
    server.rail.set_funds(funds);
    let verdict = until_named(server, "unexplained", "booked_not_received").await;
    assert_eq!(verdict["unexplained"][0]["booked_msat"], 1_000_000);
    assert!(!is_ready(server).await);
}

async fn the_verdict_is_kept_over_a_restart(server: &mut TestServer) {
    let _customer = world(server).await;
    let (node, mut funds) = server.rail.node_says();
    funds.channels.clear();
    server.rail.set_funds(funds);
    server.rail.set_payments(node);
    until_named(server, "unexplained", "total").await;
    server.settings.reconcile = None;
    server.restart().await;
    // No process runs the node now: the last verdict stands, and so does the halt.
    until_named(server, "unexplained", "total").await;
    assert_eq!(
        resume(server).await.problem(),
        (409, "books_differ".to_owned())
    );
}

async fn the_numbers_tell_of_the_verdict_and_only_the_operator_sees_them(server: &mut TestServer) {
    let customer = world(server).await;
    let refused = server.get("/metrics").key(&customer.key).send().await;
    assert_eq!(refused.status, 401);
    let waiting = server.foreign_invoice(100);
    server.accepted_withdrawal(&customer, &waiting, 100).await;
    server.until_asked(&waiting, 1).await;
    server.verdict().await;
    let numbers = server.get("/metrics").key(ADMIN_TOKEN).send().await;
    let numbers = String::from_utf8_lossy(&numbers.body).into_owned();
    for line in [
        "leyden_money_halted 0",
        "leyden_withdrawals{state=\"dispatched\"} 1",
        "leyden_withdrawals{state=\"reserved\"} 0",
        "leyden_reconciliation_unexplained 0",
        "leyden_reconciliation_msat{side=\"books_lightning_float\"} 2000000",
        "leyden_channels 1",
    ] {
        assert!(numbers.contains(line), "{line} is not in {numbers}");
    }
}
