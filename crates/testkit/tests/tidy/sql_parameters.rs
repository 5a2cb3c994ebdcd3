//! `$1`, `$2`, … are first used in that order in each SQL text. rusqlite numbers parameters by first
//! use and PostgreSQL by their digits: only when both agree does one text serve both databases.

use crate::rust_code::{line, tokens, visit_runs};
use crate::tree::{FILES, File, assert_none};
use proc_macro2::TokenTree;

const FOLDER: &str = "crates/store/src/";

/// The numbers of `$n` in the order of their first use.
fn first_uses(sql: &str) -> Vec<u32> {
    let mut uses = Vec::new();
    for part in sql.split('$').skip(1) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse()
            && !uses.contains(&number)
        {
            uses.push(number);
        }
    }
    uses
}

/// A whole statement counts from 1; a fragment, which is joined to others, from wherever it starts.
fn is_in_order(sql: &str) -> bool {
    let uses = first_uses(sql);
    let Some(first) = uses.first().copied() else {
        return true;
    };
    let verbs = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE",
    ];
    let word = sql
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase();
    let start = if verbs.contains(&word.as_str()) {
        1
    } else {
        first
    };
    uses.into_iter().eq((start..).take(first_uses(sql).len()))
}

/// The texts of string literals; those of one `concat!` or one list of literals are one text.
fn texts(file: &File) -> Vec<(usize, String)> {
    let mut texts = Vec::new();
    visit_runs(tokens(file), &mut |run| {
        let is_literal = |token: &TokenTree| string(token).is_some();
        let is_comma =
            |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ',');
        let joined = run.len() > 1 && run.iter().all(|token| is_literal(token) || is_comma(token));
        let literals = run
            .iter()
            .filter_map(|token| Some((line(token.span()), string(token)?)));
        if joined {
            let (lines, parts): (Vec<usize>, Vec<String>) = literals.unzip();
            texts.push((lines.first().copied().unwrap_or(0), parts.concat()));
        } else {
            texts.extend(literals);
        }
    });
    texts
}

fn string(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    syn::parse_str::<syn::LitStr>(&literal.to_string())
        .ok()
        .map(|literal| literal.value())
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with(FOLDER))
    {
        for (line, text) in texts(file) {
            if !is_in_order(&text) {
                let uses = first_uses(&text);
                found.push(format!(
                    "{}:{line}: first used in the order {uses:?}",
                    file.path
                ));
            }
        }
    }
    found
}

#[test]
fn parameters_are_first_used_in_order() {
    assert_none("Renumber them by first use.", &violations(&FILES));
}

#[test]
fn order_is_that_of_first_use() {
    assert!(is_in_order("SELECT a FROM b"));
    assert!(is_in_order("UPDATE a SET b = $1 WHERE c = $2 AND d <> $1"));
    assert!(
        is_in_order("AND d = $3 LIMIT $4"),
        "a fragment starts anywhere"
    );
    assert!(is_in_order(
        "INSERT INTO a VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ));
    assert!(!is_in_order("UPDATE a SET b = $2 WHERE c = $1"));
    assert!(!is_in_order("\n  select a where c = $2"));
    assert!(!is_in_order("SELECT a WHERE b = $1 AND c = $3"));
    assert!(!is_in_order("AND d = $4 LIMIT $3"));
}

#[test]
fn literals_in_calls_macros_and_constants_are_seen_and_documentation_is_not() {
    let found = |text: &str| violations(&[File::example("crates/store/src/a.rs", text)]).len();
    assert_eq!(found(r#"const A: &str = "SELECT $2, $1";"#), 1);
    assert_eq!(found(r##"fn f() { tx.run(r#"SELECT $2"#, &[]) }"##), 1);
    assert_eq!(found(r#"fn f() { format!("SELECT $2 {x}") }"#), 1);
    assert_eq!(
        found(r#"const A: &str = concat!("SELECT $1", " WHERE a = $2");"#),
        0
    );
    assert_eq!(
        found(r#"const A: &str = concat!("SELECT $2", " WHERE a = $1");"#),
        1
    );
    assert_eq!(found("/// `SELECT $2`\nfn f() {}"), 0);
    assert_eq!(found(r#"const A: &str = "costs $5";"#), 0);
}
