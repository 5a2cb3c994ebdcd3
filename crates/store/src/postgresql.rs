//! PostgreSQL: a pool of threads, each with a connection of its own.
//!
//! Serialisation failures, deadlocks and connections lost before a commit was sent are repeated
//! here; a connection lost during the commit leaves the outcome unknown, and must never be repeated
//! here.

mod address;
mod connection;
mod failure;
mod notices;
mod pool;
mod session;

use crate::{Cause, OpenError, migrations};

pub(crate) use address::Address;
pub(crate) use connection::Connection;
pub(crate) use notices::start as start_notices;
pub(crate) use pool::{Pool, PoolJob, WRITE, start};
pub(crate) use session::{Ended, Session};

/// How often the start tries again after another process made the same table at the same moment.
const TRIES_TO_CREATE: u32 = 5;

/// Brings the schema up to date.
pub(crate) fn migrate(session: &mut Session) -> Result<(), OpenError> {
    let database = OpenError::Database;
    // Two first starts at once collide in the catalogue even with IF NOT EXISTS.
    let mut tries = 1;
    while let Err(cause) = session.batch(migrations::CREATE_TABLE.postgres) {
        if tries == TRIES_TO_CREATE {
            return Err(database(cause));
        }
        tries += 1;
    }
    migrations::prepare(&mut crate::Tx::on_postgres(session))?;
    loop {
        session
            .batch("BEGIN ISOLATION LEVEL READ COMMITTED")
            .map_err(database)?;
        let step = migration_step(session);
        if step.is_err() {
            // The connection is dropped with its transaction anyway; this only says so sooner.
            let _undone = session.batch("ROLLBACK");
        }
        let applied = step?;
        session.batch("COMMIT").map_err(database)?;
        match applied {
            Some(name) => tracing::info!(migration = name, "applied a migration"),
            None => return Ok(()),
        }
    }
}

fn migration_step(session: &mut Session) -> Result<Option<&'static str>, OpenError> {
    let missing = migrations::next_missing(&mut crate::Tx::on_postgres(session))?;
    let Some(migration) = missing else {
        return Ok(None);
    };
    let failed = |source: Cause| OpenError::Migration {
        name: migration.name,
        source,
    };
    session.batch(migration.postgres).map_err(failed)?;
    migrations::record(&mut crate::Tx::on_postgres(session), migration)?;
    Ok(Some(migration.name))
}

/// Checks that a database that is not to be written has the schema that this program needs.
pub(crate) fn verify(session: &mut Session) -> Result<(), OpenError> {
    migrations::verify(&mut crate::Tx::on_postgres(session))
}
