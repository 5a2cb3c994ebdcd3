//! The rail over real nodes: a validated chain, a funded channel, and payments over a socket.

mod again;
mod closing;
mod economy;
mod operator;
mod twice;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use economy::{Economy, MemoryState, wait_until};
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{
    InvoiceRequest, NodeState, PayAnswer, PayRequest, Rail, RailEvent, RailPayment, Rejection,
    StoredPayments,
};
use rail_ldk::{LdkNode, NodeEvent, StartError, StoredNode};

const HOUR_SECONDS: u32 = 3_600;

fn sat(sat: i64) -> Msat {
    Msat::from_sat(sat).expect("in range")
}

/// An invoice of the counterparty, to be paid by our rail.
fn invoice(economy: &Economy, amount_sat: i64) -> PayRequest {
    let amount = Some(sat(amount_sat));
    let made = economy
        .counterparty
        .receive(amount, "coffee", HOUR_SECONDS)
        .expect("made");
    request(
        &made.to_string(),
        PaymentHash::from_bytes(*made.payment_hash().as_ref()),
    )
}

/// The same, but the counterparty holds the payment.
fn held_invoice(economy: &Economy, preimage: &PaymentPreimage) -> PayRequest {
    let (amount, hash) = (Some(sat(2_000)), preimage.payment_hash());
    let counterparty = &economy.counterparty;
    let made = counterparty
        .receive_for_hash(amount, "hold", HOUR_SECONDS, &hash)
        .expect("made");
    request(&made.to_string(), hash)
}

fn request(bolt11: &str, payment_hash: PaymentHash) -> PayRequest {
    PayRequest {
        amount_msat: None,
        bolt11: bolt11.to_owned(),
        payment_hash,
        fee_limit_msat: sat(5),
    }
}

fn await_held(economy: &Economy, hash: PaymentHash) -> Msat {
    let held = |event: &NodeEvent| match event {
        NodeEvent::PaymentClaimable {
            payment_hash,
            amount_msat,
            ..
        } if *payment_hash == hash => Some(*amount_msat),
        _ => None,
    };
    held(&economy.node_event(|event| held(event).is_some())).expect("just found")
}

fn is_of(event: &RailEvent, payment_hash: PaymentHash) -> bool {
    match event {
        RailEvent::PaymentSucceeded {
            payment_hash: hash, ..
        }
        | RailEvent::PaymentFailed {
            payment_hash: hash, ..
        }
        | RailEvent::PaymentReceived {
            payment_hash: hash, ..
        } => *hash == payment_hash,
        RailEvent::ChannelClosed { .. } | RailEvent::Other(_) => false,
    }
}

fn proven_unsent(state: &dyn NodeState, payment_hash: PaymentHash) -> bool {
    StoredNode(state)
        .never_sent(&[payment_hash])
        .expect("readable")
        .contains(&payment_hash)
}

#[test]
fn a_second_pay_finds_the_first() {
    let economy = Economy::new();
    let rail = &economy.rail;
    let out = invoice(&economy, 1_000);
    assert_eq!(rail.payment(&out.payment_hash), RailPayment::NotFound);
    assert_eq!(rail.pay(&out), PayAnswer::Unknown);
    let event = economy.rail_event(|event| is_of(event, out.payment_hash));
    let RailEvent::PaymentSucceeded {
        preimage: Some(preimage),
        fee_msat,
        ..
    } = event
    else {
        panic!("{event:?}");
    };
    assert_eq!(preimage.payment_hash(), out.payment_hash);
    assert_eq!(fee_msat, Some(sat(0)));
    let succeeded = RailPayment::Succeeded {
        preimage: Some(preimage),
        fee_msat,
        amount_msat: Some(sat(1_000)),
    };
    assert_eq!(rail.payment(&out.payment_hash), succeeded);
    assert_eq!(
        rail.pay(&out),
        PayAnswer::Paid {
            preimage,
            fee_msat: sat(0)
        }
    );
    let sent: Vec<_> = rail
        .node()
        .sent_payments()
        .iter()
        .map(|p| p.payment_hash)
        .collect();
    assert_eq!(sent, [out.payment_hash]);
}

