//! Only files that somebody can read in a review: known kinds, and none over 300 kB. Large fixtures are
//! made by code; built assets are built.

use crate::tree::{FILES, File, assert_none};

const MOST_BYTES: usize = 300_000;

const EXTENSIONS: &[&str] = &[
    // Code
    "rs",
    "ts",
    "tsx",
    "js",
    "mjs",
    "py",
    "sql",
    "sh",
    "css",
    "html",
    // Text and settings
    "md",
    "toml",
    "json",
    "jsonl",
    "yml",
    "yaml",
    "txt",
    "lock",
    "snap",
    "svg",
    "csv",
    // Images and fonts
    "png",
    "ico",
    "woff2",
    // Seeds of the property tests and the fuzzers
    "proptest-regressions",
    "seed",
];

const NAMES: &[&str] = &[
    "Makefile",
    "Dockerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".npmrc",
];

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        if file.size > MOST_BYTES
            && file.extension() != "lock"
            && file.name() != "package-lock.json"
        {
            found.push(format!(
                "{}: {} bytes, at most {MOST_BYTES}",
                file.path, file.size
            ));
        }
        let known = NAMES.contains(&file.name())
            || EXTENSIONS.contains(&file.extension())
            || file.is_script();
        if !known {
            found.push(format!("{}: a kind of file that we do not know", file.path));
        }
    }
    found
}

#[test]
fn every_file_is_of_a_known_kind_and_size() {
    assert_none(
        "Remove it, or add its kind to the list with a reason.",
        &violations(&FILES),
    );
}

#[test]
fn blobs_and_strange_files_are_found() {
    let found =
        |path: &str, size: usize| violations(&[File::example(path, &"x".repeat(size))]).len();
    assert_eq!(found("a.json", MOST_BYTES), 0);
    assert_eq!(found("a.json", MOST_BYTES + 1), 1);
    assert_eq!(found("Cargo.lock", MOST_BYTES + 1), 0);
    for path in [
        "core",
        "a.exe",
        "a.rs.orig",
        "data.sqlite",
        ".env",
        "server.log",
    ] {
        assert_eq!(found(path, 10), 1, "{path}");
    }
    assert_eq!(
        violations(&[File::example("scripts/run", "#!/bin/sh\n")]).len(),
        0
    );
}
