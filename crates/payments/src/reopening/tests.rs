//! What is opened, what is waited for, and what ends an intent, as tables.

use super::*;
use crate::ports::{PeerStatus, WalletStatus};
use money::Msat;

const NAME: u128 = 7;

fn key(number: u8) -> PublicKey {
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&[number; 32]).expect("a key");
    PublicKey::from_secret_key(&bitcoin::secp256k1::Secp256k1::new(), &secret)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time")
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn node(spendable_sat: u64) -> NodeStatus {
    NodeStatus {
        node_id: key(1),
        block_height: 100,
        wallet: WalletStatus {
            total_sat: spendable_sat,
            spendable_sat,
            anchor_reserve_sat: 0,
        },
        channels: Vec::new(),
        closing: Vec::new(),
        peers: vec![PeerStatus {
            node_id: key(2),
            address: "10.0.0.1:9735".to_owned(),
            is_connected: false,
        }],
    }
}

fn channel(channel_id: [u8; 32], name: u128) -> ChannelStatus {
    ChannelStatus {
        channel_id,
        name,
        peer: key(2),
        funding: None,
        capacity_sat: 465_000,
        outbound_msat: Msat::ZERO,
        inbound_msat: Msat::ZERO,
        is_outbound: true,
        is_announced: false,
        is_ready: true,
        is_usable: true,
    }
}

fn reopening(stage: Stage) -> Reopening {
    Reopening {
        channel_id: [1; 32],
        peer: key(2),
        is_announced: true,
        returned_sat: Some(500_000),
        attempts: 0,
        stage,
        others: vec![[1; 32]],
        closed_again: None,
        known: vec![[1; 32]],
    }
}

fn wanted() -> Reopening {
    reopening(Stage::Wanted {
        due_at: now(),
        is_settled: true,
    })
}

fn asked(name: Option<u128>) -> Reopening {
    Reopening {
        attempts: 1,
        ..reopening(Stage::Asked { name })
    }
}

fn amount(reopening: &Reopening, node: &NodeStatus) -> Result<u64, Step> {
    match next(reopening, node, true, now()) {
        Step::Open(request) => Ok(request.amount_sat),
        other => Err(other),
    }
}

#[test]
fn what_came_back_is_opened_less_the_fee_and_the_reserve() {
    // (what came back, what may be spent, what is opened)
    let table = [
        (500_000, 500_000, 465_000),
        (500_000, 525_000, 490_000),
        (500_000, 9_000_000, 490_000),
        (16_000_000, 16_000_000, 15_875_000),
        (50_000, 50_000, 20_000),
        (500_000, 55_000, 20_000),
    ];
    for (returned_sat, spendable_sat, opened_sat) in table {
        let reopening = Reopening {
            returned_sat: Some(returned_sat),
            ..wanted()
        };
        let opened = amount(&reopening, &node(spendable_sat));
        assert_eq!(opened, Ok(opened_sat), "{returned_sat} {spendable_sat}");
    }
    let Step::Open(request) = next(&wanted(), &node(500_000), true, now()) else {
        panic!("it is due");
    };
    assert_eq!(
        (request.peer, request.address.as_str(), request.is_announced),
        (key(2), "10.0.0.1:9735", true)
    );
}

#[test]
fn nothing_is_opened_with_too_little_or_against_the_policy() {
    let with = |returned_sat| Reopening {
        returned_sat,
        ..wanted()
    };
    let table = [
        (Some(49_999), true, GiveUp::TooLittle),
        (Some(0), true, GiveUp::TooLittle),
        (None, true, GiveUp::Unknown),
        (Some(500_000), false, GiveUp::Policy),
    ];
    for (returned_sat, is_wanted, why) in table {
        let step = next(&with(returned_sat), &node(9_000_000), is_wanted, now());
        assert_eq!(step, Step::GiveUp(why), "{returned_sat:?}");
    }
}

#[test]
fn nothing_is_opened_before_the_money_is_back_and_the_peer_can_be_found() {
    let stage = |due_at, is_settled| reopening(Stage::Wanted { due_at, is_settled });
    let mut nowhere = node(500_000);
    nowhere.peers.clear();
    let table = [
        (stage(now(), false), node(500_000), Waiting::Money),
        (stage(later(1), true), node(500_000), Waiting::Due),
        (wanted(), node(54_999), Waiting::Coins),
        (wanted(), nowhere, Waiting::Peer),
    ];
    for (reopening, node, what) in table {
        let step = next(&reopening, &node, true, now());
        assert_eq!(step, Step::Wait(what), "{reopening:?} {node:?}");
    }
}

#[test]
fn what_was_asked_for_ends_only_by_what_the_node_shows() {
    let with = |channels: Vec<ChannelStatus>| NodeStatus {
        channels,
        ..node(500_000)
    };
    let (named, unnamed) = (asked(Some(NAME)), asked(None));
    let lost = Step::Again(later(5));
    let unready = ChannelStatus {
        is_ready: false,
        ..channel([2; 32], NAME)
    };
    let theirs = ChannelStatus {
        is_outbound: false,
        ..channel([3; 32], 8)
    };
    let strangers = ChannelStatus {
        peer: key(3),
        ..channel([3; 32], 8)
    };
    let closing = NodeStatus {
        closing: vec![[1; 32], [9; 32]],
        ..node(500_000)
    };
    let again = Reopening {
        closed_again: Some([2; 32]),
        ..asked(None)
    };
    let table = [
        (
            &named,
            with(vec![channel([2; 32], NAME)]),
            Step::Opened([2; 32]),
        ),
        (
            &unnamed,
            with(vec![channel([2; 32], 8)]),
            Step::Opened([2; 32]),
        ),
        (
            &named,
            with(vec![unready.clone()]),
            Step::Wait(Waiting::Blocks),
        ),
        (&unnamed, with(vec![unready]), Step::Wait(Waiting::Blocks)),
        // Channels that were there before, the peer's, and other peers' are none of it.
        (&unnamed, with(vec![channel([1; 32], 8)]), lost.clone()),
        (&unnamed, with(vec![theirs]), lost.clone()),
        (&unnamed, with(vec![strangers]), lost.clone()),
        (&named, with(vec![channel([2; 32], 8)]), lost.clone()),
        // One that nobody knows is being closed: it may be what was asked for.
        (&unnamed, closing, Step::Wait(Waiting::Unknown)),
        (&again, node(500_000), Step::Opened([2; 32])),
        (&named, node(500_000), lost.clone()),
    ];
    for (number, (reopening, node, step)) in table.into_iter().enumerate() {
        // What was asked for is followed to its end, whatever the policy is by now.
        for is_wanted in [true, false] {
            assert_eq!(
                next(reopening, &node, is_wanted, now()),
                step,
                "row {number}"
            );
        }
    }
}

#[test]
fn tries_come_more_and_more_rarely() {
    let waits = [(1, 5), (2, 15), (3, 60), (6, 3_600), (400, 3_600)];
    for (attempts, seconds) in waits {
        let reopening = Reopening {
            attempts,
            ..asked(None)
        };
        let step = next(&reopening, &node(500_000), true, now());
        assert_eq!(step, Step::Again(later(seconds)), "{attempts}");
    }
}
