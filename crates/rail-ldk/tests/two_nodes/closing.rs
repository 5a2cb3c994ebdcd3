//! Channels that are closed, by the operator or by force with payments under way: every payment ends, and every coin
//! that comes home is known for what it is.

use std::collections::BTreeSet;
use std::time::Duration;

use bitcoin::OutPoint;
use money::Msat;
use payments::payment_hash::PaymentPreimage;
use payments::ports::{
    NodeView, PayAnswer, Rail, RailEvent, WalletMove, WalletTransaction, possible_fundings,
};
use rail_ldk::{LdkNode, OpenChannel};

use crate::economy::{Economy, wait_until};
use crate::{await_held, held_invoice, is_of, sat};

/// What the counterparty has pushed to us in [`Economy::new`].
const OURS_SAT: i64 = 8_000_000;
/// The most that a closed channel keeps back: what is too small for an output.
const KEPT_BACK_SAT: i64 = 3_000;
/// More than any payment hangs on its way.
const LONGEST_BLOCKS: u32 = 1_200;

fn fundings(economy: &Economy) -> BTreeSet<OutPoint> {
    let channels = economy.rail.funds().channels;
    let known: BTreeSet<OutPoint> = channels
        .iter()
        .filter_map(|channel| channel.funding)
        .collect();
    let ids = channels.iter().map(|channel| channel.channel_id);
    let possible: BTreeSet<OutPoint> = ids.flat_map(possible_fundings).collect();
    assert!(possible.is_superset(&known), "{known:?}");
    // Whoever knows no more than the channel's id finds the same.
    possible
}

/// The id by which `node` calls its only channel.
fn only_channel(node: &LdkNode) -> u128 {
    match &*node.channels() {
        [channel] => channel.user_channel_id,
        channels => panic!("{} channels", channels.len()),
    }
}

/// Mines until the node has nothing on the chain that is not in its wallet for good, and answers what came there.
fn mine_it_home(economy: &Economy, fundings: &BTreeSet<OutPoint>) -> Vec<WalletTransaction> {
    for _ in 0..LONGEST_BLOCKS / 12 {
        let funds = economy.rail.funds();
        let transactions = economy.rail.wallet_transactions(&BTreeSet::new(), fundings);
        for transaction in &transactions {
            let moved = transaction.moved;
            let is_funded = matches!(moved, Some(WalletMove::Funded { .. }));
            assert!(!(is_funded && transaction.is_final), "{transaction:?}");
        }
        let is_home = !transactions.is_empty()
            && transactions.iter().all(|transaction| transaction.is_final)
            && funds.closing.is_empty()
            && funds.sweeping_msat.is_zero();
        if is_home {
            return transactions;
        }
        economy.mine(12);
    }
    panic!("it does not come home: {:?}", economy.rail.funds());
}

fn came_home(transactions: &[WalletTransaction]) -> Msat {
    let parts = transactions
        .iter()
        .map(|transaction| match transaction.moved {
            Some(WalletMove::Swept {
                arrived_msat,
                fee_msat,
            }) => arrived_msat.get() + fee_msat.get(),
            ref other => panic!("the wallet did what nobody asked for: {other:?}"),
        });
    Msat::new(parts.sum()).expect("in range")
}

fn assert_nearly(home_msat: Msat, expected_sat: i64) {
    let missing_msat = expected_sat * 1_000 - home_msat.get();
    assert!(
        (0..=KEPT_BACK_SAT * 1_000).contains(&missing_msat),
        "{home_msat} came home of {expected_sat} sat"
    );
}

#[test]
fn g7_what_is_in_flight_when_the_peer_closes_by_force_ends_over_the_chain() {
    let economy = Economy::new();
    let fundings = fundings(&economy);
    let preimages = [0x51, 0x52].map(|byte| PaymentPreimage::from_bytes([byte; 32]));
    let [paid, lost] = preimages.map(|preimage| {
        let out = held_invoice(&economy, &preimage);
        assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
        (out.payment_hash, await_held(&economy, out.payment_hash))
    });
    let (peer, us) = (&economy.counterparty, economy.rail.node_id());
    peer.force_close_channel(only_channel(peer), us)
        .expect("closed");
    peer.claim_for_hash(&preimages[0], paid.1).expect("claimed");
    let mut ends = Vec::new();
    for _ in 0..LONGEST_BLOCKS / 6 {
        economy.mine(6);
        while let Some(event) = economy.rail.next_event(Duration::from_millis(20)) {
            economy.rail.acknowledge();
            if is_of(&event, paid.0) || is_of(&event, lost.0) {
                ends.push(event);
            }
        }
        if ends.len() == 2 {
            break;
        }
    }
    let succeeded = RailEvent::PaymentSucceeded {
        payment_hash: paid.0,
        preimage: Some(preimages[0]),
        fee_msat: Some(Msat::ZERO),
    };
    assert_eq!(ends.first(), Some(&succeeded), "{ends:?}");
    assert!(
        matches!(&ends[..], [_, RailEvent::PaymentFailed { payment_hash, .. }] if *payment_hash == lost.0),
        "{ends:?}"
    );
    let home = mine_it_home(&economy, &fundings);
    assert_nearly(came_home(&home), OURS_SAT - 2_000);
}

#[test]
fn g7_a_channel_that_the_operator_closes_comes_home_as_what_it_is() {
    let economy = Economy::new();
    let fundings = fundings(&economy);
    let (node, peer) = (economy.rail.node(), economy.counterparty.node_id());
    node.close_channel(only_channel(node), peer)
        .expect("closed");
    wait_until("the closing transaction", || {
        !economy.chain.mempool_txids().is_empty()
    });
    let home = mine_it_home(&economy, &fundings);
    assert_nearly(came_home(&home), OURS_SAT);
}

#[test]
fn g7_a_channel_of_ours_that_is_closed_at_once_was_opened_and_comes_home() {
    let economy = Economy::without_channel();
    let (node, peer) = (economy.rail.node(), economy.counterparty.node_id());
    let address = node.new_onchain_address().expect("an address");
    economy.pay_onchain(&address, 5_000_000);
    economy.mine(6);
    let opening = OpenChannel {
        peer,
        // Never used: the peer is connected already.
        address: "127.0.0.1:9".parse().expect("an address"),
        capacity_sat: 4_000_000,
        push_msat: None,
        is_announced: false,
        forwarding_fee: None,
    };
    node.open_channel(&opening).expect("opened");
    wait_until("the funding transaction", || {
        !economy.chain.mempool_txids().is_empty()
    });
    let fundings = fundings(&economy);
    let channels = economy.rail.funds().channels;
    let funding = channels.first().and_then(|channel| channel.funding);
    let funding = funding.expect("a funded channel").txid;
    node.force_close_channel(only_channel(node), peer)
        .expect("closed");
    let mut moved = None;
    for _ in 0..20 {
        economy.mine(1);
        let transactions = economy
            .rail
            .wallet_transactions(&BTreeSet::new(), &fundings);
        let of = |found: &&WalletTransaction| found.txid == *AsRef::<[u8; 32]>::as_ref(&funding);
        moved = transactions
            .iter()
            .find(of)
            .filter(|found| found.is_final)
            .and_then(|found| found.moved);
        if moved.is_some() {
            break;
        }
    }
    assert!(
        matches!(moved, Some(WalletMove::Opened { channel_msat, .. }) if channel_msat == sat(4_000_000)),
        "{moved:?}"
    );
}
