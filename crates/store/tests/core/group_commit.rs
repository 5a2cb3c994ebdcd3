//! SQLite's group commit: when it groups, what it answers, and when.

use std::process::Command;
use std::sync::mpsc;

use payments::ports::StateKey;
use store::testing::sqlite;
use store::{Store, StoreConfig, StoreError, params};

use crate::cases::{balance, count, make_purses, put};

#[test]
fn an_idle_store_commits_each_act_alone() {
    let database = sqlite();
    make_purses(&database);
    let before = database.store().commits();
    for id in 0..50 {
        database
            .store()
            .write(move |tx| put(tx, id, 0))
            .expect("a new purse");
    }
    assert_eq!(database.store().commits() - before, 50);
}

/// Holds the writer inside an act until the sender is dropped.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let held = std::sync::Mutex::new(held);
    let store = store.clone();
    std::thread::spawn(move || {
        store.write(move |_| -> Result<(), StoreError> {
            entered.send(()).expect("the test waits");
            let held = held.lock().expect("one act");
            let _ended = held.recv();
            Err(StoreError::Closed)
        })
    });
    inside.recv().expect("the act is entered");
    release
}

#[test]
fn what_queues_up_during_a_commit_shares_the_next() {
    let database = sqlite();
    make_purses(&database);
    let store = database.store();
    let release = hold(store);
    let before = store.commits();
    let acts = (0..300)
        .map(|id| store.write_async(move |tx| put(tx, id, 0)))
        .collect::<Vec<_>>();
    drop(release);
    for act in acts {
        assert_eq!(pollster::block_on(act), Ok(()));
    }
    assert_eq!(
        store.commits() - before,
        1,
        "300 acts that waited are one commit"
    );
    assert_eq!(count(store), 300);
}

#[test]
fn a_reply_comes_only_after_the_files_hold_the_act() {
    let database = sqlite();
    make_purses(&database);
    let file = database.file().expect("a SQLite store");
    let copies = tempfile::tempdir().expect("a temporary folder");
    for id in 0..20 {
        database
            .store()
            .write(move |tx| put(tx, id, 5))
            .expect("a new purse");
        // Another process copies, because closing the file in this one would drop SQLite's own
        // locks.
        let copy = copies.path().join(format!("{id}.sqlite"));
        for end in ["", "-wal"] {
            let (mut from, mut to) = (file.as_os_str().to_owned(), copy.as_os_str().to_owned());
            from.push(end);
            to.push(end);
            let copied = Command::new("cp")
                .arg(from)
                .arg(to)
                .status()
                .expect("cp runs");
            assert!(copied.success());
        }
        let reopened = Store::open(&StoreConfig::SqliteFile(copy)).expect("a copy of the files");
        assert_eq!(balance(&reopened, id), Some(5));
    }
}

#[test]
fn a_failed_commit_answers_every_act_of_its_group() {
    let database = sqlite();
    make_purses(&database);
    database.run(
        "CREATE TABLE coin (purse INTEGER NOT NULL REFERENCES purse (id)
            DEFERRABLE INITIALLY DEFERRED) STRICT",
    );
    let store = database.store();
    let release = hold(store);
    let acts = (0..5)
        .map(|id| store.write_async(move |tx| put(tx, id, 0)))
        .collect::<Vec<_>>();
    // SQLite looks at a deferred constraint at the commit, which is everybody's.
    let breaks = "INSERT INTO coin (purse) VALUES ($1)";
    let broken = store.write_async(move |tx| tx.execute(breaks, params![77]));
    let after = store.write_async(move |tx| put(tx, 5, 0));
    drop(release);
    assert!(matches!(
        pollster::block_on(broken),
        Err(StoreError::Unavailable(_))
    ));
    let mut answers = acts.into_iter().map(pollster::block_on).collect::<Vec<_>>();
    answers.push(pollster::block_on(after));
    for answer in answers {
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
    assert_eq!(count(store), 0);
    assert_eq!(
        store.write(|tx| put(tx, 1, 1)),
        Ok(()),
        "the writer goes on"
    );
}

#[test]
fn a_write_of_node_state_that_fails_is_not_overtaken_by_the_next() {
    let database = sqlite();
    make_purses(&database);
    let store = database.store();
    let node = store.node_state("main").expect("the lease");
    let key = StateKey {
        primary: String::new(),
        secondary: String::new(),
        key: "k".into(),
    };
    database.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON node_state WHEN NEW.value = X'01'
            BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    );
    let release = hold(store);
    let refused = node.write(key.clone(), vec![1]);
    let next = node.write(key.clone(), vec![2]);
    let act = store.write_async(|tx| put(tx, 1, 1));
    drop(release);
    assert_eq!(
        pollster::block_on(act),
        Ok(()),
        "the acts in the group are answered"
    );
    assert_eq!(
        node.read(&key).expect("a read"),
        None,
        "the second write waits for the first"
    );
    database.run("DROP TRIGGER refuse");
    pollster::block_on(refused);
    pollster::block_on(next);
    assert_eq!(node.read(&key).expect("a read"), Some(vec![2]));
}

#[test]
fn closing_does_what_is_queued_and_empties_the_log() {
    let database = sqlite();
    make_purses(&database);
    let store = database.store();
    let release = hold(store);
    let acts = (0..100)
        .map(|id| store.write_async(move |tx| put(tx, id, 0)))
        .collect::<Vec<_>>();
    drop(release);
    store.close();
    for act in acts {
        assert_eq!(pollster::block_on(act), Ok(()));
    }
    assert_eq!(store.write(|tx| put(tx, 1, 1)), Err(StoreError::Closed));
    assert_eq!(
        store.read(|tx| tx.query("SELECT 1", &[]).map(drop)),
        Err(StoreError::Closed)
    );
    store.close();
    let mut log = database
        .file()
        .expect("a SQLite store")
        .as_os_str()
        .to_owned();
    log.push("-wal");
    assert!(
        !std::path::Path::new(&log).exists(),
        "the last connection removes the empty log"
    );
}
