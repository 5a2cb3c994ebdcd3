//! Deliveries: claimed under a lease by one sender, recorded by the latest claim alone, and in order where that is
//! wanted.

use std::collections::BTreeSet;

use payments::event::EventKind;
use payments::webhook::delivery::AttemptTimes;
use payments::webhook::{AttemptOutcome, ClaimedDelivery, DeliveryAttempt, DeliveryVerdict};
use store::acts::webhook::claim::{Stale, give_back, release_stale_leases};
use store::acts::webhook::clock::clock_set_back;
use store::acts::webhook::endpoint::{delete_endpoint, pause_endpoint, resume_endpoint};
use store::acts::webhook::record::{FinishedAttempt, Recorded, record_attempts};
use store::{StoreError, params};

use crate::builders::{Customer, sat};
use crate::harness::{World, on_both, together};

on_both! {
    no_two_senders_get_the_same_delivery,
    a_claim_takes_at_most_its_quota_of_each_endpoint_and_what_waits_longest_first,
    a_delivered_event_is_never_claimed_again,
    a_retry_is_due_at_its_time_and_counts_its_attempts,
    s20_a_lease_that_ran_out_is_claimed_again_and_logged_as_unknown,
    s25_a_lease_goes_by_the_clock_of_the_database_and_by_no_machines,
    s25_a_clock_that_is_set_back_holds_nothing_up,
    s30_a_damaged_log_does_not_keep_leases_from_being_taken_back,
    what_is_given_back_was_not_attempted,
    s22_a_stale_claim_records_nothing,
    one_of_two_records_of_a_claim_counts,
    an_exhausted_delivery_rests,
    s13_an_endpoint_that_is_gone_gets_nothing_more,
    s13_two_endpoints_that_are_gone_at_once_do_not_block_each_other,
    an_attempt_without_an_answer_is_logged_too,
    h1_s18_events_about_one_withdrawal_go_one_after_the_other,
    s18_without_order_they_do_not_wait,
    s18_an_exhausted_delivery_lets_the_next_one_go,
    s14_five_failures_pause_the_endpoint_and_one_probe_ends_the_pause,
    s14_one_sender_of_many_gets_the_probe,
    s15_no_more_are_claimed_than_the_rate_allows,
    s29_a_paused_endpoint_keeps_its_events_and_a_deleted_one_does_not,
    s38_five_days_of_failures_are_hopeless_and_a_success_in_between_is_not,
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

/// What came of an attempt.
pub fn finished(
    world: &World,
    claim: &ClaimedDelivery,
    verdict: DeliveryVerdict,
) -> FinishedAttempt {
    let delivered = verdict == DeliveryVerdict::Delivered;
    FinishedAttempt {
        key: claim.key,
        attempt: DeliveryAttempt {
            started_at: world.now(),
            outcome: if delivered {
                AttemptOutcome::Delivered
            } else {
                AttemptOutcome::Failed
            },
            status: Some(if delivered { 200 } else { 500 }),
            error: None,
            times: AttemptTimes {
                total_us: 12,
                ..AttemptTimes::default()
            },
            response_excerpt: b"an answer".to_vec(),
        },
        verdict,
        is_news: true,
        was_probe: false,
        is_overload: false,
        asked: None,
    }
}

fn record_all(world: &World, finished: Vec<FinishedAttempt>) -> Recorded {
    world
        .write(move |tx, act| record_attempts(tx, act, &finished))
        .expect("an answer")
}

/// Records one attempt; whether its claim was the latest.
fn record(world: &World, claim: &ClaimedDelivery, verdict: DeliveryVerdict) -> bool {
    record_all(world, vec![finished(world, claim, verdict)]).late == 0
}

fn retry_in(world: &World, seconds: i64) -> DeliveryVerdict {
    DeliveryVerdict::Retry {
        next_at: world.later(seconds),
    }
}

fn release(world: &World, stale: Stale) -> u64 {
    world
        .write(move |tx, act| release_stale_leases(tx, act, stale))
        .expect("an answer")
}

/// The state and the attempts of a delivery.
fn stored(world: &World, claim: &ClaimedDelivery) -> (String, i64) {
    let (event, endpoint) = (
        claim.key.event_id.to_bytes(),
        claim.key.endpoint_id.to_bytes(),
    );
    world.read(move |tx| -> Result<_, StoreError> {
        let sql = "SELECT state, attempts FROM webhook_delivery
                   WHERE event_id = $1 AND endpoint_id = $2";
        let row = &tx.query(sql, params![event, endpoint])?[0];
        Ok((row.text(0)?.to_owned(), row.int(1)?))
    })
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
            if more.is_empty() && world.ready().is_empty() {
                return mine;
            }
            mine.extend(more);
        }
    });
    let claimed: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 30);
    let events: BTreeSet<_> = claimed.iter().map(|claim| claim.key).collect();
    assert_eq!(events.len(), 30);
}

