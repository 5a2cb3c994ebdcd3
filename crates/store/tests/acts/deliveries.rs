//! Deliveries: claimed under a lease by one sender, and recorded by the latest claim alone.

use std::collections::BTreeSet;

use payments::event::EventKind;
use payments::webhook::{ClaimedDelivery, DeliveryAttempt, DeliveryVerdict};
use store::acts::webhook::{record_attempt, release_stale_leases};
use store::queries::webhook::next_delivery_at;
use store::rows::micros;
use store::{StoreError, params};

use crate::builders::Customer;
use crate::harness::{World, on_both, together};

on_both! {
    no_two_senders_get_the_same_delivery,
    a_claim_takes_at_most_its_limit,
    a_delivered_event_is_never_claimed_again,
    a_retry_is_due_at_its_time_and_counts_its_attempts,
    a_lease_that_ran_out_is_claimed_again_and_counts_as_an_attempt,
    a_lease_that_holds_is_not_released,
    a_stale_claim_records_nothing,
    one_of_two_records_of_a_claim_counts,
    an_exhausted_delivery_rests,
    an_endpoint_that_is_gone_gets_nothing_more,
    two_endpoints_that_are_gone_at_once_do_not_block_each_other,
    an_attempt_without_an_answer_is_logged_too,
}

/// A customer with one endpoint, and as many events waiting for it.
fn waiting(world: &World, events: usize) -> Customer {
    let customer = world.customer();
    world.endpoint(&customer, &EventKind::ALL);
    for _ in 0..events {
        world.deposited(&customer, 1);
    }
    customer
}

fn attempt(world: &World) -> DeliveryAttempt {
    DeliveryAttempt {
        id: world.id(),
        started_at: world.now(),
        status: Some(503),
        error: None,
        duration_ms: 12,
        response_excerpt: b"try later".to_vec(),
    }
}

fn record(world: &World, claim: &ClaimedDelivery, verdict: DeliveryVerdict) -> bool {
    record_this(world, claim, attempt(world), verdict)
}

fn record_this(
    world: &World,
    claim: &ClaimedDelivery,
    attempt: DeliveryAttempt,
    verdict: DeliveryVerdict,
) -> bool {
    let claim = claim.clone();
    world
        .write(move |tx, _| record_attempt(tx, &claim, &attempt, verdict))
        .expect("an answer")
}

fn release(world: &World) -> u64 {
    world.write(release_stale_leases).expect("an answer")
}

/// The state and the attempts of a delivery.
fn stored(world: &World, claim: &ClaimedDelivery) -> (String, i64) {
    let (event, endpoint) = (claim.event_id.to_bytes(), claim.endpoint_id.to_bytes());
    world.read(move |tx| -> Result<_, StoreError> {
        let sql = "SELECT state, attempts FROM webhook_delivery
                   WHERE event_id = $1 AND endpoint_id = $2";
        let row = &tx.query(sql, params![event, endpoint])?[0];
        Ok((row.text(0)?.to_owned(), row.int(1)?))
    })
}

fn next_at(world: &World) -> Option<i64> {
    world.read(next_delivery_at)
}

fn logged(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM webhook_attempt")
}

fn no_two_senders_get_the_same_delivery(world: &World) {
    waiting(world, 30);
    let claimed = together(8, |_| {
        let mut mine = Vec::new();
        loop {
            let more = world.deliveries(3);
            if more.is_empty() {
                return mine;
            }
            mine.extend(more);
        }
    });
    let claimed: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 30);
    let events: BTreeSet<_> = claimed.iter().map(|claim| claim.event_id).collect();
    assert_eq!(events.len(), 30);
}

fn a_claim_takes_at_most_its_limit(world: &World) {
    waiting(world, 5);
    let sizes = [2, 2, 2, 2].map(|limit| world.deliveries(limit).len());
    assert_eq!(sizes, [2, 2, 1, 0]);
}

fn a_delivered_event_is_never_claimed_again(world: &World) {
    waiting(world, 1);
    assert_eq!(next_at(world), Some(micros(world.now())));
    let claim = world.deliveries(1).remove(0);
    assert_eq!(next_at(world), Some(micros(world.later(30))));
    assert!(record(world, &claim, DeliveryVerdict::Delivered));
    assert_eq!(stored(world, &claim), ("delivered".to_owned(), 1));
    assert_eq!((logged(world), next_at(world)), (1, None));
    world.pass(1_000_000);
    assert_eq!(release(world), 0);
    assert_eq!(world.deliveries(10), []);
}

