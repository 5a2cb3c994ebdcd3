//! Opening SQLite connections with the settings that money depends on.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long to wait for a lock that another process holds for a moment (a read-only tool that opens
/// the file).
const PATIENCE: Duration = Duration::from_secs(5);
/// More than there are statements, so that none is prepared twice.
const CACHED_STATEMENTS: usize = 512;

/// Pages that the log may grow to before they are put into the file: 40 MB. The same few pages are written again and
/// again (the ends of the tables, the channels), so a longer log puts each of them into the file less often; with
/// SQLite's own 1,000 pages a tenth of a second of payments filled the log, and every checkpoint waits for the disk
/// twice.
const LOG_PAGES: u32 = 10_000;
/// Memory for pages of the file, in KiB (the pragma takes it negative). SQLite's own 2 MB hold less than one group of
/// acts touches in large books.
const WRITER_CACHE_KIB: i32 = 64 * 1024;
const READER_CACHE_KIB: i32 = 8 * 1024;

/// The connection that alone writes and checkpoints. WAL with `synchronous=FULL` makes every commit
/// durable before it returns; with `NORMAL` a power cut could take the last commits back, and
/// channel state with them.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that opens the file for writing"
)]
pub(super) fn writing(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let message = "the file system cannot keep a write-ahead log (a network disk?)".to_owned();
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        return Err(rusqlite::Error::SqliteFailure(code, Some(message)));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS fsync alone leaves the bytes in the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

/// A connection that can neither write nor checkpoint.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that opens the file for reading"
)]
pub(super) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)
}