fn a_claim_takes_at_most_its_quota_of_each_endpoint_and_what_waits_longest_first(world: &World) {
    let busy = waiting(world, 5);
    world.pass(1);
    world.deposited(&busy, 1);
    let quiet = waiting(world, 1);
    let sizes = [2, 2, 2, 2].map(|most| world.deliveries(most).len());
    assert_eq!(sizes, [3, 2, 2, 0]);
    assert_ne!(busy.account.id, quiet.account.id);
    let last = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'leased'";
    assert_eq!(world.count(last), 7);
}

fn a_delivered_event_is_never_claimed_again(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    assert_eq!(world.ready(), []);
    assert!(record(world, &claim, DeliveryVerdict::Delivered));
    assert_eq!(stored(world, &claim), ("delivered".to_owned(), 1));
    assert_eq!(logged(world), 1);
    world.pass(1_000_000);
    assert_eq!(release(world, Stale::All), 0);
    assert_eq!(world.deliveries(10), []);
}

fn a_retry_is_due_at_its_time_and_counts_its_attempts(world: &World) {
    waiting(world, 1);
    for attempts in 1..=3 {
        let claim = world.deliveries(1).remove(0);
        assert_eq!(claim.tries, attempts - 1);
        assert!(record(world, &claim, retry_in(world, 10)));
        assert_eq!(
            stored(world, &claim),
            ("pending".to_owned(), attempts.into())
        );
        world.pass(9);
        assert_eq!(world.deliveries(1), []);
        world.pass(1);
    }
    assert_eq!(logged(world), 3);
}

fn s20_a_lease_that_ran_out_is_claimed_again_and_logged_as_unknown(world: &World) {
    waiting(world, 1);
    // It has run out at once.
    let first = world.claim_deliveries(1, 0).remove(0);
    assert_eq!(world.deliveries(1), []);
    let released = together(2, |_| release(world, Stale::RanOut));
    assert_eq!(released.iter().sum::<u64>(), 1);
    assert_eq!(stored(world, &first), ("pending".to_owned(), 1));
    let unknown = "SELECT COUNT(*) FROM webhook_attempt WHERE outcome = 'unknown' AND number = 1";
    assert_eq!(world.count(unknown), 1);
    let second = world.deliveries(1).remove(0);
    assert_eq!((second.key.event_id, second.tries), (first.key.event_id, 1));
    assert!(second.key.lease_token > first.key.lease_token);
    assert_eq!(second.body, first.body);
    assert!(record(world, &second, DeliveryVerdict::Delivered));
    assert_eq!(stored(world, &second), ("delivered".to_owned(), 2));
}

fn s25_a_lease_goes_by_the_clock_of_the_database_and_by_no_machines(world: &World) {
    waiting(world, 1);
    let claim = world.deliveries(1).remove(0);
    for seconds in [1_000_000, -2_000_000, 1_000_000] {
        world.pass(seconds);
        assert_eq!(release(world, Stale::RanOut), 0);
    }
    assert_eq!(stored(world, &claim), ("leased".to_owned(), 0));
    assert_eq!(release(world, Stale::All), 1);
}

fn s25_a_clock_that_is_set_back_holds_nothing_up(world: &World) {
    let customer = world.customer();
    world.endpoint_with(&customer, &EventKind::ALL, |endpoint| {
        endpoint.per_second = Some(1);
    });
    world.deposited(&customer, 1);
    let first = world.deliveries(9).remove(0);
    assert!(record(world, &first, retry_in(world, 300)));
    world.deposited(&customer, 1);
    world.pass(-600);
    world.deposited(&customer, 1);
    assert_eq!(
        world.deliveries(9),
        [],
        "its rate is used up by what is yet to come"
    );
    let waited = world.write(clock_set_back);
    assert_eq!(waited.expect("an answer"), 1);
    world.pass(1);
    assert_eq!(world.deliveries(9).len(), 1);
    world.pass(1);
    assert_eq!(world.deliveries(9).len(), 1);
    // What failed keeps its own time.
    world.pass(1);
    assert_eq!(world.deliveries(9), []);
    world.pass(1_000);
    assert_eq!(world.deliveries(9)[0].key.event_id, first.key.event_id);
}

fn s30_a_damaged_log_does_not_keep_leases_from_being_taken_back(world: &World) {
    waiting(world, 3);
    let claims = world.deliveries(3);
    let key = claims[1].key;
    let (event, endpoint) = (key.event_id.to_bytes(), key.endpoint_id.to_bytes());
    let damaged = world.write(move |tx, _| {
        tx.execute(
            "INSERT INTO webhook_attempt
                 (event_id, endpoint_id, number, started_at, outcome, total_us, response_excerpt)
             VALUES ($1, $2, 1, 0, 'unknown', 0, $1)",
            params![event, endpoint],
        )
    });
    assert_eq!(
        damaged.map_err(|error: StoreError| error).expect("damage"),
        1
    );
    assert_eq!(release(world, Stale::All), 3);
    assert_eq!(world.deliveries(9).len(), 3);
}

