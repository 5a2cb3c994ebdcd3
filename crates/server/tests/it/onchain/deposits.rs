//! What comes to an address: told at once, credited when it is deep enough, once, and to whom it belongs.

use payments::ports::Fate;
use serde_json::json;
use testkit::{TestReceiver, TestServer};

use super::{EVENTS, address, deposits, look, told, withdrawal};
use crate::webhooks::signature::verify;

on_both!(
    a_deposit_is_told_of_at_once_and_credited_when_it_is_deep_enough,
    f1_a_deposit_that_is_replaced_before_its_block_fails_and_was_never_spendable,
    f3_the_outputs_of_one_transaction_and_of_one_address_are_deposits_of_their_own,
    f4_a_deposit_that_could_not_be_written_is_written_at_the_next_look,
    f8_our_change_and_coins_of_nobody_are_credited_to_no_customer,
);
on_sqlite!(
    what_one_transaction_brings_in_all_decides_how_deep_it_must_be,
    dust_is_in_no_book,
    a_transaction_that_is_only_missing_proves_nothing,
    what_was_replaced_and_mined_all_the_same_is_credited,
    another_customers_deposit_cannot_be_read,
    g8_a_backend_that_is_behind_is_not_believed,
);

async fn a_deposit_is_told_of_at_once_and_credited_when_it_is_deep_enough(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &EVENTS).await;
    let given = address(server, &customer).await;
    let outpoint = server.chain.receive(1, 0, 0, 2_000_000);
    look(server).await;

    let received = receiver.wait_for(1).await;
    verify(&webhook, &received[0]);
    let body = received[0].json();
    assert_eq!(body["event"], "deposit.onchain.pending");
    let pending = &body["data"];
    assert_eq!(
        (&pending["status"], &pending["rail_type"]),
        (&json!("pending"), &json!("onchain"))
    );
    assert_eq!(pending["recipient"], given["address"]);
    assert_eq!(pending["chain_tx_id"], outpoint.txid.to_string());
    assert_eq!(pending["amount_sats"], 2_000_000);
    assert_eq!(pending["metadata"], json!({"order": "7"}));
    assert_eq!(pending["lightning_invoice_id"], json!(null));
    assert_eq!(server.balance_msat(&customer).await, 0);

    // Three confirmations for this amount, and a look without news tells nothing.
    server.chain.mine(1, 1);
    look(server).await;
    look(server).await;
    assert_eq!(told(server, &customer).await, ["deposit.onchain.pending"]);
    server.chain.grow(1);
    look(server).await;
    look(server).await;
    let received = receiver.wait_for(2).await;
    let body = received[1].json();
    assert_eq!(body["event"], "deposit.onchain.completed");
    assert_eq!(body["data"]["status"], "settled");
    assert_eq!(server.balance_msat(&customer).await, 2_000_000_000);

    let id = pending["id"].as_str().expect("an id");
    let path = format!("/v1/transactions/deposits/{id}");
    let read = server.get(&path).key(&customer.key).send().await.data(200);
    assert_eq!(read["status"], "settled");
    assert!(
        read["ledger_tx_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    // A new process sees it all again.
    server.restart().await;
    look(server).await;
    assert_eq!(told(server, &customer).await, EVENTS[..2]);
    assert_eq!(server.balance_msat(&customer).await, 2_000_000_000);
}

async fn f1_a_deposit_that_is_replaced_before_its_block_fails_and_was_never_spendable(
    server: &mut TestServer,
) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 50_000);
    look(server).await;
    let refused = withdrawal(server, &customer, 10).await;
    assert_eq!(refused.as_deref(), Some("insufficient_funds"));
    server.chain.lose(1, Fate::Replaced);
    look(server).await;
    look(server).await;
    assert_eq!(
        told(server, &customer).await,
        ["deposit.onchain.pending", "deposit.onchain.failed"]
    );
    let found = deposits(server, &customer).await;
    assert_eq!(found[0]["status"], "failed");
    assert_eq!(server.balance_msat(&customer).await, 0);
}

