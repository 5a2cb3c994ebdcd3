//! What must not reach the main branch: unfinished code, switched-off tests, and output that bypasses
//! the log. Commands print for their user, so `crates/server/src/cli/` may.

use crate::rust_code::{line, tokens, visit_runs};
use crate::tree::{FILES, File, assert_none};
use proc_macro2::{Delimiter, TokenTree};

const NOWHERE: &[&str] = &["todo", "unimplemented", "dbg"];
const NOT_IN_THE_PRODUCT: &[&str] = &["println", "print", "eprintln", "eprint"];
const MAY_PRINT: &[&str] = &["crates/server/src/cli/"];

fn may_print(file: &File) -> bool {
    !file.is_rust_of_the_product() || MAY_PRINT.iter().any(|folder| file.path.starts_with(folder))
}

/// The banned thing that starts at the front of `run`, if one does.
fn banned_at_front(run: &[TokenTree], may_print: bool) -> Option<String> {
    match run {
        [
            TokenTree::Ident(word),
            TokenTree::Punct(sign),
            TokenTree::Group(_),
            ..,
        ] if sign.as_char() == '!' => {
            let word = word.to_string();
            let banned = NOWHERE.contains(&word.as_str())
                || (!may_print && NOT_IN_THE_PRODUCT.contains(&word.as_str()));
            banned.then(|| format!("{word}!"))
        }
        [TokenTree::Punct(sign), TokenTree::Group(group), ..]
            if sign.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            let first = group.stream().into_iter().next();
            matches!(&first, Some(TokenTree::Ident(word)) if word == "ignore")
                .then(|| "#[ignore]".to_owned())
        }
        _ => None,
    }
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let may_print = may_print(file);
        visit_runs(tokens(file), &mut |run| {
            for start in 0..run.len() {
                if let Some(banned) = banned_at_front(&run[start..], may_print) {
                    found.push(format!(
                        "{}:{}: {banned}",
                        file.path,
                        line(run[start].span())
                    ));
                }
            }
        });
    }
    found
}

#[test]
fn nothing_unfinished_and_no_print_is_in_the_code() {
    assert_none("Finish it; log with tracing.", &violations(&FILES));
}

#[test]
fn each_banned_macro_is_found_wherever_it_stands() {
    let found = |path: &str, text: &str| violations(&[File::example(path, text)]).len();
    let product = "crates/money/src/lib.rs";
    assert_eq!(found(product, "fn f() { todo!() }"), 1);
    assert_eq!(
        found(product, "fn f() { select! { a = b => { dbg!(a); } } }"),
        1
    );
    assert_eq!(found(product, "fn f() { std::println!(\"x\") }"), 1);
    assert_eq!(
        found(product, "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
        1
    );
    assert_eq!(
        found(
            "crates/money/tests/a.rs",
            "#[ignore]\nfn f() { println!() }"
        ),
        1
    );
}

#[test]
fn commands_documentation_and_strings_may_print() {
    let found = |path: &str, text: &str| violations(&[File::example(path, text)]).len();
    assert_eq!(
        found(
            "crates/server/src/cli/audit.rs",
            "fn f() { println!(\"x\") }"
        ),
        0
    );
    assert_eq!(
        found("crates/money/src/lib.rs", "/// println!(\"x\")\nfn f() {}"),
        0
    );
    assert_eq!(
        found(
            "crates/money/src/lib.rs",
            "const A: &str = \"todo!()\"; // dbg!(a)"
        ),
        0
    );
    assert_eq!(
        found(
            "crates/money/src/lib.rs",
            "fn ignore(todo: bool) { if todo != x {} }"
        ),
        0
    );
}
