//! A node in its operator's hands: funded, with a channel that it opens and closes.

use std::collections::BTreeSet;

use bitcoin::{Address, OutPoint};
use payments::ports::{
    ChannelRequest, ChannelStatus, NodeOperator, NodeOperatorError, NodeView, RailEvent, WalletMove,
};

use crate::economy::{Economy, wait_until};
use crate::sat;

fn only_channel(economy: &Economy) -> ChannelStatus {
    let mut channels = economy.rail.status().channels;
    assert_eq!(channels.len(), 1);
    channels.remove(0)
}

/// What the wallet's transactions did, told with `fundings` in mind.
fn moves(economy: &Economy, fundings: &[OutPoint]) -> Vec<WalletMove> {
    let fundings = fundings.iter().copied().collect();
    let told = economy
        .rail
        .wallet_transactions(&BTreeSet::new(), &fundings);
    told.into_iter().filter_map(|one| one.moved).collect()
}

fn has_opened(moves: &[WalletMove]) -> bool {
    moves.iter().any(|moved| {
        matches!(moved, WalletMove::Opened { channel_msat, fee_msat }
            if *channel_msat == sat(500_000) && !fee_msat.is_zero())
    })
}

#[test]
fn an_operator_funds_the_node_opens_a_channel_and_closes_it() {
    let economy = Economy::without_channel();
    let (rail, counterparty) = (&economy.rail, &economy.counterparty);
    let address: Address<_> = rail.fresh_address().expect("one").parse().expect("valid");
    economy.pay_onchain(&address.assume_checked(), 1_000_000);
    economy.mine(6);
    let status = rail.status();
    assert_eq!(status.wallet.spendable_sat, 1_000_000);
    assert_eq!(status.peers[0].node_id, counterparty.node_id());
    let open = |amount_sat| {
        rail.open_channel(&ChannelRequest {
            peer: counterparty.node_id(),
            address: status.peers[0].address.clone(),
            amount_sat,
            is_announced: false,
        })
    };
    let refused = open(1_000_001).expect_err("it has less");
    assert!(
        matches!(
            refused,
            NodeOperatorError::InsufficientFunds {
                spendable_sat: 1_000_000
            }
        ),
        "{refused:?}"
    );

    let name = open(500_000).expect("opened");
    // The wallet knows that the coins are gone: they would be spent on the next channel once more otherwise.
    assert!(rail.status().wallet.total_sat < 500_000);
    assert!(!only_channel(&economy).is_ready);
    economy.mine(6);
    economy.wait_until_usable();
    let channel = only_channel(&economy);
    assert_eq!((channel.name, channel.is_ready), (name, true));
    assert!(has_opened(&moves(&economy, &[])));

    let unknown = rail.close_channel([0; 32], false).expect_err("none");
    assert!(matches!(unknown, NodeOperatorError::UnknownChannel));
    rail.close_channel(channel.channel_id, false)
        .expect("closed");
    economy.rail_event(|event| {
        matches!(event, RailEvent::ChannelClosed { channel_id, by_crash: false, .. }
            if *channel_id == channel.channel_id)
    });
    wait_until("no channel", || rail.status().channels.is_empty());
    // Whoever comes late to book the opening finds it by the funding alone.
    let funding = channel.funding.expect("a funding");
    assert!(has_opened(&moves(&economy, &[funding])));
    assert!(!has_opened(&moves(&economy, &[])));
}