async fn f3_the_outputs_of_one_transaction_and_of_one_address_are_deposits_of_their_own(
    server: &mut TestServer,
) {
    let (alice, bob) = (server.customer(0).await, server.customer(0).await);
    address(server, &alice).await;
    address(server, &bob).await;
    server.chain.receive(1, 0, 0, 1_000);
    server.chain.receive(1, 1, 0, 2_000);
    server.chain.receive(1, 2, 1, 4_000);
    server.chain.receive(2, 0, 0, 8_000);
    server.chain.mine(1, 0);
    look(server).await;
    assert_eq!(server.balance_msat(&alice).await, 3_000_000);
    assert_eq!(server.balance_msat(&bob).await, 4_000_000);
    server.chain.mine(2, 0);
    look(server).await;
    assert_eq!(server.balance_msat(&alice).await, 11_000_000);
    assert_eq!(deposits(server, &alice).await.len(), 3);
    assert_eq!(deposits(server, &bob).await.len(), 1);
}

async fn f4_a_deposit_that_could_not_be_written_is_written_at_the_next_look(
    server: &mut TestServer,
) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 1_000);
    server.chain.receive(2, 0, 0, 2_000);
    server.chain.mine(1, 0);
    server.chain.mine(2, 0);
    server.run_sql("ALTER TABLE onchain_deposit RENAME TO onchain_deposit_away");
    let refused = server.look_at_the_chain().await;
    assert!(refused.is_err(), "{refused:?}");
    server.run_sql("ALTER TABLE onchain_deposit_away RENAME TO onchain_deposit");
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 3_000_000);
}

async fn f8_our_change_and_coins_of_nobody_are_credited_to_no_customer(server: &mut TestServer) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    // Change has addresses of its own, with the same numbers.
    server.chain.change(1, 0, 0, 70_000);
    // An older copy of the books may have given this one out.
    server.chain.receive(2, 0, 41, 30_000);
    server.chain.mine(1, 0);
    server.chain.mine(2, 0);
    look(server).await;
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 0);
    assert!(deposits(server, &customer).await.is_empty());
    let suspended = "SELECT CAST(COALESCE(SUM(amount_msat), 0) AS BIGINT) FROM onchain_coin WHERE kind = 'suspended'";
    assert_eq!(server.count(suspended).await, 30_000_000);
}

async fn what_one_transaction_brings_in_all_decides_how_deep_it_must_be(server: &mut TestServer) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    for vout in 0..2 {
        server.chain.receive(1, vout, 0, 600_000);
    }
    server.chain.mine(1, 1);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 0);
    server.chain.grow(1);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 1_200_000_000);
}

async fn dust_is_in_no_book(server: &mut TestServer) {
    // The wallet itself leaves out what is smaller (crates/onchain/tests); what is not, counts.
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, payments::onchain::DUST_SAT);
    server.chain.mine(1, 0);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 546_000);
}

async fn a_transaction_that_is_only_missing_proves_nothing(server: &mut TestServer) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 1_000);
    look(server).await;
    server.chain.lose(1, Fate::Unknown);
    look(server).await;
    assert_eq!(told(server, &customer).await, ["deposit.onchain.pending"]);
    server.chain.receive(1, 0, 0, 1_000);
    server.chain.mine(1, 0);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn what_was_replaced_and_mined_all_the_same_is_credited(server: &mut TestServer) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 1_000);
    look(server).await;
    server.chain.lose(1, Fate::Replaced);
    look(server).await;
    server.chain.receive(1, 0, 0, 1_000);
    look(server).await;
    assert_eq!(deposits(server, &customer).await[0]["status"], "failed");
    server.chain.mine(1, 0);
    look(server).await;
    let names = told(server, &customer).await;
    assert_eq!(names.len(), 4);
    assert_eq!(names[2..], EVENTS[..2]);
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn another_customers_deposit_cannot_be_read(server: &mut TestServer) {
    let (alice, bob) = (server.customer(0).await, server.customer(0).await);
    address(server, &alice).await;
    server.chain.receive(1, 0, 0, 1_000);
    look(server).await;
    let found = deposits(server, &alice).await;
    let id = found[0]["id"].as_str().expect("an id");
    let path = format!("/v1/transactions/deposits/{id}");
    let answer = server.get(&path).key(&bob.key).send().await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    assert!(deposits(server, &bob).await.is_empty());
}

async fn g8_a_backend_that_is_behind_is_not_believed(server: &mut TestServer) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 1_000);
    server.chain.mine(1, 3);
    look(server).await;
    server.restart().await;
    server.chain.set_height(150);
    server.chain.lose(1, Fate::DoubleSpent);
    let refused = server
        .look_at_the_chain()
        .await
        .expect_err("a backend that is behind");
    assert!(refused.to_string().contains("150"), "{refused}");
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}
