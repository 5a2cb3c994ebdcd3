//! What happens when the database is away or full, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use payments::ports::StateKey;
use store::testing::{CommitFate, CommitFaults, HeldFile, postgres, put_faults, sqlite};
use store::{StoreError, params};

use crate::cases::{balance, count, make_purses, put};

fn key(key: &str) -> StateKey {
    StateKey {
        primary: String::new(),
        secondary: String::new(),
        key: key.into(),
    }
}

#[test]
fn node_state_waits_out_a_full_disk_while_the_acts_are_answered() {
    let database = sqlite();
    make_purses(&database);
    let store = database.store();
    let node = store.node_state("main").expect("the lease");
    pollster::block_on(node.write(key("k"), vec![0]));
    // SQLite never sets this below the file's size, so every new page is one too many.
    let limit = |pages: &'static str| {
        store
            .write(move |tx| tx.query(pages, &[]).map(drop))
            .map_err(|e: StoreError| e)
    };
    limit("PRAGMA max_page_count = 1").expect("a limit");
    let mut first = node.write(key("k"), vec![1; 1_000_000]);
    let second = node.write(key("k"), vec![2]);
    // The acts are answered meanwhile: those that fit, and those that do not.
    assert_eq!(store.write(|tx| put(tx, 1, 1)), Ok(()));
    let big = store.write(|tx| {
        tx.execute(
            "INSERT INTO node_state (node, primary_ns, secondary_ns, key, value)
            VALUES ($1, $2, $3, $4, $5)",
            params!["other", "", "", "big", vec![7; 1_000_000]],
        )
    });
    assert!(matches!(big, Err(StoreError::Unavailable(_))), "{big:?}");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(
        first.as_mut().poll(&mut context).is_pending(),
        "it is not durable yet"
    );
    assert_eq!(node.read(&key("k")).expect("a read"), Some(vec![0]));
    limit("PRAGMA max_page_count = 1000000").expect("no limit");
    pollster::block_on(first);
    pollster::block_on(second);
    assert_eq!(
        node.read(&key("k")).expect("a read"),
        Some(vec![2]),
        "in the order of the calls"
    );
    assert_eq!(balance(store, 1), Some(1));
}

#[test]
fn g2_node_state_waits_out_another_writer_while_the_acts_are_answered() {
    let database = sqlite();
    make_purses(&database);
    let store = database.store();
    let node = store.node_state("main").expect("the lease");
    let held = HeldFile::take(database.file().expect("a file"));
    let mut write = node.write(key("k"), vec![1]);
    // Every try of the one waits for some seconds, and so does the other.
    let act = store.write(|tx| put(tx, 1, 1));
    assert!(matches!(act, Err(StoreError::Unavailable(_))), "{act:?}");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(write.as_mut().poll(&mut context).is_pending());
    drop(held);
    pollster::block_on(write);
    assert_eq!(node.read(&key("k")).expect("a read"), Some(vec![1]));
    assert_eq!(balance(store, 1), None, "what was refused is not there");
}

/// A disk whose commits fail in one way while it is broken.
struct Disk {
    is_broken: AtomicBool,
    fate: CommitFate,
    failures: AtomicU32,
}

impl CommitFaults for Disk {
    fn before_commit(&self) -> CommitFate {
        if self.is_broken.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            self.fate
        } else {
            CommitFate::Go
        }
    }

    fn after_commit(&self) -> CommitFate {
        CommitFate::Go
    }
}

