//! What the chain did to the node's channels and wallet, in the books.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use money::Msat;
use payments::ports::{
    ChannelFunds, ClosingFunds, NodeOperator, RailEvent, WalletMove, WalletTransaction,
};
use serde_json::json;
use testkit::{ADMIN_TOKEN, TestServer, until};

use super::{balances, is_ready, msat, world};

on_sqlite!(
    g7_a_closed_channel_comes_home_and_what_the_chain_took_is_an_expense,
    g7_a_channel_that_a_crash_closed_comes_home_and_is_reopened_by_policy,
    a_channel_that_we_open_is_counted_once_before_the_wallet_has_seen_its_funding,
    coins_from_outside_are_the_operators,
);

/// A channel of 2,000 sat is closed by the peer: claimed, swept for a fee, confirmed, settled.
async fn g7_a_closed_channel_comes_home_and_what_the_chain_took_is_an_expense(
    server: &mut TestServer,
) {
    let _customer = world(server).await;
    server.verdict().await;
    let (_, mut funds) = server.rail.node_says();
    let channel = funds.channels.remove(0);
    // 300 msat are less than the chain can carry, and 40 sat of payments were too small for an output.
    let certain_msat = msat(1_959_000);
    funds.closing = vec![ClosingFunds {
        channel_id: channel.channel_id,
        certain_msat,
        possible_msat: Msat::ZERO,
    }];
    server.rail.push(RailEvent::ChannelClosed {
        channel_id: channel.channel_id,
        peer: None,
        by_crash: false,
        reason: "outdated".to_owned(),
    });
    server.until_quiet().await;
    server.rail.set_funds(funds.clone());
    assert_clean(server).await;
    assert_closed_once(server, "outdated").await;
    // The claim is fetched, and not confirmed.
    funds.closing.clear();
    funds.sweeping_msat = certain_msat;
    server.rail.set_funds(funds.clone());
    assert_clean(server).await;
    // It is in the wallet, and the chain may still take it back.
    let moved = WalletMove::Swept {
        arrived_msat: msat(1_950_000),
        fee_msat: msat(9_000),
    };
    let transaction = |is_final| WalletTransaction {
        txid: [9; 32],
        moved: Some(moved),
        net_msat: moved.net_msat(),
        is_final,
    };
    funds.wallet_msat = msat(1_950_000);
    server.rail.set_wallet_transaction(transaction(false));
    server.rail.set_funds(funds.clone());
    assert_clean(server).await;
    assert_eq!(
        balances(server).await.get("chain_fee"),
        None,
        "nothing is final yet"
    );
    // It is final.
    funds.sweeping_msat = Msat::ZERO;
    server.rail.set_wallet_transaction(transaction(true));
    server.rail.set_funds(funds);
    until("a settled channel", async || {
        let balances = balances(server).await;
        (balances["chain_fee"] == -(9_000 + 41_000)).then_some(())
    })
    .await;
    let balances = balances(server).await;
    assert_eq!(balances["node_wallet"], -1_950_000);
    assert_eq!(balances["lightning_float"], 0);
    let verdict = server.verdict().await;
    assert_eq!(
        verdict["node"]["at_most_msat"], 1_950_000,
        "nothing is allowed for any more"
    );
    assert_clean(server).await;
}

/// The reconciler says when the money is back, and the reopening goes by it.
async fn g7_a_channel_that_a_crash_closed_comes_home_and_is_reopened_by_policy(
    server: &mut TestServer,
) {
    server.add_capital(200_000).await;
    server.reconciled().await;
    server.verdict().await;
    let peer = testkit::payee(2);
    server.rail.connect(peer, "10.0.0.2:9735").expect("a peer");
    let (_, mut funds) = server.rail.node_says();
    let channel = funds.channels.remove(0);
    let certain_msat = msat(200_000_000);
    funds.closing = vec![ClosingFunds {
        channel_id: channel.channel_id,
        certain_msat,
        possible_msat: Msat::ZERO,
    }];
    server.rail.set_funds(funds.clone());
    server.rail.push(RailEvent::ChannelClosed {
        channel_id: channel.channel_id,
        peer: Some(peer),
        by_crash: true,
        reason: "stale".to_owned(),
    });
    server.until_quiet().await;
    assert_clean(server).await;
    assert_counts(server, 1, 0).await;
    // The sweep is final.
    let moved = WalletMove::Swept {
        arrived_msat: msat(199_900_000),
        fee_msat: msat(100_000),
    };
    funds.closing.clear();
    funds.wallet_msat = msat(199_900_000);
    server.rail.set_spendable(199_900);
    server.rail.set_wallet_transaction(WalletTransaction {
        txid: [9; 32],
        moved: Some(moved),
        net_msat: moved.net_msat(),
        is_final: true,
    });
    server.rail.set_funds(funds);
    let request = until("a channel that is opened", async || {
        server.rail.opening_requests().pop()
    })
    .await;
    assert_eq!((request.peer, request.amount_sat), (peer, 169_900));
    server.restart().await;
    server.rail.confirm_channels();
    until("a channel that is reopened", async || {
        let numbers = server.get("/metrics").key(ADMIN_TOKEN).send().await;
        let numbers = String::from_utf8_lossy(&numbers.body).into_owned();
        numbers
            .contains("leyden_channels_reopened_total 1")
            .then_some(())
    })
    .await;
    assert_counts(server, 1, 1).await;
    assert_eq!(server.rail.opening_requests().len(), 1);
}

