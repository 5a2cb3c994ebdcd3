//! The rival on PostgreSQL: as many connections as ours, a withdrawal in each transaction as ours has, prepared
//! statements.

use std::time::Instant;

use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Statement};

use super::Raw;
use super::raw::{MOVE, MOVES, Rows, TABLES};
use super::schema::Schema;
use crate::books::BooksError;

/// A value of a column.
pub type Cell = Box<dyn ToSql + Send + Sync>;

/// Takes what the run wrote out of the database, which then is as it was before the run.
pub fn take_rows(schema: &Schema) -> Result<Rows<Cell>, BooksError> {
    let mut client = schema.client()?;
    let mut tables = Vec::new();
    for table in &TABLES {
        let rows = client.query(table.rows, &[])?;
        tables.push(rows.iter().map(cells).collect::<Result<_, _>>()?);
    }
    let moves = client.query(MOVES, &[])?;
    let moves = moves.iter().map(|row| [row.get(1), row.get(0)]).collect();
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    client.batch_execute(&format!("TRUNCATE {} CASCADE", names.join(", ")))?;
    client.batch_execute("UPDATE ledger_account SET dr_pending = 0")?;
    client.batch_execute("VACUUM ANALYZE ledger_account")?;
    Ok(Rows { tables, moves })
}

fn cells(row: &Row) -> Result<Vec<Cell>, postgres::Error> {
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(at, column)| {
            Ok(match *column.type_() {
                Type::INT8 => Box::new(row.try_get::<_, Option<i64>>(at)?) as Cell,
                Type::INT4 => Box::new(row.try_get::<_, Option<i32>>(at)?),
                Type::BYTEA => Box::new(row.try_get::<_, Option<Vec<u8>>>(at)?),
                Type::BOOL => Box::new(row.try_get::<_, Option<bool>>(at)?),
                _ => Box::new(row.try_get::<_, Option<String>>(at)?),
            })
        })
        .collect()
}

/// Writes them over so many connections, and answers how many withdrawals a second that were.
pub fn write(schema: &Schema, rows: Rows<Cell>, connections: usize) -> Result<Raw, BooksError> {
    let count = rows.withdrawals();
    let count = count.ok_or(BooksError::Surprise(
        "the rows of the run are not all there",
    ))?;
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut client = schema.client()?;
        let statements = prepare(&mut client, &rows)?;
        clients.push((client, statements));
    }
    let began = Instant::now();
    std::thread::scope(|scope| {
        let writers: Vec<_> = clients
            .iter_mut()
            .enumerate()
            .map(|(first, (client, statements))| {
                let rows = &rows;
                let turn = (first..count).step_by(connections);
                scope.spawn(move || write_some(client, statements, rows, turn))
            })
            .collect();
        for writer in writers {
            let panicked = |_| BooksError::Surprise("a writer panicked");
            writer.join().map_err(panicked)??;
        }
        Ok::<_, BooksError>(())
    })?;
    Ok(Raw {
        rate: count as f64 / began.elapsed().as_secs_f64(),
        cpu_us: None,
    })
}

fn prepare(client: &mut Client, rows: &Rows<Cell>) -> Result<Vec<Statement>, BooksError> {
    let mut statements = Vec::new();
    for (at, table) in TABLES.iter().enumerate() {
        // Its numbers are made by the database, unless it is told otherwise.
        let numbered = table.name == "event";
        let overriding = if numbered {
            "OVERRIDING SYSTEM VALUE"
        } else {
            ""
        };
        statements.push(client.prepare(&rows.insert(at, overriding))?);
    }
    statements.push(client.prepare(MOVE)?);
    Ok(statements)
}

fn write_some(
    client: &mut Client,
    statements: &[Statement],
    rows: &Rows<Cell>,
    turn: impl Iterator<Item = usize>,
) -> Result<(), postgres::Error> {
    for number in turn {
        let mut tx = client.transaction()?;
        for (at, table) in TABLES.iter().enumerate() {
            let first = number * table.each;
            for row in &rows.tables[at][first..first + table.each] {
                let row: Vec<&(dyn ToSql + Sync)> = row
                    .iter()
                    .map(|cell| &**cell as &(dyn ToSql + Sync))
                    .collect();
                tx.execute(&statements[at], &row)?;
            }
        }
        for [pending_msat, account] in &rows.moves[2 * number..2 * number + 2] {
            tx.execute(&statements[TABLES.len()], &[pending_msat, account])?;
        }
        tx.commit()?;
    }
    Ok(())
}