#[test]
fn g2_node_state_waits_out_a_disk_that_does_not_sync_and_one_that_is_read_only() {
    for fate in [CommitFate::FailToSync, CommitFate::FailReadOnly] {
        let mut database = sqlite();
        make_purses(&database);
        let disk = Arc::new(Disk {
            is_broken: AtomicBool::new(false),
            fate,
            failures: AtomicU32::new(0),
        });
        let file = database.file().expect("a file").to_owned();
        put_faults(&file, Some(disk.clone()));
        database.reopen();
        let store = database.store();
        let node = store.node_state("main").expect("the lease");
        disk.is_broken.store(true, Ordering::SeqCst);
        let first = node.write(key("k"), vec![1]);
        let second = node.write(key("k"), vec![2]);
        let waiting = std::thread::spawn(move || {
            pollster::block_on(first);
            pollster::block_on(second);
        });
        while disk.failures.load(Ordering::SeqCst) < 3 {
            let act = store.write(|tx| put(tx, 1, 1));
            assert!(matches!(act, Err(StoreError::Unavailable(_))), "{act:?}");
        }
        assert!(!waiting.is_finished(), "nothing is durable");
        disk.is_broken.store(false, Ordering::SeqCst);
        waiting
            .join()
            .expect("both are durable, and no error was told");
        assert_eq!(node.read(&key("k")).expect("a read"), Some(vec![2]));
        assert_eq!(balance(store, 1), None);
        put_faults(&file, None);
    }
}

/// Ends every connection of the store but the one that asks.
const END_OTHERS: &str = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";

#[test]
fn connections_that_were_ended_are_made_again_without_an_error() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let store = database.store();
    let node = store.node_state("main").expect("the lease");
    pollster::block_on(node.write(key("k"), vec![0]));
    for round in 0..5_i64 {
        store
            .read(|tx| tx.query(END_OTHERS, &[]).map(drop))
            .map_err(|e: StoreError| e)
            .expect("end");
        let acts = (0..20).map(|n| store.write_async(move |tx| put(tx, round * 20 + n, 1)));
        let acts = acts.collect::<Vec<_>>();
        pollster::block_on(node.write(key("k"), round.to_be_bytes().to_vec()));
        for act in acts {
            assert_eq!(pollster::block_on(act), Ok(()));
        }
    }
    assert_eq!(count(store), 100);
    assert_eq!(
        node.read(&key("k")).expect("a read"),
        Some(4_i64.to_be_bytes().to_vec())
    );
}

#[test]
fn a_connection_that_ends_inside_an_act_repeats_the_act() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let mut runs = 0;
    let result = database.store().write(move |tx| {
        runs += 1;
        put(tx, 1, runs)?;
        if runs == 1 {
            tx.query(
                "SELECT COUNT(*) WHERE pg_terminate_backend(pg_backend_pid())",
                &[],
            )?;
        }
        Ok::<_, StoreError>(runs)
    });
    assert_eq!(result, Ok(2));
    assert_eq!(
        balance(database.store(), 1),
        Some(2),
        "the first run left nothing"
    );
}

#[test]
fn a_conflict_that_never_ends_is_given_up() {
    let Some(database) = postgres() else { return };
    database.run(
        "CREATE FUNCTION conflict() RETURNS BIGINT LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$",
    );
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&runs);
    let result = database.store().write(move |tx| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        tx.query("SELECT conflict()", &[]).map(drop)
    });
    assert!(
        matches!(result, Err(StoreError::Unavailable(_))),
        "{result:?}"
    );
    assert_eq!(runs.load(std::sync::atomic::Ordering::SeqCst), 10);
}

#[test]
fn node_state_waits_out_an_outage_of_the_server() {
    let Some(database) = postgres() else { return };
    let node = database.store().node_state("main").expect("the lease");
    pollster::block_on(node.write(key("k"), vec![0]));
    database.run("ALTER TABLE node_state RENAME TO node_state_away");
    let first = node.write(key("k"), vec![1]);
    let second = node.write(key("k"), vec![2]);
    let waiting = std::thread::spawn(move || {
        pollster::block_on(first);
        pollster::block_on(second);
    });
    // Long enough for some tries; the answer below does not depend on how many there were.
    std::thread::park_timeout(Duration::from_millis(300));
    assert!(!waiting.is_finished(), "nothing is durable");
    database.run("ALTER TABLE node_state_away RENAME TO node_state");
    waiting.join().expect("both are durable");
    assert_eq!(node.read(&key("k")).expect("a read"), Some(vec![2]));
}
