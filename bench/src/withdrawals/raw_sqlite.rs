//! The rival on SQLite: one connection, WAL and `synchronous=FULL`, prepared statements, and the store's own settings
//! of cache and log.

use std::path::Path;
use std::time::Instant;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::Raw;
use super::raw::{MOVE, MOVES, Rows, TABLES};
use crate::books::BooksError;
use crate::usage::this_thread_cpu;

/// What the run wrote into the file, which is closed.
pub fn rows(file: &Path) -> Result<Rows<Value>, BooksError> {
    let connection = connect(file)?;
    let all = |sql: &str| -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut statement = connection.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        rows?.collect()
    };
    let tables: Result<Vec<_>, _> = TABLES.iter().map(|table| all(table.rows)).collect();
    let mut statement = connection.prepare(MOVES)?;
    let moves = statement.query_map([], |row| Ok([row.get(1)?, row.get(0)?]))?;
    Ok(Rows {
        tables: tables?,
        moves: moves.collect::<Result<_, _>>()?,
    })
}

/// Writes them into `file`, `group` withdrawals in a commit, and answers how many withdrawals a second that were.
pub fn write(file: &Path, rows: &Rows<Value>, group: f64) -> Result<Raw, BooksError> {
    let count = rows.withdrawals();
    let count = count.ok_or(BooksError::Surprise(
        "the rows of the run are not all there",
    ))?;
    let connection = connect(file)?;
    let inserts: Vec<String> = (0..TABLES.len()).map(|at| rows.insert(at, "")).collect();
    let cpu = this_thread_cpu();
    let began = Instant::now();
    // A fraction is carried over, so that the mean size of a group is ours.
    let (mut written, mut due) = (0, 0.0);
    while written < count {
        due += group;
        let end = (due.round() as usize).clamp(written + 1, count);
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for number in written..end {
            write_one(&connection, rows, &inserts, number)?;
        }
        connection.execute_batch("COMMIT")?;
        written = end;
    }
    let took = began.elapsed();
    let cpu = this_thread_cpu().zip(cpu).map(|(now, then)| now - then);
    Ok(Raw {
        rate: count as f64 / took.as_secs_f64(),
        cpu_us: cpu.map(|cpu| cpu * 1e6 / count as f64),
    })
}

fn write_one(
    connection: &Connection,
    rows: &Rows<Value>,
    inserts: &[String],
    number: usize,
) -> rusqlite::Result<()> {
    for (at, table) in TABLES.iter().enumerate() {
        let mut insert = connection.prepare_cached(&inserts[at])?;
        let first = number * table.each;
        for row in &rows.tables[at][first..first + table.each] {
            insert.execute(params_from_iter(row))?;
        }
    }
    let mut moving = connection.prepare_cached(MOVE)?;
    for change in &rows.moves[2 * number..2 * number + 2] {
        moving.execute(params_from_iter(change))?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a rival of the store, with a file of its own"
)]
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // As large as ours.
    connection.pragma_update(None, "wal_autocheckpoint", 10_000)?;
    connection.pragma_update(None, "cache_size", -64 * 1024)?;
    Ok(connection)
}
