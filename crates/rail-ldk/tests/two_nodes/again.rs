//! The same payment hash again after a failure, more payments than a channel has room for, and records that go.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{
    Direction, PayAnswer, PayRequest, PaymentFailure, Rail, RailEvent, RailPayment, Rejection,
};
use rail_ldk::{HeldPaymentError, NodeEvent};

use crate::economy::{Economy, PATIENCE, wait_until};
use crate::{HOUR_SECONDS, await_held, held_invoice, invoice, is_of, proven_unsent, sat};

/// More than the 50 that LDK lets into one channel.
const PAYOUTS: u8 = 120;

fn refuse(economy: &Economy, out: &PayRequest) {
    await_held(economy, out.payment_hash);
    let refused = economy.counterparty.fail_for_hash(&out.payment_hash);
    refused.expect("failed");
}

/// The event of a failure, not acknowledged; what comes before it is.
fn failure(economy: &Economy, hash: PaymentHash) -> PaymentFailure {
    let deadline = Instant::now() + PATIENCE;
    while let Some(event) = economy
        .rail
        .next_event(deadline.saturating_duration_since(Instant::now()))
    {
        match event {
            RailEvent::PaymentFailed {
                payment_hash,
                reason,
            } if payment_hash == hash => return reason,
            _ => economy.rail.acknowledge(),
        }
    }
    panic!("the failure did not come");
}

fn settle_again(economy: &Economy, out: &PayRequest, preimage: &PaymentPreimage) {
    economy
        .rail
        .forget_unsent(&out.payment_hash)
        .expect("forgotten");
    assert_eq!(economy.rail.pay(out), PayAnswer::Unknown);
    let amount_msat = await_held(economy, out.payment_hash);
    let claimed = economy.counterparty.claim_for_hash(preimage, amount_msat);
    claimed.expect("claimed");
    let event = economy.rail_event(|event| is_of(event, out.payment_hash));
    assert!(
        matches!(event, RailEvent::PaymentSucceeded { .. }),
        "{event:?}"
    );
}

#[test]
fn b7_a_hash_is_sent_again_when_its_failure_is_acknowledged_and_durable_in_a_node_that_does_nothing_else()
 {
    let economy = Economy::new();
    let rail = &economy.rail;
    let preimage = PaymentPreimage::from_bytes([0x21; 32]);
    let out = held_invoice(&economy, &preimage);
    assert_eq!(rail.pay(&out), PayAnswer::Unknown);
    refuse(&economy, &out);
    assert_eq!(
        failure(&economy, out.payment_hash),
        PaymentFailure::RecipientRejected
    );
    assert_eq!(rail.payment(&out.payment_hash), RailPayment::Failed);
    assert!(
        !rail.failure_is_final(&out.payment_hash),
        "it is not acknowledged"
    );
    rail.acknowledge();
    // No block comes, and no other payment: LDK's own write for the event is enough.
    wait_until("the proof", || rail.failure_is_final(&out.payment_hash));
    settle_again(&economy, &out, &preimage);
}

#[test]
fn b7_a_failure_of_an_earlier_process_is_final_when_it_has_come_again_or_the_next_block_at_the_latest()
 {
    let economy = Economy::new();
    let preimages = [0x31, 0x32].map(|byte| PaymentPreimage::from_bytes([byte; 32]));
    let outs = preimages.map(|preimage| held_invoice(&economy, &preimage));
    for out in &outs {
        assert_eq!(economy.rail.pay(out), PayAnswer::Unknown);
        refuse(&economy, out);
    }
    failure(&economy, outs[0].payment_hash);
    economy.rail.acknowledge();
    failure(&economy, outs[1].payment_hash);

    let economy = economy.restart(|_| {});
    let rail = &economy.rail;
    assert!(
        !rail.failure_is_final(&outs[1].payment_hash),
        "its event waits in the queue"
    );
    failure(&economy, outs[1].payment_hash);
    rail.acknowledge();
    economy.mine(1);
    for (out, preimage) in outs.iter().zip(preimages) {
        wait_until("the proof", || rail.failure_is_final(&out.payment_hash));
        settle_again(&economy, out, &preimage);
    }
}

#[test]
fn b4_a_death_before_a_second_call_leaves_a_proof_and_one_after_it_leaves_none() {
    let economy = Economy::new();
    let preimage = PaymentPreimage::from_bytes([0x41; 32]);
    let out = held_invoice(&economy, &preimage);
    let hash = out.payment_hash;
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
    refuse(&economy, &out);
    failure(&economy, hash);
    economy.rail.acknowledge();
    wait_until("the proof", || economy.rail.failure_is_final(&hash));
    assert!(
        !proven_unsent(&*economy.state, hash),
        "the channel's monitor keeps the hash"
    );
    economy.rail.forget_unsent(&hash).expect("forgotten");

    // The next attempt is claimed, and the process dies before its call.
    let economy = economy.restart(|state| assert!(proven_unsent(state, hash)));
    economy.rail.forget_unsent(&hash).expect("forgotten");
    assert_eq!(economy.rail.pay(&out), PayAnswer::Unknown);
    let amount_msat = await_held(&economy, hash);

    // Now it is in flight, and no death may hide that.
    let economy = economy.restart(|state| assert!(!proven_unsent(state, hash)));
    let claimed = economy.counterparty.claim_for_hash(&preimage, amount_msat);
    claimed.expect("claimed");
    let event = economy.rail_event(|event| is_of(event, hash));
    assert!(
        matches!(event, RailEvent::PaymentSucceeded { .. }),
        "{event:?}"
    );
}

