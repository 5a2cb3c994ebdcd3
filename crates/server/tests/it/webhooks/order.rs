//! The order of events about one object, and what an endpoint gets that was away.

use std::collections::BTreeMap;

use server::roles::{Role, Roles};
use testkit::{Customer, TestReceiver, TestServer, until};

use super::signature::verify;

const PENDING: &str = "withdrawal.lightning.pending";
const COMPLETED: &str = "withdrawal.lightning.completed";

on_both!(
    h1_an_endpoint_that_was_away_for_a_day_gets_everything_in_order_and_no_other_notices,
    h2_s21_what_was_committed_before_the_process_died_is_delivered_after_it,
    s18_the_end_of_a_withdrawal_waits_until_its_beginning_was_taken,
    s24_a_delivery_that_nobody_was_woken_for_goes_within_a_second,
);

/// Withdraws and pays; both events are committed when this returns.
async fn withdraw(server: &TestServer, customer: &Customer, sats: u64) -> String {
    let invoice = server.foreign_invoice(sats);
    let id = server.accepted_withdrawal(customer, &invoice, sats).await;
    server.until_asked(&invoice, 1).await;
    server.rail.push(invoice.succeeded(0));
    server.until_withdrawal(customer, &id, "settled").await;
    id
}

async fn s18_the_end_of_a_withdrawal_waits_until_its_beginning_was_taken(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(10_000).await;
    server
        .webhook(&customer, &receiver, &[PENDING, COMPLETED])
        .await;
    receiver.reply([500, 500]);
    let first = withdraw(server, &customer, 100).await;
    receiver.wait_for(1).await;
    // Another withdrawal is not held up by it.
    let second = withdraw(server, &customer, 200).await;
    until("both withdrawals told of", async || {
        server.clock.advance_seconds(30);
        let received = receiver.received();
        (received.len() >= 6).then_some(())
    })
    .await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in receiver.received() {
        let id = request.json()["data"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        told.entry(id).or_default().push(request.event());
    }
    let ends = |id: &String| told[id].last().cloned();
    assert_eq!(
        [ends(&first), ends(&second)],
        [Some(COMPLETED.to_owned()), Some(COMPLETED.to_owned())]
    );
    for events in told.values() {
        let begins = events.iter().take_while(|event| *event == PENDING).count();
        assert!(begins >= 1 && events[begins..] == [COMPLETED], "{told:?}");
    }
}

async fn s24_a_delivery_that_nobody_was_woken_for_goes_within_a_second(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    server
        .webhook(&customer, &receiver, &["deposit.lightning.completed"])
        .await;
    receiver.reply([500]);
    server.fund(customer.account_id, 1).await;
    receiver.wait_for(1).await;
    server.until_next_delivery_within(6).await;
    // The clock moves, and no wake-up tells of it.
    server.clock.advance_seconds(6);
    receiver.wait_for(2).await;
}

async fn h1_an_endpoint_that_was_away_for_a_day_gets_everything_in_order_and_no_other_notices(
    server: &mut TestServer,
) {
    let (away, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(100_000).await;
    let webhook = server
        .webhook(&customer, &away, &[PENDING, COMPLETED])
        .await;
    server
        .webhook(&customer, &other, &[PENDING, COMPLETED])
        .await;
    away.always(503);
    for number in 0..24_usize {
        withdraw(server, &customer, 100).await;
        // The other one has it at once, whatever the first one does.
        other.wait_for(2 * (number + 1)).await;
        server.clock.advance_seconds(3_600);
    }
    let attempts = away.received().len();
    assert!((1..400).contains(&attempts), "{attempts} attempts in a day");
    away.always(200);
    until("everything it missed", async || {
        server.clock.advance_seconds(600);
        (away.taken().len() >= 48).then_some(())
    })
    .await;
    let taken = away.taken();
    assert_eq!(taken.len(), 48);
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in &taken {
        verify(&webhook, request);
        let id = request.json()["data"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        told.entry(id).or_default().push(request.event());
    }
    assert_eq!(told.len(), 24);
    assert!(
        told.values().all(|events| *events == [PENDING, COMPLETED]),
        "{told:?}"
    );
    assert_eq!(other.received().len(), 48);
}

async fn h2_s21_what_was_committed_before_the_process_died_is_delivered_after_it(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(10_000).await;
    // No worker runs here, as if the process had died right after the commit.
    server.settings.roles = Roles::only(&[Role::Api, Role::Node]);
    server.restart().await;
    server
        .webhook(&customer, &receiver, &["deposit.lightning.completed"])
        .await;
    server.fund(customer.account_id, 7).await;
    server.settings.roles = Roles::all();
    server.restart().await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].json()["data"]["amount_sats"], 7);
}
