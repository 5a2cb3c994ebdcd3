//! What one transaction looks at may not change before it has ended: pairs of acts on PostgreSQL, of which the first is
//! held up just before its commit.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use payments::event::EventKind;
use payments::webhook::{DeliveryVerdict, DisableReason};
use payments::withdrawal::Withdrawal;
use store::StoreError;
use store::acts::ActContext;
use store::acts::dispatch::claim_due_withdrawals;
use store::acts::halt::{halt, halted, hold_halt, resume};
use store::acts::outcome::settle_withdrawal;
use store::acts::reconciliation::{NewVerdict, record_verdict};
use store::acts::webhook::endpoint::disable_endpoint;
use store::acts::webhook::record::{FinishedAttempt, record_attempts};
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved, reserve_withdrawal};
use store::queries::reconciliation::latest_verdict;
use store::testing::postgres;
use store::{Store, Tx};

use crate::builders::{msat, respond, sat};
use crate::deliveries::finished;
use crate::harness::World;

/// Runs `first` up to its commit, then `second`, and lets `first` commit when `second` waits for it. Answers what
/// both did.
fn held_up<A, B, E, F>(
    world: &World,
    mut first: impl FnMut(&mut Tx<'_>, &ActContext) -> Result<A, E> + Send + 'static,
    second: impl FnMut(&mut Tx<'_>, &ActContext) -> Result<B, F> + Send + 'static,
) -> (A, Result<B, F>)
where
    A: Send + 'static,
    B: Send + 'static,
    E: From<StoreError> + std::fmt::Debug + Send + 'static,
    F: From<StoreError> + Send + 'static,
{
    let (done, is_done) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let of_first = world.clone();
    let holding = std::thread::spawn(move || {
        of_first.write(move |tx, act| {
            let did = first(tx, act)?;
            done.send(()).expect("the test waits");
            let may_go_on = may_go_on.lock().expect("no panic");
            may_go_on.recv().expect("the test lets it go on");
            Ok::<_, E>(did)
        })
    });
    is_done.recv().expect("the first act is done");
    let of_second = world.clone();
    let waiting = std::thread::spawn(move || of_second.write(second));
    until_somebody_waits(world.store());
    go_on.send(()).expect("the first act waits");
    let first = holding.join().expect("no panic").expect("the first act");
    (first, waiting.join().expect("no panic"))
}

fn until_somebody_waits(store: &Store) {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND application_name = current_setting('application_name')";
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let waiting = store.read(move |tx| tx.query(sql, &[])?[0].int(0));
        let waiting: Result<i64, StoreError> = waiting;
        if waiting.expect("a read") > 0 {
            return;
        }
        assert!(Instant::now() < deadline, "nobody waits: the race is open");
        std::thread::yield_now();
    }
}

/// The act that accepts `request`.
fn reserve(
    request: ReserveWithdrawal,
) -> impl FnMut(&mut Tx<'_>, &ActContext) -> Result<Reserved, ReserveError> + Send + 'static {
    move |tx, act| reserve_withdrawal(tx, act, &request, &respond)
}

fn stop(tx: &mut Tx<'_>, act: &ActContext) -> Result<(), StoreError> {
    halt(tx, act, "somebody looks")
}

#[test]
fn an_endpoint_that_is_switched_off_beside_an_event_gets_nothing_more() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    let request = world.request(&customer, 10);
    let (_, disabled) = held_up(&world, reserve(request), move |tx, act| {
        disable_endpoint(tx, act, endpoint, DisableReason::Operator)
    });
    assert_eq!(disabled, Ok(true));
    let open =
        "SELECT COUNT(*) FROM webhook_delivery WHERE state IN ('blocked', 'pending', 'leased')";
    assert_eq!(world.count(open), 0);
    world.assert_the_books_hold();
}

#[test]
fn an_event_beside_an_endpoint_that_is_switched_off_leaves_it_out() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    let request = world.request(&customer, 10);
    let (_, reserved) = held_up(
        &world,
        move |tx, act| disable_endpoint(tx, act, endpoint, DisableReason::Operator),
        reserve(request),
    );
    assert!(reserved.is_ok(), "{reserved:?}");
    let open =
        "SELECT COUNT(*) FROM webhook_delivery WHERE state IN ('blocked', 'pending', 'leased')";
    assert_eq!(world.count(open), 0);
}

#[test]
fn a_halt_is_later_than_every_claim_that_did_not_see_it() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 10);
    let claim = world.id();
    let (claimed, halted) = held_up(
        &world,
        move |tx, act| claim_due_withdrawals(tx, act, claim, 10),
        stop,
    );
    assert_eq!((claimed.len(), halted), (1, Ok(())));
    assert_eq!(world.claim(10), [], "and nothing is claimed after it");
}

#[test]
fn a_claim_beside_a_halt_waits_for_it_and_takes_nothing() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 10);
    let claim = world.id();
    let ((), claimed) = held_up(&world, stop, move |tx, act| {
        claim_due_withdrawals(tx, act, claim, 10)
    });
    assert_eq!(claimed, Ok(Vec::new()));
    world.resume();
    assert_eq!(world.claim(10).len(), 1);
}

