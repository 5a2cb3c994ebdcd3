//! One case, two databases; and the table that most cases use.

use store::testing::Database;
use store::{Store, StoreError, Tx, params};

/// Makes a test on each database of every function named, which takes a `&mut Database`.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $case() {
                super::$case(&mut store::testing::sqlite());
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $case() {
                if let Some(mut database) = store::testing::postgres() {
                    super::$case(&mut database);
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// Makes the table `purse`: an id and a balance that must not be negative.
pub fn make_purses(database: &Database) {
    let strict = if database.file().is_some() {
        "STRICT"
    } else {
        ""
    };
    let integer = if database.file().is_some() {
        "INTEGER"
    } else {
        "BIGINT"
    };
    database.run(&format!(
        "CREATE TABLE purse (id {integer} NOT NULL PRIMARY KEY, balance {integer} NOT NULL
            CONSTRAINT purse_not_negative CHECK (balance >= 0)) {strict}"
    ));
}

/// Puts a purse there.
pub fn put(tx: &mut Tx<'_>, id: i64, balance: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO purse (id, balance) VALUES ($1, $2)",
        params![id, balance],
    )
    .map(drop)
}

/// Adds to a purse; refused by the CHECK below zero.
pub fn add(tx: &mut Tx<'_>, id: i64, amount: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE purse SET balance = balance + $1 WHERE id = $2",
        params![amount, id],
    )
    .map(drop)
}

/// The balance of a purse, as a reader sees it.
pub fn balance(store: &Store, id: i64) -> Option<i64> {
    let read = store.read(move |tx| {
        let row = tx.query_opt("SELECT balance FROM purse WHERE id = $1", params![id])?;
        row.map(|row| row.int(0)).transpose()
    });
    read.map_err(|error: StoreError| error)
        .expect("a reading transaction")
}

/// How many purses there are.
pub fn count(store: &Store) -> i64 {
    let read = store.read(|tx| {
        let rows = tx.query("SELECT COUNT(*) FROM purse", &[])?;
        rows[0].int(0)
    });
    read.map_err(|error: StoreError| error)
        .expect("a reading transaction")
}
