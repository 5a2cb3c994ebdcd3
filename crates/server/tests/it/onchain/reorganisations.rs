//! F2: blocks that leave the chain, before a deposit is credited and after.

use payments::ports::Fate;
use testkit::TestServer;

use super::{EVENTS, address, deposits, double_spent, look, paid, told, withdrawal};

on_both!(
    f2_a_reorganisation_below_the_threshold_credits_once_when_it_is_mined_again,
    f2_a_reorganisation_above_the_threshold_freezes_the_account_until_it_is_mined_again,
    f2_a_double_spent_credit_is_taken_back,
    f2_a_double_spent_credit_that_was_spent_is_the_operators_loss_and_halts_money,
);
on_sqlite!(f2_what_was_double_spent_and_comes_back_is_credited_again);

async fn f2_a_reorganisation_below_the_threshold_credits_once_when_it_is_mined_again(
    server: &mut TestServer,
) {
    let customer = server.customer(0).await;
    address(server, &customer).await;
    server.chain.receive(1, 0, 0, 20_000_000);
    for depth in 1..6 {
        server.chain.mine(1, depth - 1);
        look(server).await;
        assert_eq!(server.balance_msat(&customer).await, 0, "{depth}");
        server.chain.unmine(1, 1);
        look(server).await;
    }
    assert_eq!(told(server, &customer).await, ["deposit.onchain.pending"]);
    server.chain.mine(1, 5);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 20_000_000_000);
    assert_eq!(told(server, &customer).await, EVENTS[..2]);
}

async fn f2_a_reorganisation_above_the_threshold_freezes_the_account_until_it_is_mined_again(
    server: &mut TestServer,
) {
    let customer = paid(server, 50_000).await;
    server.chain.unmine(1, 1);
    look(server).await;
    // It is credited, and waits: what the contract knows did not change.
    assert_eq!(deposits(server, &customer).await[0]["status"], "settled");
    let refused = withdrawal(server, &customer, 100).await;
    assert_eq!(refused.as_deref(), Some("deposit_disputed"));
    server.chain.mine(1, 0);
    look(server).await;
    assert_eq!(withdrawal(server, &customer, 100).await, None);
    assert_eq!(told(server, &customer).await, EVENTS[..2]);
    let credits =
        "SELECT CAST(COUNT(*) AS BIGINT) FROM posting WHERE code = 'onchain_deposit_settled'";
    assert_eq!(server.count(credits).await, 1);
}

async fn f2_a_double_spent_credit_is_taken_back(server: &mut TestServer) {
    let customer = paid(server, 50_000).await;
    server.fund(customer.account_id, 10_000).await;
    server.chain.unmine(1, 1);
    look(server).await;
    // A transaction that only waits to take its place is not in the chain.
    server.chain.lose(1, Fate::Replaced);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 60_000_000);
    double_spent(server).await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000);
    assert_eq!(told(server, &customer).await, EVENTS);
    assert_eq!(deposits(server, &customer).await[0]["status"], "failed");
    look(server).await;
    assert_eq!(withdrawal(server, &customer, 100).await, None);
}

async fn f2_a_double_spent_credit_that_was_spent_is_the_operators_loss_and_halts_money(
    server: &mut TestServer,
) {
    server.add_capital(1_000_000).await;
    let customer = paid(server, 50_000).await;
    // 30,000 and its reserve of 305 are held.
    assert_eq!(withdrawal(server, &customer, 30_000).await, None);
    double_spent(server).await;
    assert_eq!(server.balance_msat(&customer).await, 0);
    let lost =
        "SELECT CAST(SUM(amount_msat) AS BIGINT) FROM transfer WHERE debit = 6 AND credit = 10";
    assert_eq!(server.count(lost).await, 30_305_000);
    let refused = withdrawal(server, &customer, 1).await;
    assert_eq!(refused.as_deref(), Some("read_only"));
}

async fn f2_what_was_double_spent_and_comes_back_is_credited_again(server: &mut TestServer) {
    let customer = paid(server, 50_000).await;
    double_spent(server).await;
    assert_eq!(server.balance_msat(&customer).await, 0);
    server.chain.decide(1, Fate::Unknown);
    server.chain.receive(1, 0, 0, 50_000);
    server.chain.mine(1, 9);
    look(server).await;
    assert_eq!(server.balance_msat(&customer).await, 50_000_000);
    assert_eq!(told(server, &customer).await.len(), 5);
    double_spent(server).await;
    assert_eq!(server.balance_msat(&customer).await, 0);
}
