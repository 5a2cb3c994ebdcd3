//! Node state: order, durability, and the lease.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use payments::ports::{NodeState, StateKey};
use store::testing::Database;
use store::{LeaseOptions, Store, StoreError};

use crate::cases::{balance, make_purses, on_both, put};

on_both! {
    what_was_written_is_read_listed_and_scanned,
    node_state_survives_a_restart,
    writes_to_a_key_keep_the_order_of_their_calls,
    a_removal_keeps_its_place_among_the_writes,
    a_task_that_has_used_up_its_budget_can_still_write,
    every_value_is_scanned_once_however_many_there_are,
    nodes_do_not_see_each_other,
    a_holder_that_was_overtaken_can_write_nothing,
    a_key_that_no_database_may_hold_is_refused_at_once,
    books_and_node_state_go_on_beside_each_other,
}

pub fn key(primary: &str, secondary: &str, key: &str) -> StateKey {
    StateKey {
        primary: primary.into(),
        secondary: secondary.into(),
        key: key.into(),
    }
}

pub fn node(store: &Store) -> Arc<dyn NodeState> {
    store
        .node_state("main")
        .expect("the lease of a node that nobody runs")
}

fn what_was_written_is_read_listed_and_scanned(database: &mut Database) {
    let node = node(database.store());
    let (manager, monitor) = (key("", "", "manager"), key("monitors", "a", "m1"));
    assert_eq!(node.read(&manager).expect("a read"), None);
    pollster::block_on(node.write(manager.clone(), vec![1; 100_000]));
    pollster::block_on(node.write(monitor.clone(), vec![]));
    assert_eq!(node.read(&manager).expect("a read"), Some(vec![1; 100_000]));
    assert_eq!(node.read(&monitor).expect("a read"), Some(vec![]));
    assert_eq!(node.list("", "").expect("a list"), ["manager"]);
    assert_eq!(
        node.list("monitors", "").expect("a list"),
        Vec::<String>::new()
    );
    assert_eq!(node.list("monitors", "a").expect("a list"), ["m1"]);
    pollster::block_on(node.remove(manager.clone()));
    pollster::block_on(node.remove(manager.clone()));
    assert_eq!(node.read(&manager).expect("a read"), None);
    let mut seen = Vec::new();
    node.scan(&mut |key, value| seen.push((key.clone(), value.to_vec())))
        .expect("a scan");
    assert_eq!(seen, [(monitor, vec![])]);
}

fn node_state_survives_a_restart(database: &mut Database) {
    let before = node(database.store());
    let writes = (0..50_u8).map(|n| before.write(key("", "", &format!("k{n}")), vec![n]));
    let writes = writes.collect::<Vec<_>>();
    drop(before);
    database.reopen();
    writes.into_iter().for_each(pollster::block_on);
    let after = node(database.store());
    for n in 0..50_u8 {
        assert_eq!(
            after.read(&key("", "", &format!("k{n}"))).expect("a read"),
            Some(vec![n])
        );
    }
}

fn writes_to_a_key_keep_the_order_of_their_calls(database: &mut Database) {
    let node = node(database.store());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let node = &node;
            scope.spawn(move || {
                let key = key("order", "", &format!("k{writer}"));
                for round in 0..10_u8 {
                    let burst = (0..20_u8).map(|n| node.write(key.clone(), vec![round, n]));
                    let burst = burst.collect::<Vec<_>>();
                    // The last to be called is the last to be made, whichever is waited for.
                    burst.into_iter().rev().for_each(pollster::block_on);
                    assert_eq!(node.read(&key).expect("a read"), Some(vec![round, 19]));
                }
            });
        }
    });
}

/// LDK writes from inside tasks of a tokio runtime, hundreds of times without giving the task back. Tokio's own
/// channels then answer "not yet" until it does, and a thread that waits for one would wait for ever.
fn a_task_that_has_used_up_its_budget_can_still_write(database: &mut Database) {
    let store = database.store().clone();
    let node = node(&store);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let (done, finished) = mpsc::channel();
    runtime.spawn(async move {
        for number in 0u32..300 {
            pollster::block_on(node.write(key("", "", "manager"), number.to_be_bytes().to_vec()));
            let read = store
                .read(|tx| tx.query_opt("SELECT 1", &[]))
                .expect("a read");
            assert!(read.is_some());
        }
        drop(done.send(node.read(&key("", "", "manager")).expect("a read")));
    });
    let last = finished.recv_timeout(Duration::from_secs(20));
    runtime.shutdown_background();
    assert_eq!(
        last.expect("every write is answered"),
        Some(299u32.to_be_bytes().to_vec())
    );
}