async fn assert_counts(server: &TestServer, by_crash: u32, reopened: u32) {
    let numbers = server.get("/metrics").key(ADMIN_TOKEN).send().await;
    let numbers = String::from_utf8_lossy(&numbers.body).into_owned();
    for line in [
        format!("leyden_channels_closed_by_crash_total {by_crash}"),
        format!("leyden_channels_reopened_total {reopened}"),
    ] {
        assert!(numbers.contains(&line), "{numbers}");
    }
}

/// Between the opening and the wallet's look at the chain the node counts the coins twice.
async fn a_channel_that_we_open_is_counted_once_before_the_wallet_has_seen_its_funding(
    server: &mut TestServer,
) {
    let _customer = world(server).await;
    let funded = WalletMove::Funded {
        arrived_msat: msat(90_000_000),
    };
    let transaction = |txid, moved: WalletMove, is_final| WalletTransaction {
        txid,
        moved: Some(moved),
        net_msat: moved.net_msat(),
        is_final,
    };
    let (_, mut funds) = server.rail.node_says();
    funds.wallet_msat = msat(90_000_000);
    server.rail.set_funds(funds.clone());
    server
        .rail
        .set_wallet_transaction(transaction([4; 32], funded, true));
    assert_clean(server).await;
    let funding = OutPoint::new(Txid::from_byte_array([5; 32]), 0);
    funds.channels.push(ChannelFunds {
        channel_id: [5; 32],
        funding: Some(funding),
        is_outbound: true,
        is_announced: false,
        own_min_msat: msat(60_000_000),
        own_max_msat: msat(60_000_000),
        in_flight_msat: Msat::ZERO,
    });
    server.rail.set_funds(funds.clone());
    assert_clean(server).await;
    // The wallet has seen it, and then it is final.
    let opened = WalletMove::Opened {
        channel_msat: msat(60_000_000),
        fee_msat: msat(200_000),
    };
    funds.wallet_msat = msat(29_800_000);
    server.rail.set_funds(funds);
    for is_final in [false, true] {
        server
            .rail
            .set_wallet_transaction(transaction([5; 32], opened, is_final));
        assert_clean(server).await;
    }
    let balances = balances(server).await;
    assert_eq!(balances["node_wallet"], -29_800_000);
    assert_eq!(balances["lightning_float"], -62_000_000);
    assert_eq!(balances["chain_fee"], -200_000);
}

async fn assert_closed_once(server: &TestServer, reason: &str) {
    let numbers = server.get("/metrics").key(ADMIN_TOKEN).send().await;
    let numbers = String::from_utf8_lossy(&numbers.body).into_owned();
    let line = format!("leyden_channels_closed_total{{reason=\"{reason}\"}} 1");
    assert!(numbers.contains(&line), "{numbers}");
}

async fn assert_clean(server: &TestServer) {
    for _ in 0..2 {
        let verdict = server.verdict().await;
        assert_eq!(verdict["clean"], true, "{verdict}");
        assert_eq!(verdict["on_its_way"], json!([]), "{verdict}");
    }
    assert!(is_ready(server).await);
}

async fn coins_from_outside_are_the_operators(server: &mut TestServer) {
    let _customer = world(server).await;
    let transaction = |moved: Option<WalletMove>, is_final| WalletTransaction {
        txid: [4; 32],
        moved,
        net_msat: 50_000,
        is_final,
    };
    let moved = WalletMove::Funded {
        arrived_msat: msat(50_000),
    };
    server
        .rail
        .set_wallet_transaction(transaction(Some(moved), false));
    let (_, mut funds) = server.rail.node_says();
    funds.wallet_msat = msat(50_000);
    server.rail.set_funds(funds);
    assert_clean(server).await;
    // While the chain does not tell where they came from, they are nobody's.
    server.rail.set_wallet_transaction(transaction(None, true));
    assert_clean(server).await;
    assert_eq!(balances(server).await.get("node_wallet"), None);
    server
        .rail
        .set_wallet_transaction(transaction(Some(moved), true));
    assert_clean(server).await;
    let balances = balances(server).await;
    assert_eq!(balances["node_wallet"], -50_000);
    assert_eq!(balances["operator_capital"], 1_050_000);
}
