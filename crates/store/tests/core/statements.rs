//! Statements, their parameters and what comes back.

use store::testing::Database;
use store::{Constraint, Store, StoreError, Value, params};

use crate::cases::{add, balance, make_purses, on_both, put};

on_both! {
    every_type_comes_back_as_it_was_put,
    a_value_of_another_type_is_corrupt,
    a_statement_with_wrong_parameters_is_refused,
    an_integer_that_overflows_is_refused,
    two_rows_are_too_many_for_one,
    a_row_is_changed_and_answered_in_one_statement,
}

fn make_things(database: &Database) {
    if database.file().is_some() {
        database.run("CREATE TABLE thing (i INTEGER, t TEXT, b BLOB) STRICT");
    } else {
        database.run("CREATE TABLE thing (i BIGINT, t TEXT, b BYTEA)");
    }
}

const PUT: &str = "INSERT INTO thing (i, t, b) VALUES ($1, $2, $3)";
const ALL: &str = "SELECT i, t, b FROM thing";

fn every_type_comes_back_as_it_was_put(database: &mut Database) {
    make_things(database);
    let seen = database.store().write(|tx| {
        tx.execute(PUT, params![i64::MIN, "zażółć ₿", [0_u8, 255, 7]])?;
        let row = tx.query_opt(ALL, &[])?.expect("one row");
        assert_eq!(row.int(0)?, i64::MIN);
        assert_eq!(row.text(1)?, "zażółć ₿");
        assert_eq!(row.bytes(2)?, [0, 255, 7]);
        tx.execute(
            "UPDATE thing SET i = $1, t = $2, b = $3",
            params![true, None::<&str>, [9; 32]],
        )?;
        let row = tx.query_opt(ALL, &[])?.expect("one row");
        assert!(row.bool(0)?);
        assert_eq!(row.opt_text(1)?, None);
        assert_eq!(row.bytes32(2)?, [9; 32]);
        tx.execute(
            "UPDATE thing SET i = $1, b = $2",
            &[Value::Null, Value::Null],
        )?;
        let row = tx.query_opt(ALL, &[])?.expect("one row");
        assert_eq!(
            (row.opt_int(0)?, row.opt_bytes(2)?, row.opt_bytes32(2)?),
            (None, None, None)
        );
        Ok::<_, StoreError>(())
    });
    assert_eq!(seen, Ok(()));
}

fn a_value_of_another_type_is_corrupt(database: &mut Database) {
    make_things(database);
    let put = database
        .store()
        .write(|tx| tx.execute(PUT, params![2, "two", [2; 31]]));
    assert_eq!(put, Ok(1));
    let row = database
        .store()
        .read(|tx| tx.query_opt(ALL, &[]))
        .expect("a row")
        .expect("one row");
    let is_corrupt = |error: Option<StoreError>, at: usize| match error {
        Some(StoreError::Corrupt { sql, column, .. }) => sql == ALL && column == at,
        _ => false,
    };
    assert!(is_corrupt(row.text(0).err(), 0));
    assert!(
        is_corrupt(row.bool(0).err(), 0),
        "2 is neither true nor false"
    );
    assert!(is_corrupt(row.int(1).err(), 1));
    assert!(is_corrupt(row.bytes32(2).err(), 2), "31 bytes are no hash");
    assert!(is_corrupt(row.int(3).err(), 3), "there is no fourth column");
    let fraction = database
        .store()
        .read(|tx| tx.query("SELECT CAST(0.5 AS REAL)", &[]).map(drop));
    assert!(
        matches!(fraction, Err(StoreError::Corrupt { column: 0, .. })),
        "{fraction:?}"
    );
}

fn refused(store: &Store, sql: &'static str, params: &[Value]) {
    let params = params.to_vec();
    let result = store.write(move |tx| tx.execute(sql, &params));
    assert!(
        matches!(result, Err(StoreError::Statement { .. })),
        "{sql}: {result:?}"
    );
}

fn a_statement_with_wrong_parameters_is_refused(database: &mut Database) {
    make_things(database);
    let store = database.store();
    refused(store, PUT, params![1, "two"]);
    refused(store, PUT, params![1, "two", [3], 4]);
    refused(store, PUT, params!["one", "two", [3]]);
    refused(store, "INSERT INTO nowhere (i) VALUES ($1)", params![1]);
    refused(store, "INSERT thing", &[]);
    if database.file().is_some() {
        // SQLite numbers them by first use, so this would put each into the other's place.
        refused(store, "UPDATE thing SET i = $2 WHERE i = $1", params![1, 2]);
    }
    let left = store.read(|tx| tx.query(ALL, &[])).expect("no rows");
    assert!(left.is_empty());
}

fn an_integer_that_overflows_is_refused(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    store.write(|tx| put(tx, 1, i64::MAX)).expect("a new purse");
    let range = StoreError::Conflict(Constraint::IntegerRange);
    assert_eq!(store.write(|tx| add(tx, 1, 1)), Err(range.clone()));
    assert_eq!(balance(store, 1), Some(i64::MAX));
    store.write(|tx| put(tx, 2, 1)).expect("a new purse");
    let sum = "SELECT CAST(SUM(balance) AS BIGINT) FROM purse";
    assert_eq!(
        store.read(move |tx| tx.query(sum, &[]).map(drop)),
        Err(range)
    );
}

fn two_rows_are_too_many_for_one(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    let sql = "SELECT id FROM purse";
    let result = store.write(move |tx| {
        put(tx, 1, 1)?;
        put(tx, 2, 2)?;
        tx.query_opt(sql, &[]).map(drop)
    });
    assert_eq!(result, Err(StoreError::SeveralRows { sql }));
    assert_eq!(balance(store, 1), None);
}

fn a_row_is_changed_and_answered_in_one_statement(database: &mut Database) {
    make_purses(database);
    let store = database.store();
    store.write(|tx| put(tx, 1, 5)).expect("a new purse");
    let claim = store::for_update_skip_locked!(
        "UPDATE purse SET balance = balance - $1 WHERE id IN (SELECT id FROM purse LIMIT $2",
        ") RETURNING balance"
    );
    let left = store.write(move |tx| {
        let row = tx.query_opt(claim.on(tx.dialect()), params![2, 1])?;
        row.map(|row| row.int(0)).transpose()
    });
    assert_eq!(left, Ok::<_, StoreError>(Some(3)));
    assert_eq!(balance(store, 1), Some(3));
}