/// Payments that their payee holds, as a queue in front of the rail sees them.
struct Payouts<'a> {
    economy: &'a Economy,
    preimages: HashMap<PaymentHash, PaymentPreimage>,
    requests: HashMap<PaymentHash, PayRequest>,
    waiting: VecDeque<PayRequest>,
    came_back: Vec<PayRequest>,
    held: VecDeque<(PaymentHash, Msat)>,
    settled: usize,
    most_in_flight: usize,
    full: usize,
}

impl Payouts<'_> {
    fn in_flight(&self) -> usize {
        self.preimages.len() - self.waiting.len() - self.came_back.len() - self.settled
    }

    /// Sends until there is no room.
    fn send(&mut self) {
        while let Some(out) = self.waiting.pop_front() {
            match self.economy.rail.pay(&out) {
                PayAnswer::Unknown => {
                    self.most_in_flight = self.most_in_flight.max(self.in_flight());
                }
                PayAnswer::Rejected(Rejection::NoRoom) => {
                    self.full += 1;
                    self.waiting.push_front(out);
                    return;
                }
                other => panic!("{other:?} with {} in flight", self.in_flight()),
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self
            .economy
            .counterparty
            .next_node_event(Duration::from_millis(5))
        {
            if let NodeEvent::PaymentClaimable {
                payment_hash,
                amount_msat,
                ..
            } = event
            {
                self.held.push_back((payment_hash, amount_msat));
            }
            self.economy.counterparty.acknowledge_event();
        }
        while let Some(event) = self.economy.rail.next_event(Duration::from_millis(5)) {
            self.economy.rail.acknowledge();
            match event {
                RailEvent::PaymentSucceeded { .. } => self.settled += 1,
                RailEvent::PaymentFailed {
                    payment_hash,
                    reason: PaymentFailure::RouteNotFound | PaymentFailure::RetriesExhausted,
                } => {
                    self.came_back.push(self.requests[&payment_hash].clone());
                }
                RailEvent::PaymentFailed { reason, .. } => panic!("{reason:?}"),
                _ => {}
            }
        }
    }

    fn claim_one(&mut self) {
        if let Some((hash, amount_msat)) = self.held.pop_front() {
            let claimed: Result<(), HeldPaymentError> = self
                .economy
                .counterparty
                .claim_for_hash(&self.preimages[&hash], amount_msat);
            claimed.expect("claimed");
        }
    }
}

#[test]
fn more_payouts_than_a_channel_holds_wait_for_room_and_are_all_paid() {
    let economy = Economy::new();
    let mut payouts = Payouts {
        economy: &economy,
        preimages: HashMap::new(),
        requests: HashMap::new(),
        waiting: VecDeque::new(),
        came_back: Vec::new(),
        held: VecDeque::new(),
        settled: 0,
        most_in_flight: 0,
        full: 0,
    };
    for number in 0..PAYOUTS {
        let preimage = PaymentPreimage::from_bytes([number; 32]);
        let out = held_invoice(&economy, &preimage);
        payouts.preimages.insert(out.payment_hash, preimage);
        payouts.requests.insert(out.payment_hash, out.clone());
        payouts.waiting.push_back(out);
    }
    // Nothing is claimed until the channel is full.
    let deadline = Instant::now() + PATIENCE * 3;
    while payouts.settled < usize::from(PAYOUTS) {
        assert!(
            Instant::now() < deadline,
            "{} settled, {} wait",
            payouts.settled,
            payouts.waiting.len()
        );
        payouts.send();
        payouts.take_events();
        if payouts.full > 0 {
            payouts.claim_one();
        }
        let rail = &economy.rail;
        let is_final = |out: &PayRequest| rail.failure_is_final(&out.payment_hash);
        let again: Vec<_> = payouts
            .came_back
            .extract_if(.., |out| is_final(out))
            .collect();
        for out in again {
            rail.forget_unsent(&out.payment_hash).expect("forgotten");
            payouts.waiting.push_back(out);
        }
    }
    assert!(payouts.full > 0, "the channel was never full");
    let most = payouts.most_in_flight;
    assert!((20..=60).contains(&most), "{most} in flight at once");
}

#[test]
fn a_record_that_is_removed_takes_nothing_but_itself() {
    let economy = Economy::new();
    let rail = &economy.rail;
    let out = invoice(&economy, 1_000);
    assert_eq!(rail.pay(&out), PayAnswer::Unknown);
    economy.rail_event(|event| is_of(event, out.payment_hash));
    assert_eq!(rail.old_records(Timestamp::UNIX_EPOCH), []);
    let old = rail.old_records(Timestamp::MAX);
    let record = old
        .iter()
        .find(|record| record.payment_hash == out.payment_hash)
        .expect("a record");
    assert_eq!(record.direction, Direction::Outbound);
    rail.forget_record(&out.payment_hash).expect("removed");
    rail.forget_record(&out.payment_hash).expect("gone already");
    assert_eq!(rail.payment(&out.payment_hash), RailPayment::NotFound);
    // LDK remembers for a while, and then the payee refuses: an answer that could be mistaken for "not sent" is none.
    assert_eq!(rail.pay(&out), PayAnswer::Unknown);
    assert_eq!(rail.payment(&out.payment_hash), RailPayment::NotFound);

    // Inbound: the guard against being paid twice is the record, so it goes last of all.
    let ours = rail
        .create_invoice(&payments::ports::InvoiceRequest {
            amount_msat: Some(sat(5)),
            description: "tea".to_owned(),
            expiry_seconds: HOUR_SECONDS,
        })
        .expect("made");
    let kept = rail.old_records(Timestamp::MAX);
    let kept = kept
        .iter()
        .find(|record| record.payment_hash == ours.payment_hash);
    assert_eq!(
        kept.map(|record| record.direction),
        Some(Direction::Inbound)
    );
}
