//! Opening: one writer for a file, and readers beside it.

use std::process::Command;

use store::testing::{Database, postgres, sqlite};
use store::{OpenError, Store, StoreConfig, StoreError, params};

use crate::cases::{balance, make_purses, on_both, put};

on_both! {
    what_was_committed_is_there_after_a_restart,
    a_read_only_store_sees_what_is_committed_and_cannot_write,
}

fn what_was_committed_is_there_after_a_restart(database: &mut Database) {
    make_purses(database);
    database
        .store()
        .write(|tx| put(tx, 1, 42))
        .expect("a new purse");
    database.reopen();
    assert_eq!(balance(database.store(), 1), Some(42));
}

fn a_read_only_store_sees_what_is_committed_and_cannot_write(database: &mut Database) {
    make_purses(database);
    let reader = Store::open_read_only(database.config()).expect("a reader beside the writer");
    database
        .store()
        .write(|tx| put(tx, 1, 42))
        .expect("a new purse");
    assert_eq!(balance(&reader, 1), Some(42));
    assert_eq!(reader.write(|tx| put(tx, 2, 2)), Err(StoreError::ReadOnly));
    let sneaky = reader.read(|tx| tx.execute("DELETE FROM purse WHERE id = $1", params![1]));
    assert_eq!(sneaky, Err(StoreError::ReadOnly));
    database.store().close();
    assert_eq!(
        balance(&reader, 1),
        Some(42),
        "the reader outlives the writer"
    );
    reader.close();
    let alone = Store::open_read_only(database.config()).expect("a reader of a stopped instance");
    assert_eq!(balance(&alone, 1), Some(42));
}

#[test]
fn a_second_handle_in_this_process_is_refused() {
    let database = sqlite();
    let second = Store::open(database.config());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    database.store().close();
    Store::open(database.config()).expect("a closed store frees its file");
}

#[test]
fn g4_another_process_that_holds_the_file_is_waited_for_by_nobody() {
    let database = sqlite();
    database.store().close();
    let mut lock = database
        .file()
        .expect("a SQLite store")
        .as_os_str()
        .to_owned();
    lock.push(".lock");
    let mut holder = Command::new("flock")
        .args(["--exclusive", "--no-fork"])
        .arg(&lock)
        .args(["sh", "-c", "echo held; exec cat"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("flock of util-linux");
    let mut said = [0; 5];
    let output = holder.stdout.as_mut().expect("a pipe");
    std::io::Read::read_exact(output, &mut said).expect("the other process holds the lock");
    let second = Store::open(database.config());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(holder.stdin.take());
    assert!(holder.wait().expect("the other process ends").success());
    Store::open(database.config()).expect("the lock ends with its process");
}

#[test]
fn the_last_handle_closes_the_store() {
    let database = sqlite();
    let config = database.config().clone();
    database.store().close();
    let first = Store::open(&config).expect("a store");
    let clone = first.clone();
    drop(first);
    clone
        .read(|tx| tx.query("SELECT 1", &[]).map(drop))
        .map_err(|e: StoreError| e)
        .expect("open");
    drop(clone);
    Store::open(&config).expect("a dropped store frees its file");
}

#[test]
fn a_file_in_a_missing_folder_and_a_file_that_is_no_database_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = StoreConfig::SqliteFile(folder.path().join("no/such/leyden.sqlite"));
    let refused = Store::open(&missing);
    assert!(
        matches!(refused, Err(OpenError::LockFile { .. })),
        "{refused:?}"
    );
    let text = folder.path().join("text");
    std::fs::write(&text, "This is no database. ".repeat(500)).expect("a file");
    let refused = Store::open(&StoreConfig::SqliteFile(text));
    assert!(
        matches!(refused, Err(OpenError::Database(_))),
        "{refused:?}"
    );
}

#[test]
fn a_server_that_is_away_is_said_so_without_the_password() {
    let url = "postgres://leyden:hunter2@127.0.0.1:1/leyden".to_owned();
    let config = StoreConfig::Postgres { url, threads: 1 };
    assert!(!format!("{config:?}").contains("hunter2"));
    let refused = Store::open(&config);
    let shown = format!("{refused:?}");
    assert!(matches!(refused, Err(OpenError::Database(_))), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn many_processes_may_share_one_postgres_schema() {
    let Some(database) = postgres() else { return };
    make_purses(&database);
    let second = Store::open(database.config()).expect("a second store");
    second.write(|tx| put(tx, 1, 1)).expect("a new purse");
    assert_eq!(balance(database.store(), 1), Some(1));
}