fn a_removal_keeps_its_place_among_the_writes(database: &mut Database) {
    let node = node(database.store());
    let key = key("", "", "k");
    for _ in 0..20 {
        let _first = node.write(key.clone(), vec![1]);
        pollster::block_on(node.remove(key.clone()));
        assert_eq!(node.read(&key).expect("a read"), None);
        let _removed = node.remove(key.clone());
        pollster::block_on(node.write(key.clone(), vec![2]));
        assert_eq!(node.read(&key).expect("a read"), Some(vec![2]));
    }
}

fn every_value_is_scanned_once_however_many_there_are(database: &mut Database) {
    let node = node(database.store());
    let keys = (0..100).map(|n| key(["", "p", "P_-"][n % 3], ["", "s"][n % 2], &format!("k{n}")));
    let mut keys = keys.collect::<Vec<_>>();
    let writes = keys
        .iter()
        .map(|key| node.write(key.clone(), key.key.clone().into_bytes()));
    writes
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(pollster::block_on);
    let mut seen = Vec::new();
    let visit = &mut |key: &StateKey, value: &[u8]| {
        assert_eq!(value, key.key.as_bytes());
        seen.push(key.clone());
    };
    node.scan(visit).expect("a scan");
    seen.sort();
    keys.sort();
    assert_eq!(seen, keys);
}

fn nodes_do_not_see_each_other(database: &mut Database) {
    let alice = database.store().node_state("alice").expect("a lease");
    let bob = database.store().node_state("bob").expect("a lease");
    pollster::block_on(alice.write(key("", "", "k"), vec![1]));
    assert_eq!(bob.read(&key("", "", "k")).expect("a read"), None);
    assert!(bob.list("", "").expect("a list").is_empty());
    bob.scan(&mut |_, _| panic!("nothing of bob's"))
        .expect("a scan");
    pollster::block_on(bob.remove(key("", "", "k")));
    assert_eq!(
        alice.read(&key("", "", "k")).expect("a read"),
        Some(vec![1])
    );
}

/// Options that tell of a lost lease instead of ending the test.
pub fn telling() -> (LeaseOptions, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let on_lost = Arc::new(move || tell.send(()).expect("the test waits"));
    (
        LeaseOptions {
            on_lost,
            // Long enough that no renewal comes between what a test does.
            time_to_live: Duration::from_secs(60),
            renew_every: Duration::from_secs(50),
        },
        told,
    )
}

fn a_holder_that_was_overtaken_can_write_nothing(database: &mut Database) {
    let (options, lost) = telling();
    let old = database
        .store()
        .node_state_with("main", options)
        .expect("the lease");
    pollster::block_on(old.write(key("", "", "k"), vec![1]));
    // On PostgreSQL the old holder seems to be gone: its lease has run out.
    database.run("UPDATE node_lease SET expires_at = 0");
    let new = node(database.store());
    let refused = old.write(key("", "", "k"), vec![2]);
    lost.recv_timeout(Duration::from_secs(30))
        .expect("the old holder is told");
    pollster::block_on(new.write(key("", "", "other"), vec![3]));
    assert_eq!(new.read(&key("", "", "k")).expect("a read"), Some(vec![1]));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut refused = refused;
    assert!(
        refused.as_mut().poll(&mut context).is_pending(),
        "it is never called durable"
    );
}

fn a_key_that_no_database_may_hold_is_refused_at_once(database: &mut Database) {
    let node = node(database.store());
    for bad in [
        key("", "", ""),
        key("", "", "a b"),
        key("ż", "", "k"),
        key("", "a\0", "k"),
    ] {
        let write = std::panic::AssertUnwindSafe(|| drop(node.write(bad.clone(), vec![])));
        assert!(std::panic::catch_unwind(write).is_err(), "{bad:?}");
    }
}

fn books_and_node_state_go_on_beside_each_other(database: &mut Database) {
    make_purses(database);
    let node = node(database.store());
    let store = database.store();
    let mut writes = Vec::new();
    let mut acts = Vec::new();
    for id in 0..200 {
        writes.push(node.write(key("", "", "k"), vec![u8::try_from(id).expect("small")]));
        acts.push(store.write_async(move |tx| {
            put(tx, id, 1)?;
            if id % 2 == 0 {
                Ok(())
            } else {
                Err(StoreError::Closed)
            }
        }));
    }
    writes.into_iter().for_each(pollster::block_on);
    for (id, act) in (0..).zip(acts) {
        assert_eq!(pollster::block_on(act).is_ok(), id % 2 == 0);
        assert_eq!(balance(store, id), (id % 2 == 0).then_some(1));
    }
    assert_eq!(
        node.read(&key("", "", "k")).expect("a read"),
        Some(vec![199])
    );
}
