//! Migrations: once each, the same on both databases, and never backwards.

use std::collections::BTreeSet;
use std::path::Path;

use store::testing::Database;
use store::{OpenError, Store, StoreError, params};

use crate::cases::on_both;

on_both! {
    opening_again_applies_nothing_again,
    a_schema_newer_than_the_program_is_refused,
    a_schema_with_other_migrations_is_refused,
    a_read_only_store_refuses_an_older_schema,
}

fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(folder);
    let files = std::fs::read_dir(folder).expect("the migrations");
    files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect()
}

fn applied(store: &Store) -> Vec<(i64, String)> {
    let sql = "SELECT version, name FROM schema_migration WHERE version > 0 ORDER BY version";
    let rows = store
        .read(move |tx| tx.query(sql, &[]))
        .expect("the migrations");
    rows.iter()
        .map(|row| Ok((row.int(0)?, row.text(1)?.to_owned())))
        .collect::<Result<_, StoreError>>()
        .expect("numbers and names")
}

fn opening_again_applies_nothing_again(database: &mut Database) {
    let first = applied(database.store());
    let files = names(if database.file().is_some() {
        "sqlite"
    } else {
        "postgres"
    });
    let recorded = first
        .iter()
        .map(|(_, name)| format!("{name}.sql"))
        .collect::<BTreeSet<_>>();
    assert_eq!(recorded, files, "every file is applied");
    for (number, (version, name)) in (1..).zip(&first) {
        assert_eq!(*version, number);
        assert!(name.starts_with(&format!("{number:04}_")), "{name}");
    }
    database.reopen();
    assert_eq!(applied(database.store()), first);
}

#[test]
fn both_folders_hold_the_same_names() {
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn no_migration_defers_a_constraint() {
    for folder in ["sqlite", "postgres"] {
        for name in names(folder) {
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(folder);
            let sql = std::fs::read_to_string(file.join(&name)).expect("a migration");
            assert!(
                !sql.to_uppercase().contains("DEFERR"),
                "{name}: it would fail others' acts"
            );
        }
    }
}

fn record(database: &Database, version: i64, name: &'static str) {
    let sql = "INSERT INTO schema_migration (version, name) VALUES ($1, $2)
        ON CONFLICT (version) DO UPDATE SET name = excluded.name";
    let recorded = database
        .store()
        .write(move |tx| tx.execute(sql, params![version, name]));
    assert_eq!(recorded, Ok(1));
    database.store().close();
}

fn a_schema_newer_than_the_program_is_refused(database: &mut Database) {
    record(database, 9999, "9999_from_the_future");
    for opened in [
        Store::open(database.config()),
        Store::open_read_only(database.config()),
    ] {
        let refused = matches!(opened, Err(OpenError::SchemaTooNew { found: 9999, .. }));
        assert!(refused, "{opened:?}");
    }
}

fn a_schema_with_other_migrations_is_refused(database: &mut Database) {
    record(database, 1, "0001_of_somebody_else");
    let opened = Store::open(database.config());
    assert!(
        matches!(opened, Err(OpenError::SchemaForeign { version: 1, .. })),
        "{opened:?}"
    );
}

fn a_read_only_store_refuses_an_older_schema(database: &mut Database) {
    database.run("DELETE FROM schema_migration WHERE version > 0");
    database.store().close();
    let opened = Store::open_read_only(database.config());
    assert!(
        matches!(opened, Err(OpenError::SchemaTooOld { found: 0, .. })),
        "{opened:?}"
    );
}
