//! What is sent again, what is forgotten, the log of an account, and secrets that follow each other.

use jiff::Timestamp;
use payments::event::EventKind;
use payments::ids::EndpointId;
use payments::webhook::{DeliveryVerdict, SealedSecret};
use store::acts::webhook::endpoint::resume_endpoint;
use store::acts::webhook::record::record_attempts;
use store::acts::webhook::replay::{Replay, Replayed, replay};
use store::acts::webhook::retention::forget_deliveries;
use store::acts::webhook::secret::{Rotated, promote_secret, rotate_secret};
use store::queries::event::account_events_after;
use store::queries::webhook::old_secrets;

use crate::builders::sat;
use crate::deliveries::finished;
use crate::harness::{World, on_both, together};

on_both! {
    s36_many_replays_at_once_do_no_more_than_one,
    s36_a_replay_leaves_what_is_on_its_way_as_it_is,
    h1_what_is_replayed_goes_in_order_too,
    s36_what_happened_while_nothing_was_kept_is_replayed,
    h5_events_of_one_account_have_no_gaps_however_many_are_written_at_once,
    what_is_over_for_long_is_forgotten_and_what_is_open_is_not,
    s26_ten_old_secrets_sign_and_an_eleventh_is_refused,
}

fn everything(world: &World, endpoint: EndpointId) -> Replayed {
    let (from, until) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let what = Replay::Missed { from, until };
    world
        .write(move |tx, act| replay(tx, act, endpoint, what))
        .expect("an answer")
}

/// Claims all that is due and ends it.
fn end_all(world: &World, verdict: DeliveryVerdict) -> usize {
    let claims = world.deliveries(100);
    let ended: Vec<_> = claims
        .iter()
        .map(|claim| finished(world, claim, verdict))
        .collect();
    let count = ended.len();
    world
        .write(move |tx, act| record_attempts(tx, act, &ended))
        .expect("recorded");
    count
}

fn s36_many_replays_at_once_do_no_more_than_one(world: &World) {
    let customer = world.customer();
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    for _ in 0..20 {
        world.deposited(&customer, 1);
    }
    assert_eq!(end_all(world, DeliveryVerdict::Exhausted), 20);
    let begun = together(6, |_| match everything(world, endpoint) {
        Replayed::Begun(count) => count,
        other => panic!("{other:?}"),
    });
    assert_eq!(begun.iter().sum::<u64>(), 20);
    world.pass(400);
    assert_eq!(world.deliveries(100).len(), 20);
}

fn s36_a_replay_leaves_what_is_on_its_way_as_it_is(world: &World) {
    let customer = world.customer();
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    world.deposited(&customer, 1);
    let claim = world.deliveries(1).remove(0);
    let next_at = world.later(300);
    let failed = finished(world, &claim, DeliveryVerdict::Retry { next_at });
    world
        .write(move |tx, act| record_attempts(tx, act, std::slice::from_ref(&failed)))
        .expect("recorded");
    let one = Replay::One(claim.key.event_id);
    let replayed = world.write(move |tx, act| replay(tx, act, endpoint, one));
    assert_eq!(replayed.expect("an answer"), Replayed::Begun(0));
    assert_eq!(everything(world, endpoint), Replayed::Begun(0));
    world.pass(299);
    assert_eq!(world.deliveries(9), [], "its time has not come");
    world.pass(1);
    assert_eq!(world.deliveries(9)[0].tries, 1, "its schedule goes on");
}

fn h1_what_is_replayed_goes_in_order_too(world: &World) {
    let customer = world.customer();
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    world.deposited(&customer, 1_000);
    assert_eq!(end_all(world, DeliveryVerdict::Delivered), 1);
    let withdrawal = world.dispatched(&customer, 100);
    world.settle(withdrawal.payment_hash, sat(1));
    assert_eq!(end_all(world, DeliveryVerdict::Exhausted), 1);
    assert_eq!(end_all(world, DeliveryVerdict::Exhausted), 1);
    assert_eq!(everything(world, endpoint), Replayed::Begun(2));
    let first = world.deliveries(9);
    assert_eq!(first.len(), 1, "one after the other");
    let ended = finished(world, &first[0], DeliveryVerdict::Delivered);
    world
        .write(move |tx, act| record_attempts(tx, act, std::slice::from_ref(&ended)))
        .expect("recorded");
    assert_eq!(end_all(world, DeliveryVerdict::Delivered), 1);
    assert_eq!(
        everything(world, endpoint),
        Replayed::Begun(0),
        "what was taken stays"
    );
    // Asked for by name it is sent again all the same.
    let one = Replay::One(first[0].key.event_id);
    let replayed = world.write(move |tx, act| replay(tx, act, endpoint, one));
    assert_eq!(replayed.expect("an answer"), Replayed::Begun(1));
    let again = world.deliveries(9);
    assert_eq!(again[0].body, first[0].body);
    assert_eq!(again[0].key.event_id, first[0].key.event_id);
}

