//! The lease of a node: whoever has lost it, or may have, can change nothing and does not go on.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use store::testing::{Database, Proxy, postgres};
use store::{LeaseError, LeaseOptions, Store, StoreError};

use crate::cases::{balance, make_purses, put};
use crate::node_state::{key, node, telling};

#[test]
fn an_idle_holder_renews_its_lease_and_hears_of_its_loss() {
    let Some(database) = postgres() else { return };
    let (mut options, lost) = telling();
    options.time_to_live = Duration::from_secs(2);
    options.renew_every = Duration::from_millis(50);
    let _holder = database
        .store()
        .node_state_with("main", options)
        .expect("the lease");
    let sql = "SELECT expires_at FROM node_lease";
    let expires_at = || {
        let row = database
            .store()
            .read(move |tx| tx.query_opt(sql, &[]))
            .expect("a read");
        row.expect("one lease").int(0).expect("a time")
    };
    let begin = expires_at();
    let started = std::time::Instant::now();
    while expires_at() <= begin {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "the lease is never renewed"
        );
        std::thread::yield_now();
    }
    database.run("UPDATE node_lease SET fence = fence + 1");
    lost.recv_timeout(Duration::from_secs(30))
        .expect("the holder is told without a write");
}

#[test]
fn a_live_lease_is_respected_and_a_released_one_is_free() {
    let Some(database) = postgres() else { return };
    let first = node(database.store());
    let other = Store::open(database.config()).expect("another process");
    let refused = other.node_state("main").err();
    assert!(
        matches!(refused, Some(LeaseError::Held { .. })),
        "{refused:?}"
    );
    drop(first);
    other
        .node_state("main")
        .expect("a lease that was given back");
}

#[test]
fn the_books_of_a_holder_that_was_overtaken_change_no_more() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let (options, lost) = telling();
    let old = database
        .store()
        .lease_node("main", options)
        .expect("the lease");
    old.books.write(|tx| put(tx, 1, 1)).expect("a live lease");
    database.run("UPDATE node_lease SET expires_at = 0");
    let new = database.store().lease_node("main", LeaseOptions::default());
    let new = new.expect("the lease of a holder that is gone");
    assert_eq!(
        old.books.write(|tx| put(tx, 2, 1)),
        Err(StoreError::LeaseLost)
    );
    lost.recv_timeout(Duration::from_secs(30))
        .expect("the old holder is told");
    assert_eq!(balance(&old.books, 1), Some(1), "reading needs no lease");
    new.books.write(|tx| put(tx, 2, 2)).expect("the new lease");
    assert_eq!(balance(database.store(), 2), Some(2));
}

/// A write under the lease that began before the lease ran out is part of what the next holder sees.
#[test]
fn nobody_takes_a_lease_over_from_under_a_write_of_the_books() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let old = database
        .store()
        .lease_node("main", telling().0)
        .expect("the lease");
    let (inside, began) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let books = old.books.clone();
    let writing = std::thread::spawn(move || {
        books.write(move |tx| {
            inside.send(()).expect("the test waits");
            let may_go_on = may_go_on.lock().expect("no panic");
            may_go_on.recv().expect("the test lets it go on");
            put(tx, 1, 1)
        })
    });
    began.recv().expect("the write has begun");
    database.run("UPDATE node_lease SET expires_at = 0");
    let config = database.config().clone();
    let taking = std::thread::spawn(move || {
        let store = Store::open(&config).expect("another process");
        let taken = store.lease_node("main", telling().0);
        let seen = taken.map(|_| balance(&store, 1));
        store.close();
        seen
    });
    until_somebody_waits_for_a_lock(&database);
    go_on.send(()).expect("the write waits");
    writing
        .join()
        .expect("no panic")
        .expect("a write under the lease");
    let seen = taking.join().expect("no panic").expect("the lease");
    assert_eq!(seen, Some(1));
}

fn until_somebody_waits_for_a_lock(database: &Database) {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND application_name = current_setting('application_name')";
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let waiting = database.store().read(move |tx| tx.query(sql, &[]));
        let waiting: Vec<store::Row> = waiting.map_err(|error: StoreError| error).expect("a read");
        if waiting[0].int(0).expect("a count") > 0 {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "nobody waits");
        std::thread::yield_now();
    }
}

/// Options of a holder whose database goes away in the test.
fn impatient() -> (LeaseOptions, mpsc::Receiver<()>) {
    let (options, lost) = telling();
    let options = LeaseOptions {
        time_to_live: Duration::from_secs(4),
        renew_every: Duration::from_millis(100),
        ..options
    };
    (options, lost)
}

/// A store that reaches the database through a proxy.
fn through_a_proxy(database: &Database) -> (Store, Proxy) {
    let (config, proxy) = database.through_a_proxy();
    let store = Store::open(&config);
    (store.expect("the database through the proxy"), proxy)
}

#[test]
fn g4_a_holder_whose_database_answers_no_more_stops_before_another_may_begin() {
    let Some(database) = postgres() else { return };
    let (store, proxy) = through_a_proxy(&database);
    let (options, lost) = impatient();
    let held = store.lease_node("main", options).expect("the lease");
    pollster::block_on(held.state.write(key("", "", "k"), vec![1]));
    let gone_at = Instant::now();
    proxy.hang();
    // The write is stuck in the connection, and is never called durable.
    let stuck = held.state.write(key("", "", "k"), vec![2]);
    lost.recv_timeout(Duration::from_secs(30))
        .expect("the holder is told, whatever its thread waits for");
    let told_after = gone_at.elapsed();
    assert!(told_after < Duration::from_secs(4), "{told_after:?}");
    // Only now is the lease free, by the database's own clock.
    let next = loop {
        match database.store().lease_node("main", telling().0) {
            Ok(next) => break next,
            Err(LeaseError::Held { .. }) => std::thread::park_timeout(Duration::from_millis(5)),
            Err(error) => panic!("{error}"),
        }
    };
    let read = next.state.read(&key("", "", "k")).expect("a read");
    assert_eq!(read, Some(vec![1]));
    proxy.cut();
    drop(stuck);
}

#[test]
fn a_database_that_comes_back_in_time_costs_the_holder_nothing() {
    let Some(database) = postgres() else { return };
    let (store, proxy) = through_a_proxy(&database);
    let (mut options, lost) = impatient();
    options.time_to_live = Duration::from_secs(20);
    let held = store.lease_node("main", options).expect("the lease");
    proxy.cut();
    let waiting = held.state.write(key("", "", "k"), vec![1]);
    proxy.mend();
    pollster::block_on(waiting);
    assert!(lost.try_recv().is_err());
    let read = held.state.read(&key("", "", "k")).expect("a read");
    assert_eq!(read, Some(vec![1]));
}
