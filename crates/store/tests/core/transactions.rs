//! What an act leaves behind, alone and among others.

use std::sync::{Arc, Barrier};

use store::testing::{Database, postgres};
use store::{Constraint, Signal, StoreError, params};

use crate::cases::{add, balance, count, make_purses, on_both, put};

on_both! {
    a_committed_act_is_seen_by_the_next_reader,
    an_act_that_errs_leaves_nothing_and_its_neighbours_stay,
    an_act_that_panics_leaves_nothing_and_the_store_goes_on,
    an_act_cannot_go_on_after_a_failed_statement,
    no_update_is_lost_among_64_threads,
    a_check_refuses_what_concurrency_would_overdraw,
    a_reader_sees_one_snapshot_and_cannot_write,
    a_signal_comes_after_the_commit_and_not_without_one,
    acts_can_be_awaited_and_waited_for_inside_a_runtime,
    an_act_that_waits_for_another_is_refused,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("not today")]
    NotToday,
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn a_committed_act_is_seen_by_the_next_reader(database: &mut Database) {
    make_purses(database);
    for id in 0..100 {
        database
            .store()
            .write(move |tx| put(tx, id, id))
            .expect("a new purse");
        assert_eq!(balance(database.store(), id), Some(id));
    }
}

fn an_act_that_errs_leaves_nothing_and_its_neighbours_stay(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    // Queued together, so that on SQLite they share a commit.
    let acts = (0..90).map(|id| {
        store.write_async(move |tx| {
            put(tx, id, 1)?;
            if id % 3 == 0 {
                Err(Refusal::NotToday)
            } else {
                Ok(id)
            }
        })
    });
    for (id, act) in (0..).zip(acts.collect::<Vec<_>>()) {
        let expected = if id % 3 == 0 {
            Err(Refusal::NotToday)
        } else {
            Ok(id)
        };
        assert_eq!(pollster::block_on(act), expected);
        assert_eq!(balance(store, id), (id % 3 != 0).then_some(1));
    }
}

fn an_act_that_panics_leaves_nothing_and_the_store_goes_on(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    let before = store.write_async(|tx| put(tx, 1, 1));
    let panics = store.write_async(|tx| -> Result<(), StoreError> {
        put(tx, 2, 2)?;
        panic!("a test of panics");
    });
    let after = store.write_async(|tx| put(tx, 3, 3));
    assert_eq!(pollster::block_on(before), Ok(()));
    assert_eq!(pollster::block_on(panics), Err(StoreError::Panicked));
    assert_eq!(pollster::block_on(after), Ok(()));
    assert_eq!(
        [1, 2, 3].map(|id| balance(store, id)),
        [Some(1), None, Some(3)]
    );
    // Every thread of the pool survives.
    for id in 10..30 {
        let panicked = store.write(|_| -> Result<(), StoreError> { panic!("a test of panics") });
        assert_eq!(panicked, Err(StoreError::Panicked));
        assert_eq!(store.write(move |tx| put(tx, id, 0)), Ok(()));
    }
}

fn an_act_cannot_go_on_after_a_failed_statement(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    let later = store.write(|tx| {
        put(tx, 1, 1)?;
        let first = put(tx, 2, -1);
        assert!(matches!(first, Err(StoreError::Conflict(_))), "{first:?}");
        put(tx, 3, 3)
    });
    assert_eq!(later, Err(StoreError::Abandoned));
    let hidden = store.write(|tx| -> Result<(), StoreError> {
        put(tx, 1, 1)?;
        let _ignored = put(tx, 2, -1);
        Ok(())
    });
    assert_eq!(hidden, Err(StoreError::Abandoned));
    assert_eq!(count(store), 0);
}

fn no_update_is_lost_among_64_threads(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    store.write(|tx| put(tx, 1, 0)).expect("a new purse");
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for _ in 0..10 {
                    store.write(|tx| add(tx, 1, 1)).expect("an increment");
                }
            });
        }
    });
    assert_eq!(balance(store, 1), Some(640));
}