fn what_is_given_back_was_not_attempted(world: &World) {
    waiting(world, 2);
    let claims = world.deliveries(2);
    let keys: Vec<_> = claims.iter().map(|claim| claim.key).collect();
    assert!(record(world, &claims[1], DeliveryVerdict::Delivered));
    world
        .write(move |tx, _| give_back(tx, &keys))
        .expect("given back");
    assert_eq!(stored(world, &claims[0]), ("pending".to_owned(), 0));
    assert_eq!(stored(world, &claims[1]), ("delivered".to_owned(), 1));
    assert_eq!(world.deliveries(9).len(), 1);
}

fn s22_a_stale_claim_records_nothing(world: &World) {
    waiting(world, 1);
    let stale = world.claim_deliveries(1, 0).remove(0);
    release(world, Stale::RanOut);
    // Released, and then claimed by another.
    assert!(!record(world, &stale, DeliveryVerdict::Delivered));
    let latest = world.deliveries(1).remove(0);
    for verdict in [DeliveryVerdict::Delivered, DeliveryVerdict::Exhausted] {
        assert!(!record(world, &stale, verdict));
    }
    assert_eq!(stored(world, &latest), ("leased".to_owned(), 1));
    assert_eq!(logged(world), 1);
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
    assert_eq!(release(world, Stale::All), 0);
    assert_eq!(world.deliveries(1), []);
}

fn s13_an_endpoint_that_is_gone_gets_nothing_more(world: &World) {
    let customer = waiting(world, 3);
    let claims = world.deliveries(2);
    let gone = record_all(
        world,
        vec![finished(world, &claims[0], DeliveryVerdict::Gone)],
    );
    assert_eq!(gone.gone, [claims[0].key.endpoint_id]);
    let states = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'cancelled'";
    assert_eq!(world.count(states), 3);
    let off = "SELECT COUNT(*) FROM webhook_endpoint WHERE state = 'disabled' AND reason = 'gone'";
    assert_eq!(world.count(off), 1);
    assert_eq!(stored(world, &claims[0]).1, 1);
    // The other claim was under way: what came of it changes nothing.
    assert!(!record(world, &claims[1], DeliveryVerdict::Delivered));
    world.deposited(&customer, 1);
    world.pass(1_000_000);
    assert_eq!(release(world, Stale::All), 0);
    assert_eq!(world.deliveries(10), []);
    assert_eq!(world.count("SELECT COUNT(*) FROM webhook_delivery"), 3);
}

fn s13_two_endpoints_that_are_gone_at_once_do_not_block_each_other(world: &World) {
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
    let mut silent = finished(world, &claim, DeliveryVerdict::Exhausted);
    silent.attempt.status = None;
    silent.attempt.error = Some("connect".to_owned());
    assert_eq!(record_all(world, vec![silent]).late, 0);
    let silent = "SELECT COUNT(*) FROM webhook_attempt WHERE status IS NULL AND error = 'connect'";
    assert_eq!(world.count(silent), 1);
}

/// A withdrawal that was paid: two events about it.
fn paid_withdrawal(world: &World, ordered: bool) -> Customer {
    let customer = world.customer_with(1_000);
    world.endpoint_with(&customer, &EventKind::ALL, |endpoint| {
        endpoint.ordered = ordered
    });
    let withdrawal = world.dispatched(&customer, 100);
    world.settle(withdrawal.payment_hash, sat(1));
    customer
}

fn h1_s18_events_about_one_withdrawal_go_one_after_the_other(world: &World) {
    let customer = paid_withdrawal(world, true);
    let first = world.deliveries(9);
    assert_eq!(first.len(), 1, "the second waits");
    // What is about something else does not.
    world.deposited(&customer, 1);
    assert_eq!(world.deliveries(9).len(), 1);
    assert!(record(world, &first[0], retry_in(world, 5)));
    assert_eq!(world.deliveries(9), []);
    world.pass(5);
    let again = world.deliveries(9);
    assert_eq!(again[0].key.event_id, first[0].key.event_id);
    assert_eq!(again.len(), 1);
    assert!(record(world, &again[0], DeliveryVerdict::Delivered));
    let second = world.deliveries(9);
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].key.event_id, first[0].key.event_id);
}

fn s18_without_order_they_do_not_wait(world: &World) {
    paid_withdrawal(world, false);
    assert_eq!(world.deliveries(9).len(), 2);
}

