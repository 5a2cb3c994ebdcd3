//! Migrations: `NNNN_name.sql`, from 0001 without gaps, the same names for both databases, and never
//! changed once a release carries them (ours is run on other people's books).

use crate::tree::{FILES, assert_none, git};

const FOLDER: &str = "crates/store/migrations/";
const DATABASES: [&str; 2] = ["sqlite", "postgres"];

/// `name` with its number, if it is well formed.
fn number(name: &str) -> Option<usize> {
    let (digits, rest) = name.split_once('_')?;
    let stem = rest.strip_suffix(".sql")?;
    let snake =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let well_formed = digits.len() == 4 && !stem.is_empty() && stem.chars().all(snake);
    well_formed.then(|| digits.parse().ok())?
}

/// `paths` are those of all files, sorted.
fn violations(paths: &[&str]) -> Vec<String> {
    let names = |database: &str| -> Vec<&str> {
        let folder = format!("{FOLDER}{database}/");
        paths
            .iter()
            .filter_map(|path| path.strip_prefix(&folder))
            .collect()
    };
    let mut found = Vec::new();
    for database in DATABASES {
        if names(database).is_empty() {
            found.push(format!("{FOLDER}{database}/ holds no migration"));
        }
        for (index, name) in names(database).iter().enumerate() {
            if number(name) != Some(index + 1) {
                let expected = format!("{:04}_some_name.sql", index + 1);
                found.push(format!("{FOLDER}{database}/{name}: expected {expected}"));
            }
        }
    }
    let [sqlite, postgres] = DATABASES.map(names);
    let only = |some: &[&str], others: &[&str], database: &str| -> Vec<String> {
        let alone = some.iter().filter(|name| !others.contains(name));
        alone
            .map(|name| format!("{name}: is missing for {database}"))
            .collect()
    };
    found.extend(only(&sqlite, &postgres, "postgres"));
    found.extend(only(&postgres, &sqlite, "sqlite"));
    found
}

/// Lines of `git diff --name-status` that do more than add.
fn changed(diff: &str) -> Vec<&str> {
    diff.lines().filter(|line| !line.starts_with('A')).collect()
}

#[test]
fn migrations_are_numbered_and_alike_for_both_databases() {
    let paths: Vec<&str> = FILES.iter().map(|file| file.path.as_str()).collect();
    assert_none("Add the file to both folders.", &violations(&paths));
}

#[test]
fn released_migrations_never_change() {
    let mut found = Vec::new();
    for tag in git(&["tag", "--list", "v*"]).lines() {
        let diff = git(&["diff", "--name-status", "--no-renames", tag, "--", FOLDER]);
        found.extend(changed(&diff).iter().map(|line| format!("{tag}: {line}")));
    }
    assert_none("Write a new migration instead.", &found);
}

#[test]
fn gaps_wrong_names_and_missing_twins_are_found() {
    let found = |sqlite: &[&str], postgres: &[&str]| {
        let sqlite = sqlite.iter().map(|name| format!("{FOLDER}sqlite/{name}"));
        let paths: Vec<String> = sqlite
            .chain(
                postgres
                    .iter()
                    .map(|name| format!("{FOLDER}postgres/{name}")),
            )
            .collect();
        violations(&paths.iter().map(String::as_str).collect::<Vec<_>>()).len()
    };
    let good = ["0001_accounts.sql", "0002_webhooks.sql"];
    assert_eq!(found(&good, &good), 0);
    assert_eq!(found(&good, &good[..1]), 1);
    assert_eq!(found(&good[..1], &good), 1);
    assert_eq!(
        found(&["0001_a.sql", "0003_b.sql"], &["0001_a.sql", "0003_b.sql"]),
        2
    );
    assert_eq!(
        found(&["0001_a.sql", "0001_b.sql"], &["0001_a.sql", "0001_b.sql"]),
        2
    );
    assert_eq!(found(&["1_a.sql"], &["1_a.sql"]), 2);
    assert_eq!(found(&["0001_A.sql"], &["0001_A.sql"]), 2);
    assert_eq!(found(&["README.md", "0001_a.sql"], &["0001_a.sql"]), 3);
    assert_eq!(found(&[], &[]), 2);
}

#[test]
fn a_change_or_deletion_of_a_released_file_is_told_from_an_addition() {
    assert_eq!(changed("A\tm/0002_b.sql\n"), Vec::<&str>::new());
    assert_eq!(
        changed("M\tm/0001_a.sql\nA\tm/0002_b.sql\nD\tm/0003_c.sql\n").len(),
        2
    );
}
