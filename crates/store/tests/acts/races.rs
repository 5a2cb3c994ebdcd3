//! What one transaction looks at may not change before it has ended: pairs of acts on PostgreSQL, of which the first is
//! held up just before its commit.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use payments::event::EventKind;
use store::StoreError;
use store::acts::ActContext;
use store::acts::dispatch::claim_due_withdrawals;
use store::acts::halt::halt;
use store::acts::webhook::disable_endpoint;
use store::acts::withdrawal::{ReserveError, reserve_withdrawal};
use store::testing::postgres;
use store::{Store, Tx};

use crate::builders::respond;
use crate::harness::World;

/// Runs `first` up to its commit, then `second`, and lets `first` commit when `second` waits for it. Answers what
/// both did.
fn held_up<A, B, E>(
    world: &World,
    mut first: impl FnMut(&mut Tx<'_>, &ActContext) -> Result<A, E> + Send + 'static,
    second: impl FnMut(&mut Tx<'_>, &ActContext) -> Result<B, StoreError> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
    E: From<StoreError> + std::fmt::Debug + Send + 'static,
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
    let second = waiting.join().expect("no panic").expect("the second act");
    (first, second)
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

#[test]
fn an_endpoint_that_is_switched_off_beside_an_event_gets_nothing_more() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    let endpoint = world.endpoint(&customer, &EventKind::ALL).id;
    let request = world.request(&customer, 10);
    held_up(
        &world,
        move |tx, act| {
            let reserved = reserve_withdrawal(tx, act, &request, &respond)?;
            Ok::<_, ReserveError>(reserved)
        },
        move |tx, _| disable_endpoint(tx, endpoint),
    );
    let open = "SELECT COUNT(*) FROM webhook_delivery WHERE state IN ('pending', 'leased')";
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
    held_up(
        &world,
        move |tx, _| disable_endpoint(tx, endpoint),
        move |tx, act| match reserve_withdrawal(tx, act, &request, &respond) {
            Ok(_) => Ok(()),
            Err(ReserveError::Store(error)) => Err(error),
            Err(error) => panic!("{error}"),
        },
    );
    let open = "SELECT COUNT(*) FROM webhook_delivery WHERE state IN ('pending', 'leased')";
    assert_eq!(world.count(open), 0);
}

#[test]
fn a_halt_is_later_than_every_claim_that_did_not_see_it() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 10);
    let claim = world.id();
    let (claimed, ()) = held_up(
        &world,
        move |tx, act| claim_due_withdrawals(tx, act, claim, 10),
        |tx, act| halt(tx, act, "somebody looks"),
    );
    assert_eq!(claimed.len(), 1);
    assert_eq!(world.claim(10), [], "and nothing is claimed after it");
}

#[test]
fn a_claim_beside_a_halt_waits_for_it_and_takes_nothing() {
    let Some(database) = postgres() else { return };
    let world = World::new(&database);
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 10);
    let claim = world.id();
    let ((), claimed) = held_up(
        &world,
        |tx, act| halt(tx, act, "somebody looks"),
        move |tx, act| claim_due_withdrawals(tx, act, claim, 10),
    );
    assert_eq!(claimed, []);
    world.resume();
    assert_eq!(world.claim(10).len(), 1);
}