fn s18_an_exhausted_delivery_lets_the_next_one_go(world: &World) {
    paid_withdrawal(world, true);
    let first = world.deliveries(9).remove(0);
    assert!(record(world, &first, DeliveryVerdict::Exhausted));
    assert_eq!(world.deliveries(9).len(), 1);
}

/// Lets five attempts of the only endpoint fail.
fn fail_five(world: &World) {
    let claims = world.deliveries(5);
    let failed = |claim| finished(world, claim, retry_in(world, 1));
    record_all(world, claims.iter().map(failed).collect());
}

fn s14_five_failures_pause_the_endpoint_and_one_probe_ends_the_pause(world: &World) {
    waiting(world, 8);
    fail_five(world);
    assert_eq!(world.deliveries(9), [], "five seconds of rest");
    world.pass(5);
    let probed = world.ready().remove(0);
    assert!(probed.probe_after.is_some() && probed.is_failing);
    let probe = world.deliveries(1).remove(0);
    assert_eq!(world.deliveries(9), [], "nothing goes beside the probe");
    let mut failed = finished(world, &probe, retry_in(world, 1));
    failed.was_probe = true;
    record_all(world, vec![failed]);
    world.pass(9);
    assert_eq!(world.deliveries(9), [], "twice as long");
    world.pass(1);
    let probe = world.deliveries(1).remove(0);
    assert!(record(world, &probe, DeliveryVerdict::Delivered));
    assert_eq!(world.deliveries(9).len(), 7);
}

fn s14_one_sender_of_many_gets_the_probe(world: &World) {
    waiting(world, 8);
    fail_five(world);
    world.pass(5);
    let claimed = together(6, |_| world.deliveries(1).len());
    assert_eq!(claimed.iter().sum::<usize>(), 1);
}

fn s15_no_more_are_claimed_than_the_rate_allows(world: &World) {
    let customer = world.customer();
    world.endpoint_with(&customer, &EventKind::ALL, |endpoint| {
        endpoint.per_second = Some(2);
    });
    for _ in 0..5 {
        world.deposited(&customer, 1);
    }
    assert_eq!(world.deliveries(9).len(), 1);
    assert_eq!(world.deliveries(9), []);
    assert_eq!(world.ready(), [], "nothing to look at before its time");
    world.pass(1);
    let sizes = [world.deliveries(9).len(), world.deliveries(9).len()];
    assert_eq!(sizes, [1, 0]);
}

fn s29_a_paused_endpoint_keeps_its_events_and_a_deleted_one_does_not(world: &World) {
    let customer = waiting(world, 1);
    let endpoint = world.ready()[0].id;
    let paused = world.write(move |tx, act| pause_endpoint(tx, act, endpoint));
    assert!(paused.expect("paused"));
    world.deposited(&customer, 1);
    assert_eq!(world.deliveries(9), []);
    let resumed = world.write(move |tx, act| resume_endpoint(tx, act, endpoint));
    assert!(resumed.expect("resumed"));
    assert_eq!(world.deliveries(1).len(), 1);
    let deleted = world.write(move |tx, act| delete_endpoint(tx, act, endpoint));
    assert!(deleted.expect("deleted"));
    world.deposited(&customer, 1);
    assert_eq!(world.deliveries(9), []);
    let cancelled = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'cancelled'";
    assert_eq!(world.count(cancelled), 2);
    let again = world.write(move |tx, act| resume_endpoint(tx, act, endpoint));
    assert!(!again.expect("it stays deleted"));
    let kept = "SELECT COUNT(*) FROM webhook_endpoint WHERE secret <> '' OR state <> 'deleted'";
    assert_eq!(world.count(kept), 0);
}

fn s38_five_days_of_failures_are_hopeless_and_a_success_in_between_is_not(world: &World) {
    const DAY: i64 = 86_400;
    waiting(world, 1);
    let fail = |seconds: i64, verdict: Option<DeliveryVerdict>| {
        world.pass(seconds);
        let claim = world.deliveries(1).remove(0);
        let verdict = verdict.unwrap_or_else(|| retry_in(world, 1));
        record_all(world, vec![finished(world, &claim, verdict)]).hopeless
    };
    assert_eq!(fail(0, None), []);
    assert_eq!(fail(4 * DAY, None), []);
    assert_eq!(
        fail(DAY, None).len(),
        1,
        "five days after the first failure"
    );
    world.pass(5);
    let endpoint = world.ready()[0].id;
    world.disable(endpoint);

    let customer = waiting(world, 1);
    assert_eq!(fail(0, None), []);
    assert_eq!(fail(4 * DAY, Some(DeliveryVerdict::Delivered)), []);
    world.deposited(&customer, 1);
    assert_eq!(fail(0, None), []);
    assert_eq!(fail(4 * DAY, None), []);
    assert_eq!(fail(DAY, None).len(), 1);
}