fn a_retry_is_due_at_its_time_and_counts_its_attempts(world: &World) {
    waiting(world, 1);
    for attempts in 1..=3 {
        let claim = world.deliveries(1).remove(0);
        assert_eq!(claim.attempts, attempts - 1);
        let next_at_time = world.later(10);
        let retry = DeliveryVerdict::Retry {
            next_at: next_at_time,
        };
        assert!(record(world, &claim, retry));
        assert_eq!(
            stored(world, &claim),
            ("pending".to_owned(), attempts.into())
        );
        assert_eq!(next_at(world), Some(micros(next_at_time)));
        world.pass(9);
        assert_eq!(world.deliveries(1), []);
        world.pass(1);
    }
    assert_eq!(logged(world), 3);
}

fn a_lease_that_ran_out_is_claimed_again_and_counts_as_an_attempt(world: &World) {
    waiting(world, 1);
    let first = world.deliveries(1).remove(0);
    world.pass(30);
    assert_eq!(world.deliveries(1), []);
    let released = together(2, |_| release(world));
    assert_eq!(released.iter().sum::<u64>(), 1);
    assert_eq!(stored(world, &first), ("pending".to_owned(), 1));
    let second = world.deliveries(1).remove(0);
    assert_eq!((second.event_id, second.attempts), (first.event_id, 1));
    assert!(second.lease_token > first.lease_token);
    assert_eq!(second.body, first.body);
}

fn a_lease_that_holds_is_not_released(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    world.pass(29);
    assert_eq!(release(world), 0);
    assert_eq!(stored(world, &claim), ("leased".to_owned(), 0));
}

fn a_stale_claim_records_nothing(world: &World) {
    waiting(world, 1);
    let stale = world.deliveries(1).remove(0);
    world.pass(30);
    release(world);
    // Released, and then claimed by another.
    assert!(!record(world, &stale, DeliveryVerdict::Delivered));
    let latest = world.deliveries(1).remove(0);
    for verdict in [DeliveryVerdict::Delivered, DeliveryVerdict::Gone] {
        assert!(!record(world, &stale, verdict));
    }
    assert_eq!(stored(world, &latest), ("leased".to_owned(), 1));
    assert_eq!(logged(world), 0);
    assert!(record(world, &latest, DeliveryVerdict::Delivered));
    assert!(!record(world, &stale, DeliveryVerdict::Exhausted));
    assert_eq!(stored(world, &latest), ("delivered".to_owned(), 2));
}

fn one_of_two_records_of_a_claim_counts(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    let recorded = together(2, |_| record(world, &claim, DeliveryVerdict::Delivered));
    assert_eq!(recorded.iter().filter(|recorded| **recorded).count(), 1);
    assert_eq!((logged(world), stored(world, &claim).1), (1, 1));
}

fn an_exhausted_delivery_rests(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    assert!(record(world, &claim, DeliveryVerdict::Exhausted));
    assert_eq!(stored(world, &claim), ("exhausted".to_owned(), 1));
    world.pass(1_000_000);
    assert_eq!(release(world), 0);
    assert_eq!(world.deliveries(1), []);
}

fn an_endpoint_that_is_gone_gets_nothing_more(world: &World) {
    let customer = waiting(world, 3);
    let claims = world.deliveries(2);
    assert!(record(world, &claims[0], DeliveryVerdict::Gone));
    let states = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'cancelled'";
    assert_eq!(world.count(states), 3);
    assert_eq!(stored(world, &claims[0]).1, 1);
    // The other claim was under way: what came of it changes nothing.
    assert!(!record(world, &claims[1], DeliveryVerdict::Delivered));
    world.deposited(&customer, 1);
    world.pass(1_000_000);
    assert_eq!(release(world), 0);
    assert_eq!(world.deliveries(10), []);
    assert_eq!(world.count("SELECT COUNT(*) FROM webhook_delivery"), 3);
}

fn two_endpoints_that_are_gone_at_once_do_not_block_each_other(world: &World) {
    let customer = waiting(world, 4);
    world.endpoint(&customer, &EventKind::ALL);
    for _ in 0..4 {
        world.deposited(&customer, 1);
    }
    let claims = world.deliveries(12);
    assert_eq!(claims.len(), 12);
    together(12, |number| {
        record(world, &claims[number], DeliveryVerdict::Gone)
    });
    let off = "SELECT COUNT(*) FROM webhook_endpoint WHERE state = 'disabled'";
    assert_eq!(world.count(off), 2);
    let cancelled = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'cancelled'";
    assert_eq!(world.count(cancelled), 12);
}

fn an_attempt_without_an_answer_is_logged_too(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    let attempt = DeliveryAttempt {
        status: None,
        error: Some("connection refused".to_owned()),
        response_excerpt: Vec::new(),
        ..attempt(world)
    };
    assert!(record_this(
        world,
        &claim,
        attempt,
        DeliveryVerdict::Exhausted
    ));
    let silent = "SELECT COUNT(*) FROM webhook_attempt
                  WHERE status IS NULL AND error = 'connection refused'";
    assert_eq!(world.count(silent), 1);
}