fn a_check_refuses_what_concurrency_would_overdraw(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    store.write(|tx| put(tx, 1, 1000)).expect("a new purse");
    let debits = (0..32)
        .map(|_| store.write_async(|tx| add(tx, 1, -300)))
        .collect::<Vec<_>>();
    let results = debits
        .into_iter()
        .map(pollster::block_on)
        .collect::<Vec<_>>();
    let refused = StoreError::Conflict(Constraint::Unknown("purse_not_negative".into()));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(
        results
            .iter()
            .filter(|result| **result == Err(refused.clone()))
            .count(),
        29
    );
    assert_eq!(balance(store, 1), Some(100));
}

#[test]
fn the_victim_of_a_deadlock_is_repeated() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let store = database.store();
    store
        .write(|tx| put(tx, 1, 0).and_then(|()| put(tx, 2, 0)))
        .expect("new purses");
    // In the first run of each, both hold one row before either asks for the other.
    let both_hold_one = Arc::new(Barrier::new(2));
    let acts = [(1, 2), (2, 1)].map(|(first, second)| {
        let both_hold_one = Arc::clone(&both_hold_one);
        let mut runs = 0;
        store.write_async(move |tx| {
            runs += 1;
            add(tx, first, 1)?;
            if runs == 1 {
                both_hold_one.wait();
            }
            add(tx, second, 1).map(|()| runs)
        })
    });
    let mut runs = acts.map(|act| pollster::block_on(act).expect("an act that is repeated"));
    runs.sort_unstable();
    assert_eq!(runs, [1, 2], "one of them was the victim, once");
    assert_eq!((balance(store, 1), balance(store, 2)), (Some(2), Some(2)));
}

fn a_reader_sees_one_snapshot_and_cannot_write(database: &mut Database) {
    make_purses(database);
    let store = database.store().clone();
    store.write(|tx| put(tx, 1, 1)).expect("a new purse");
    let writer = store.clone();
    let seen = store.read(move |tx| {
        let select = "SELECT balance FROM purse WHERE id = 1";
        let before = tx.query(select, &[])?[0].int(0)?;
        let writer = writer.clone();
        let wrote = std::thread::spawn(move || writer.write(|tx| add(tx, 1, 1))).join();
        wrote.expect("no panic")?;
        Ok::<_, StoreError>((before, tx.query(select, &[])?[0].int(0)?))
    });
    assert_eq!(seen, Ok((1, 1)));
    assert_eq!(balance(&store, 1), Some(2));
    assert_eq!(store.read(|tx| put(tx, 2, 2)), Err(StoreError::ReadOnly));
    assert_eq!(count(&store), 1);
}

fn a_signal_comes_after_the_commit_and_not_without_one(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    let mut events = store.subscribe(Signal::Events);
    let mut deliveries = store.subscribe(Signal::Deliveries);
    for id in 0..3 {
        let put = store.write(move |tx| {
            put(tx, id, 1)?;
            tx.after_commit(Signal::Events);
            Ok::<_, StoreError>(())
        });
        put.expect("a new purse");
    }
    let undone = store.write(|tx| {
        tx.after_commit(Signal::Deliveries);
        Err::<(), _>(Refusal::NotToday)
    });
    assert_eq!(undone, Err(Refusal::NotToday));
    pollster::block_on(events.next()).expect("three signals");
    assert!(is_pending(events.next()), "signals in a row are one");
    assert!(
        is_pending(deliveries.next()),
        "an act that was undone tells of nothing"
    );
}

fn is_pending(future: impl Future) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(future).poll(&mut context).is_pending()
}

fn acts_can_be_awaited_and_waited_for_inside_a_runtime(database: &mut Database) {
    make_purses(database);
    let store = database.store().clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    #[expect(clippy::disallowed_methods, reason = "the test's own runtime")]
    let seen = runtime.handle().block_on(async move {
        store.write_async(|tx| put(tx, 1, 7)).await?;
        store.write(|tx| add(tx, 1, 1))?;
        let sql = "SELECT balance FROM purse WHERE id = $1";
        store
            .read_async(|tx| tx.query(sql, params![1])?[0].int(0))
            .await
    });
    assert_eq!(seen, Ok::<_, StoreError>(8));
}

fn an_act_that_waits_for_another_is_refused(database: &mut Database) {
    make_purses(database);
    let store = database.store().clone();
    let nested = store.clone();
    let result = store.write(move |_| nested.write(|tx| put(tx, 1, 1)));
    assert_eq!(result, Err(StoreError::Panicked));
}
