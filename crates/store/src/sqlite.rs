//! SQLite: one connection that writes, several that read, each on a thread of its own.
//!
//! The bundled SQLite 3.45 has the WAL-reset bug (<https://www.sqlite.org/wal.html#walresetbug>),
//! which needs two connections that write or checkpoint. So exactly one may do either, for the life
//! of the process; every other must be opened read-only.

mod connection;
mod lock;
mod statement;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::job::Job;
use crate::migrations;
use crate::queue::Queue;
use crate::threads::spawn;
use crate::{Cause, OpenError, StoreError, Tx};

pub(crate) use lock::FileLock;
pub(crate) use statement::{cause_of, execute, query};
pub(crate) use writer::Writer;

/// How many threads read. A reader never waits for the writer, only for another reader.
const READERS: usize = 4;

pub(crate) type Jobs = Arc<Queue<Box<dyn Job>>>;

/// Opens the one writing connection and brings the schema up to date.
pub(crate) fn open_writing(path: &Path) -> Result<Connection, OpenError> {
    let connection = connection::writing(path).map_err(unopened)?;
    migrate(&connection)?;
    Ok(connection)
}

/// Starts the threads that read.
pub(crate) fn start_readers(path: &Path, jobs: &Jobs) -> Result<Vec<JoinHandle<()>>, OpenError> {
    (0..READERS)
        .map(|_| {
            let connection = connection::reading(path).map_err(unopened)?;
            let jobs = Arc::clone(jobs);
            spawn("store-read", move || {
                while let Some(job) = jobs.pop() {
                    serve_reading(&connection, job);
                }
            })
            .map_err(OpenError::Thread)
        })
        .collect()
}

/// Checks that a database that is not to be written has the schema that this program needs.
pub(crate) fn verify(path: &Path) -> Result<(), OpenError> {
    let connection = connection::reading(path).map_err(unopened)?;
    migrations::verify(&mut Tx::on_sqlite(&connection))
}

/// One snapshot for the whole act, which sees everything that was answered before it began.
fn serve_reading(connection: &Connection, mut job: Box<dyn Job>) {
    if let Err(error) = connection.execute_batch("BEGIN") {
        return job.fail(StoreError::Unavailable(cause_of(&error)));
    }
    job.attempt(&mut Tx::on_sqlite(connection));
    if let Err(error) = connection.execute_batch("ROLLBACK") {
        tracing::error!(%error, "a reading transaction did not end");
    }
    job.finish();
}

fn migrate(connection: &Connection) -> Result<(), OpenError> {
    let batch = |sql: &str| connection.execute_batch(sql).map_err(unopened);
    batch("BEGIN IMMEDIATE")?;
    batch(migrations::CREATE_TABLE.sqlite)?;
    migrations::prepare(&mut Tx::on_sqlite(connection))?;
    batch("COMMIT")?;
    loop {
        batch("BEGIN IMMEDIATE")?;
        let mut tx = Tx::on_sqlite(connection);
        let Some(migration) = migrations::next_missing(&mut tx)? else {
            return batch("COMMIT");
        };
        connection
            .execute_batch(migration.sqlite)
            .map_err(|error| OpenError::Migration {
                name: migration.name,
                source: cause_of(&error),
            })?;
        migrations::record(&mut tx, migration)?;
        batch("COMMIT")?;
        tracing::info!(migration = migration.name, "applied a migration");
    }
}

fn unopened(error: rusqlite::Error) -> OpenError {
    OpenError::Database(cause_of(&error))
}

/// A cause that no SQLite error stands behind.
pub(crate) fn cause(message: &'static str) -> Cause {
    Cause::new("sqlite", message)
}