#[test]
fn money_comes_in_for_our_invoices_and_never_from_ourselves() {
    let economy = Economy::new();
    let rail = &economy.rail;
    let asked = InvoiceRequest {
        amount_msat: Some(sat(700)),
        description: "tea".to_owned(),
        expiry_seconds: HOUR_SECONDS,
    };
    let ours = rail.create_invoice(&asked).expect("made");
    assert_eq!(rail.payment(&ours.payment_hash), RailPayment::NotFound);
    let circle = request(&ours.bolt11, ours.payment_hash);
    assert_eq!(
        rail.pay(&circle),
        PayAnswer::Rejected(Rejection::InvalidInvoice)
    );
    economy
        .counterparty
        .send(&ours.bolt11, None, None)
        .expect("sent");
    let event = economy.rail_event(|event| is_of(event, ours.payment_hash));
    let expected = RailEvent::PaymentReceived {
        payment_hash: ours.payment_hash,
        amount_msat: sat(700),
    };
    assert_eq!(event, expected);

    let open = InvoiceRequest {
        amount_msat: None,
        ..asked
    };
    let ours = rail.create_invoice(&open).expect("made");
    economy
        .counterparty
        .send(&ours.bolt11, Some(sat(33)), None)
        .expect("sent");
    let event = economy.rail_event(|event| is_of(event, ours.payment_hash));
    let expected = RailEvent::PaymentReceived {
        payment_hash: ours.payment_hash,
        amount_msat: sat(33),
    };
    assert_eq!(event, expected);

    let received = rail.node().received_payments();
    let total: i64 = received
        .iter()
        .filter_map(|p| p.amount_msat)
        .map(Msat::get)
        .sum();
    assert_eq!((received.len(), total), (2, 733_000));
}

#[test]
fn d3_an_invoice_without_an_amount_is_paid_with_the_one_that_is_named() {
    let economy = Economy::new();
    let rail = &economy.rail;
    let made = economy.counterparty.receive(None, "a tip", HOUR_SECONDS);
    let made = made.expect("made");
    let hash = PaymentHash::from_bytes(*made.payment_hash().as_ref());
    let mut open = request(&made.to_string(), hash);
    let mut fixed = invoice(&economy, 10);
    fixed.amount_msat = Some(sat(10));
    // No amount at all, or two of them.
    for wrong in [&open, &fixed] {
        let answer = rail.pay(wrong);
        assert_eq!(answer, PayAnswer::Rejected(Rejection::InvalidInvoice));
    }
    let amount = Msat::new(1_234_567).expect("in range");
    open.amount_msat = Some(amount);
    assert_eq!(rail.pay(&open), PayAnswer::Unknown);
    let event = economy.rail_event(|event| is_of(event, hash));
    assert!(
        matches!(event, RailEvent::PaymentSucceeded { .. }),
        "{event:?}"
    );
    let RailPayment::Succeeded { amount_msat, .. } = rail.payment(&hash) else {
        panic!("no record of it");
    };
    assert_eq!(amount_msat, Some(amount));
}

#[test]
fn a_held_payment_survives_a_restart_and_is_never_proven_unsent() {
    let economy = Economy::new();
    let preimage = PaymentPreimage::from_bytes([0x42; 32]);
    let out = held_invoice(&economy, &preimage);
    let unsent = invoice(&economy, 5);
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
    let amount_msat = await_held(&economy, out.payment_hash);
    assert_eq!(
        economy.rail.payment(&out.payment_hash),
        RailPayment::Pending
    );
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);

    let economy = economy.restart(|state| {
        assert!(!proven_unsent(state, out.payment_hash));
        assert!(proven_unsent(state, unsent.payment_hash));
    });
    assert_eq!(
        economy.rail.payment(&out.payment_hash),
        RailPayment::Pending
    );
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
    economy
        .counterparty
        .claim_for_hash(&preimage, amount_msat)
        .expect("claimed");
    let event = economy.rail_event(|event| is_of(event, out.payment_hash));
    let expected = RailEvent::PaymentSucceeded {
        payment_hash: out.payment_hash,
        preimage: Some(preimage),
        fee_msat: Some(sat(0)),
    };
    assert_eq!(event, expected);
}

