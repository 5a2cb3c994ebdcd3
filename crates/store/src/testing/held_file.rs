//! A SQLite file that somebody else writes to, and does not stop.
//!
//! It must never change what is in the file.

use std::path::Path;

use rusqlite::Connection;

/// The right to write to a file, held by a connection of its own. Dropping it lets others write again.
#[derive(Debug)]
pub struct HeldFile {
    _connection: Connection,
}

impl HeldFile {
    /// Takes the right to write to `file`.
    ///
    /// # Panics
    /// When another has it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "stands for another program")]
    pub fn take(file: &Path) -> Self {
        let connection = Connection::open(file).expect("the file of a test");
        // Closing the connection must not move the log into the file: that is the writer's.
        let settings = "PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE";
        connection
            .execute_batch(settings)
            .expect("nobody writes now");
        Self {
            _connection: connection,
        }
    }
}
