//! A store in SQLite with a write-ahead log and `synchronous=FULL`: one writing thread, which commits at once when
//! it is idle and takes into one commit what queued up meanwhile.
//!
//! As fast as a durable store on SQLite can be made to be without knowing anything of payments. A write that fails
//! ends the benchmark.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ldk_node::lightning::io;
use ldk_node::lightning::util::async_poll::AsyncResult;
use ldk_node::lightning::util::persist::{KVStore, KVStoreSync};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::{Place, asynchronous, missing, place};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS state (a TEXT NOT NULL, b TEXT NOT NULL, key TEXT NOT NULL, \
     value BLOB NOT NULL, PRIMARY KEY (a, b, key)) STRICT, WITHOUT ROWID";
const PUT: &str =
    "INSERT INTO state VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET value = excluded.value";
const REMOVE: &str = "DELETE FROM state WHERE a = ?1 AND b = ?2 AND key = ?3";
/// Never reached: a node has a few writes under way.
const QUEUE: usize = 4_096;

/// A change and who waits for it.
struct Change {
    place: Place,
    /// `None` removes.
    value: Option<Vec<u8>>,
    done: Box<dyn FnOnce() + Send>,
}

/// The writing thread's queue, and a connection to read with.
pub struct WalStore {
    changes: SyncSender<Change>,
    reading: Mutex<Connection>,
}

impl WalStore {
    /// Opens the file and starts the thread, which ends with the store.
    pub fn open(file: &Path) -> rusqlite::Result<Self> {
        let writing = connect(file)?;
        writing.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        writing.pragma_update(None, "synchronous", "FULL")?;
        writing.execute_batch(TABLE)?;
        let reading = connect(file)?;
        // One connection alone may checkpoint: SQLite 3.45 has the WAL-reset bug.
        reading.pragma_update(None, "wal_autocheckpoint", 0)?;
        let (changes, queue) = mpsc::sync_channel(QUEUE);
        std::thread::spawn(move || write_all(&writing, &queue));
        Ok(Self {
            changes,
            reading: Mutex::new(reading),
        })
    }

    fn reading(&self) -> MutexGuard<'_, Connection> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, place: Place, value: Option<Vec<u8>>, done: impl FnOnce() + Send + 'static) {
        let done = Box::new(done);
        let change = Change { place, value, done };
        let sent = self.changes.send(change);
        sent.expect("the thread lives as long as the store");
    }

    /// Waits without a runtime: LDK calls this on threads that belong to one.
    fn change_now(&self, place: Place, value: Option<Vec<u8>>) -> Result<(), io::Error> {
        let (tell, done) = mpsc::sync_channel(1);
        self.change(place, value, move || {
            let _ = tell.send(());
        });
        done.recv().map_err(|_| unwritten())
    }

    fn write_later(
        &self,
        a: &str,
        b: &str,
        key: &str,
        value: Vec<u8>,
    ) -> AsyncResult<'static, (), io::Error> {
        let (tell, done) = oneshot::channel();
        self.change(place(a, b, key), Some(value), move || {
            let _ = tell.send(());
        });
        Box::pin(async move { done.await.map_err(|_| unwritten()) })
    }
}

impl KVStoreSync for WalStore {
    fn read(&self, a: &str, b: &str, key: &str) -> Result<Vec<u8>, io::Error> {
        let reading = self.reading();
        let sql = "SELECT value FROM state WHERE a = ?1 AND b = ?2 AND key = ?3";
        let found = reading.query_row(sql, params![a, b, key], |row| row.get(0));
        found.optional().map_err(unreadable)?.ok_or_else(missing)
    }

    fn write(&self, a: &str, b: &str, key: &str, value: Vec<u8>) -> Result<(), io::Error> {
        self.change_now(place(a, b, key), Some(value))
    }

    fn remove(&self, a: &str, b: &str, key: &str, _lazy: bool) -> Result<(), io::Error> {
        self.change_now(place(a, b, key), None)
    }

    fn list(&self, a: &str, b: &str) -> Result<Vec<String>, io::Error> {
        let reading = self.reading();
        let sql = "SELECT key FROM state WHERE a = ?1 AND b = ?2";
        let mut statement = reading.prepare(sql).map_err(unreadable)?;
        let keys = statement.query_map(params![a, b], |row| row.get(0));
        keys.map_err(unreadable)?
            .collect::<Result<_, _>>()
            .map_err(unreadable)
    }
}

asynchronous!(WalStore);

#[expect(
    clippy::disallowed_methods,
    reason = "a rival of the store, with a file of its own"
)]
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    Connection::open(file)
}

fn write_all(connection: &Connection, queue: &Receiver<Change>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Change> = std::iter::once(first).chain(queue.try_iter()).collect();
        if let Err(error) = commit(connection, &group) {
            // Nobody is answered: the nodes stop, and the benchmark with them.
            panic!("the rival's store failed: {error}");
        }
        for change in group {
            (change.done)();
        }
    }
}

fn commit(connection: &Connection, group: &[Change]) -> rusqlite::Result<()> {
    if let [change] = group {
        return apply(connection, change);
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for change in group {
        apply(connection, change)?;
    }
    connection.execute_batch("COMMIT")
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    let (a, b, key) = &change.place;
    match &change.value {
        Some(value) => connection
            .prepare_cached(PUT)?
            .execute(params![a, b, key, value])?,
        None => connection
            .prepare_cached(REMOVE)?
            .execute(params![a, b, key])?,
    };
    Ok(())
}

fn unwritten() -> io::Error {
    io::Error::new(io::ErrorKind::Other, "the store is closed")
}

fn unreadable(error: rusqlite::Error) -> io::Error {
    io::Error::new(io::ErrorKind::Other, error.to_string())
}