fn s36_what_happened_while_nothing_was_kept_is_replayed(world: &World) {
    let (customer, stranger) = (world.customer(), world.customer());
    let endpoint = world
        .endpoint(&customer, &[EventKind::DepositLightningCompleted])
        .id;
    world.disable(endpoint);
    world.deposited(&customer, 1);
    world.deposited(&stranger, 1);
    assert_eq!(everything(world, endpoint), Replayed::NotActive);
    world
        .write(move |tx, act| resume_endpoint(tx, act, endpoint))
        .expect("an answer");
    assert_eq!(everything(world, endpoint), Replayed::Begun(1));
    assert_eq!(end_all(world, DeliveryVerdict::Delivered), 1);
    let unknown = world.id();
    assert_eq!(everything(world, unknown), Replayed::Missing);
}

fn h5_events_of_one_account_have_no_gaps_however_many_are_written_at_once(world: &World) {
    let (alice, bob) = (world.customer(), world.customer());
    together(8, |number| {
        for _ in 0..5 {
            let who = if number % 2 == 0 { &alice } else { &bob };
            world.deposited(who, 1);
        }
    });
    for customer in [&alice, &bob] {
        let account = customer.account.id;
        let events = world.read(move |tx| account_events_after(tx, account, 0, 100));
        let numbers: Vec<_> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
        let rest = world.read(move |tx| account_events_after(tx, account, 18, 100));
        assert_eq!(rest, events[18..]);
    }
}

fn what_is_over_for_long_is_forgotten_and_what_is_open_is_not(world: &World) {
    let customer = world.customer();
    world.endpoint(&customer, &EventKind::ALL);
    world.deposited(&customer, 1);
    assert_eq!(end_all(world, DeliveryVerdict::Delivered), 1);
    world.deposited(&customer, 1);
    world.pass(10);
    let now = world.now();
    let forget = |before| world.write(move |tx, _| forget_deliveries(tx, before));
    assert_eq!(
        forget(now - jiff::SignedDuration::from_secs(60)).expect("an answer"),
        0
    );
    assert_eq!(forget(now).expect("an answer"), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM webhook_attempt"), 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 2, "events stay");
    assert_eq!(world.deliveries(9).len(), 1);
}

fn s26_ten_old_secrets_sign_and_an_eleventh_is_refused(world: &World) {
    let customer = world.customer();
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    let rotate = |number: u32| {
        let secret = SealedSecret::from_stored(format!("secret {number}"));
        let expires_at = world.later(60);
        world
            .write(move |tx, act| rotate_secret(tx, act, endpoint, &secret, expires_at))
            .expect("an answer")
    };
    for number in 0..10 {
        assert_eq!(rotate(number), Rotated::Done);
    }
    assert_eq!(rotate(10), Rotated::TooMany);
    let now = world.now();
    let old = world.read(move |tx| old_secrets(tx, endpoint, now));
    assert_eq!(old.len(), 10);
    assert_eq!(
        old[0].secret.as_stored(),
        "secret 8",
        "the newest comes first"
    );
    assert!(old.iter().all(|one| !one.is_promoted));
    let promoted = world.write(move |tx, _| promote_secret(tx, endpoint));
    assert!(promoted.expect("an answer"));
    let old = world.read(move |tx| old_secrets(tx, endpoint, now));
    assert!(old.iter().all(|one| one.is_promoted));
    world.pass(60);
    assert_eq!(rotate(11), Rotated::Done, "what expired makes room");
}
