//! Lines fit beside each other on a screen: 120 characters. Rust is formatted to 100 by rustfmt, which
//! leaves comments and strings alone. URLs, rows of Markdown tables, inline tables of TOML, and words
//! that cannot be broken (an invoice, a transaction in hex) may be longer.

use crate::tree::{FILES, File, assert_none};

const MOST_CHARACTERS: usize = 120;
const UNBREAKABLE: usize = 80;

fn is_excused(file: &File, line: &str) -> bool {
    line.contains("://")
        || (file.extension() == "toml" && line.contains('{'))
        || (file.extension() == "md" && line.trim_start().starts_with('|'))
        || line
            .split_whitespace()
            .any(|word| word.chars().count() >= UNBREAKABLE)
}

fn violations(files: &[File]) -> Vec<String> {
    let prose = ["md", "toml", "yml", "yaml"];
    let mut found = Vec::new();
    for file in files {
        if !file.is_source() && !prose.contains(&file.extension()) && file.name() != "Makefile" {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let length = line.chars().count();
            if length > MOST_CHARACTERS && !is_excused(file, line) {
                found.push(format!("{}:{}: {length} characters", file.path, index + 1));
            }
        }
    }
    found
}

#[test]
fn no_line_is_too_long() {
    assert_none(
        &format!("At most {MOST_CHARACTERS} a line."),
        &violations(&FILES),
    );
}

#[test]
fn a_long_line_is_found_unless_it_cannot_be_broken() {
    let words = "word ".repeat(25);
    let found = |path: &str, line: &str| violations(&[File::example(path, line)]).len();
    assert_eq!(found("a.rs", &words), 1);
    assert_eq!(found("Makefile", &words), 1);
    assert_eq!(
        found("a.rs", &"é ".repeat(60)),
        0,
        "characters are counted, not bytes"
    );
    assert_eq!(found("a.md", &format!("{words} https://example.com")), 0);
    assert_eq!(found("a.md", &format!("| {words}")), 0);
    assert_eq!(found("a.rs", &format!("| {words}")), 1);
    assert_eq!(
        found("a.toml", &format!("a = {{ reason = \"{words}\" }}")),
        0
    );
    assert_eq!(found("a.toml", &format!("# {words}")), 1);
    assert_eq!(
        found("a.rs", &format!("let x = \"{}\";", "0f".repeat(60))),
        0
    );
    assert_eq!(found("Cargo.lock", &words), 0);
}