#[test]
fn an_event_comes_again_until_it_is_acknowledged_also_after_a_restart() {
    let economy = Economy::new();
    let out = invoice(&economy, 100);
    while economy.rail.next_event(Duration::from_millis(1)).is_some() {
        economy.rail.acknowledge();
    }
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
    let event = economy
        .rail
        .next_event(economy::PATIENCE)
        .expect("an event");
    assert!(is_of(&event, out.payment_hash), "{event:?}");
    assert_eq!(
        economy.rail.next_event(economy::PATIENCE),
        Some(event.clone())
    );

    // An event that waits proves that the payment was sent.
    let economy = economy.restart(|state| assert!(!proven_unsent(state, out.payment_hash)));
    assert_eq!(
        economy.rail.next_event(economy::PATIENCE),
        Some(event.clone())
    );
    economy.rail.acknowledge();
    // A second acknowledgement must not take an event that nobody has seen.
    let next = invoice(&economy, 100);
    assert_eq!(economy.rail.pay(&next), PayAnswer::Unknown);
    wait_until("the next payment", || {
        matches!(
            economy.rail.payment(&next.payment_hash),
            RailPayment::Succeeded { .. }
        )
    });
    economy.rail.acknowledge();
    economy.rail_event(|event| is_of(event, next.payment_hash));
}

#[test]
fn what_cannot_be_sent_is_rejected_and_leaves_nothing_in_flight() {
    let economy = Economy::without_channel();
    let early = invoice(&economy, 100);
    assert_eq!(
        economy.rail.pay(&early),
        PayAnswer::Rejected(Rejection::NotReady)
    );
    let garbage = request("lnbcrt1garbage", early.payment_hash);
    assert_eq!(
        economy.rail.pay(&garbage),
        PayAnswer::Rejected(Rejection::InvalidInvoice)
    );
    let other = request(&early.bolt11, PaymentHash::from_bytes([9; 32]));
    assert_eq!(
        economy.rail.pay(&other),
        PayAnswer::Rejected(Rejection::InvalidInvoice)
    );

    let economy = Economy::new();
    let large = invoice(&economy, 9_000_000);
    assert_eq!(
        economy.rail.pay(&large),
        PayAnswer::Rejected(Rejection::NoRoute)
    );
    assert_eq!(
        economy.rail.payment(&large.payment_hash),
        RailPayment::Failed
    );
    let economy = economy.restart(|state| assert!(proven_unsent(state, large.payment_hash)));
    economy
        .rail
        .forget_unsent(&large.payment_hash)
        .expect("forgotten");
    assert_eq!(
        economy.rail.payment(&large.payment_hash),
        RailPayment::NotFound
    );

    let node = economy.rail.node();
    node.stop().expect("stopped");
    node.stop().expect("stopped already");
    assert!(!node.is_running());
    let late = invoice(&economy, 100);
    assert_eq!(
        economy.rail.pay(&late),
        PayAnswer::Rejected(Rejection::NotReady)
    );
    assert!(
        economy
            .rail
            .next_event(Duration::ZERO)
            .is_none_or(|e| matches!(e, RailEvent::Other(_)))
    );
}

#[test]
fn every_one_of_concurrent_syncs_sees_the_coins_of_the_newest_block() {
    const COIN_SAT: u64 = 10_000;
    let economy = Economy::without_channel();
    let node = &economy.counterparty;
    let mined_sat = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let address = node.new_onchain_address().expect("an address");
                    economy.pay_onchain(&address, COIN_SAT);
                    economy.chain.faucet().mine(1).expect("mined");
                    let newest_sat = mined_sat.fetch_add(COIN_SAT, Ordering::SeqCst) + COIN_SAT;
                    node.sync_wallets().expect("synced");
                    assert!(
                        node.balances().onchain_total_sat >= newest_sat,
                        "coins not seen"
                    );
                }
            });
        }
    });
}

#[test]
fn a_node_can_be_driven_and_dropped_inside_an_async_runtime() {
    let economy = Economy::without_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let node = economy.another_node();
        economy.connect(&node);
        node.sync_wallets().expect("synced");
        assert_eq!(node.next_node_event(Duration::ZERO), None);
        node.new_onchain_address().expect("an address");
        drop(node);
    });
    // The connections live on the node's own runtime, not on the caller's.
    assert_eq!(economy.rail.node().reconnect_peers(), 0);
}

#[test]
fn a_node_that_cannot_start_says_why_and_leaves_nothing_running() {
    let mut config = economy::config("http://127.0.0.1:1", 3);
    let state = Arc::new(MemoryState::default());
    let error = LdkNode::start(&config, Arc::clone(&state) as _).err();
    assert!(matches!(error, Some(StartError::Start(_))), "{error:?}");
    config.alias = Some("leyden".to_owned());
    let error = LdkNode::start(&config, state).err();
    assert!(
        matches!(error, Some(StartError::AliasWithoutListening)),
        "{error:?}"
    );
}
