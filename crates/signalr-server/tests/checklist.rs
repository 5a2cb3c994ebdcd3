//! CONFORMANCE.md names a test for everything that a SignalR server has to do: each of them exists.
#![expect(clippy::unwrap_used, reason = "test")]

use std::path::{Path, PathBuf};

/// The file that a path of the table means. Clients are beside the crate in the repository, and not in its package.
fn file(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(rest) = path.strip_prefix("e2e/") {
        return Some(root.join("tests/e2e").join(rest));
    }
    if path.starts_with("clients/") {
        let clients = root.join("../..").join(path);
        return root.join("../../clients").is_dir().then_some(clients);
    }
    Some(root.join(path))
}

#[test]
fn every_test_that_the_table_names_exists() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFORMANCE.md");
    let table = std::fs::read_to_string(table).unwrap();
    let mut count = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cell = line
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .unwrap()
            .trim();
        if cell == "test" || cell == "---" {
            continue;
        }
        let named = cell.trim_matches('`').split_once("::");
        let (path, name) = named.unwrap_or_else(|| panic!("no test: {line}"));
        count += 1;
        let Some(file) = file(path) else { continue };
        let text = std::fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
        let definition = match path.rsplit_once('.').unwrap().1 {
            "rs" => format!("fn {name}("),
            "py" => format!("def {name}("),
            _ => name.to_owned(),
        };
        assert!(text.contains(&definition), "{path} has no {name}");
    }
    assert!(count > 90, "{count} rows");
}