/// A payment to another node, and one inside, of a customer of ours.
fn payments(world: &World) -> [ReserveWithdrawal; 2] {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(10)));
    [
        world.request(&payer, 10),
        world.internal(&payer, &invoice, sat(10)),
    ]
}

#[test]
fn a_halt_is_later_than_every_payment_that_was_accepted_without_it() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    for request in payments(&world) {
        let (accepted, halted) = held_up(&world, reserve(request), stop);
        assert!(matches!(accepted, Reserved::Now(..)), "{accepted:?}");
        assert_eq!(halted, Ok(()));
        let again = world.request(&world.customer_with(1_000), 10);
        let refused = world.reserve(&again);
        assert!(matches!(refused, Err(ReserveError::Halted)), "{refused:?}");
        world.resume();
    }
    world.assert_the_books_hold();
}

#[test]
fn a_payment_beside_a_halt_waits_for_it_and_leaves_nothing() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    for request in payments(&world) {
        let written = "SELECT (SELECT COUNT(*) FROM posting) + (SELECT COUNT(*) FROM withdrawal)
            + (SELECT COUNT(*) FROM event)";
        let before = world.count(written);
        let ((), refused) = held_up(&world, stop, reserve(request.clone()));
        assert!(matches!(refused, Err(ReserveError::Halted)), "{refused:?}");
        assert_eq!(world.count(written), before);
        world.resume();
        assert!(matches!(world.reserve(&request), Ok(Reserved::Now(..))));
    }
    world.assert_the_books_hold();
}

#[test]
fn a_halt_by_who_holds_an_account_waits_for_nobody_who_wants_it() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    let (hash, request) = (
        world.dispatched(&customer, 10).payment_hash,
        world.request(&customer, 10),
    );
    // A fee above its reserve halts, after the account was locked.
    let (mut accept, runs) = (reserve(request), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&runs);
    let (_, refused) = held_up(
        &world,
        move |tx, act| settle_withdrawal(tx, act, &hash, None, msat(900_000)),
        move |tx, act| {
            counted.fetch_add(1, Ordering::Relaxed);
            accept(tx, act)
        },
    );
    assert!(matches!(refused, Err(ReserveError::Halted)), "{refused:?}");
    assert_eq!(
        runs.load(Ordering::Relaxed),
        1,
        "a deadlock would repeat it"
    );
}

#[test]
fn money_is_not_let_go_beside_a_verdict_that_halts_it() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    world.halt();
    let verdict = NewVerdict {
        body: b"{}".to_vec(),
        unexplained: 1,
        repaired: 0,
        checked_at: world.now(),
        answers: 0,
    };
    // As the operator's request does it.
    let let_go = |tx: &mut Tx<'_>, _: &ActContext| {
        hold_halt(tx)?;
        if latest_verdict(tx)?.is_none_or(|verdict| verdict.unexplained == 0) {
            resume(tx)?;
        }
        halted(tx)
    };
    let (_, still) = held_up(
        &world,
        move |tx, act| record_verdict(tx, act, &verdict),
        let_go,
    );
    assert!(still.is_ok_and(|reason| reason.is_some()));
}

/// A withdrawal under way whose first event is claimed, and whose end is an event behind it.
fn first_of_two(world: &World) -> (Withdrawal, FinishedAttempt) {
    let customer = world.customer_with(1_000);
    world.endpoint(&customer, &EventKind::ALL);
    let withdrawal = world.dispatched(&customer, 10);
    let claim = world.deliveries(9).remove(0);
    let taken = finished(world, &claim, DeliveryVerdict::Delivered);
    (withdrawal, taken)
}

#[test]
fn h1_an_event_beside_the_end_of_the_one_before_it_is_not_left_behind() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let (withdrawal, taken) = first_of_two(&world);
    let (hash, fee_msat) = (withdrawal.payment_hash, sat(1));
    let (_, recorded) = held_up(
        &world,
        move |tx, act| settle_withdrawal(tx, act, &hash, None, fee_msat),
        move |tx, act| record_attempts(tx, act, std::slice::from_ref(&taken)),
    );
    assert_eq!(recorded.map(|recorded| recorded.late), Ok(0));
    assert_eq!(world.deliveries(9).len(), 1, "the second event goes");
}

#[test]
fn h1_the_end_of_an_event_beside_the_next_lets_it_go() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let (withdrawal, taken) = first_of_two(&world);
    let (hash, fee_msat) = (withdrawal.payment_hash, sat(1));
    let (recorded, settled) = held_up(
        &world,
        move |tx, act| record_attempts(tx, act, std::slice::from_ref(&taken)),
        move |tx, act| settle_withdrawal(tx, act, &hash, None, fee_msat),
    );
    assert!(recorded.late == 0 && settled.is_ok(), "{settled:?}");
    assert_eq!(world.deliveries(9).len(), 1, "the second event goes");
}
