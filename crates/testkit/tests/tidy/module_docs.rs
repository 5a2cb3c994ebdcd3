//! Every Rust file opens with `//!`: what it is for, and what it must never do.

use crate::tree::{FILES, File, assert_none};

fn violations(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            first
                .strip_prefix("//!")
                .is_none_or(|text| text.trim().is_empty())
        })
        .map(|file| file.path.clone())
        .collect()
}

#[test]
fn every_rust_file_opens_with_its_documentation() {
    assert_none("Start with `//! What it is for.`", &violations(&FILES));
}

#[test]
fn a_file_that_opens_otherwise_is_found() {
    let found = |text: &str| violations(&[File::example("a.rs", text)]).len();
    assert_eq!(found("//! Amounts.\nuse x;"), 0);
    for text in [
        "",
        "use x;\n//! Late.",
        "// Amounts.",
        "/// Amounts.",
        "//!\n",
        "\n//! Late.",
    ] {
        assert_eq!(found(text), 1, "{text:?}");
    }
}
