//! Rust files as tokens and as syntax, with line numbers. Tokens reach into macro calls, which syntax
//! does not; neither sees comments, and doc comments are left out.

use crate::tree::File;
use proc_macro2::{Span, TokenStream, TokenTree};

/// The line a token stands on, counted from 1.
pub fn line(span: Span) -> usize {
    span.start().line
}

/// The file's tokens.
pub fn tokens(file: &File) -> TokenStream {
    file.text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

/// The file's syntax.
pub fn syntax(file: &File) -> syn::File {
    syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

/// Calls `visit` with every flat run of tokens: the file, then each pair of brackets in it, except
/// attributes that hold documentation.
pub fn visit_runs(tokens: TokenStream, visit: &mut impl FnMut(&[TokenTree])) {
    let run: Vec<TokenTree> = tokens.into_iter().collect();
    let is_doc = matches!(run.first(), Some(TokenTree::Ident(word)) if word == "doc")
        && matches!(run.get(1), Some(TokenTree::Punct(sign)) if sign.as_char() == '=');
    if is_doc {
        return;
    }
    visit(&run);
    for token in run {
        if let TokenTree::Group(group) = token {
            visit_runs(group.stream(), visit);
        }
    }
}

#[test]
fn runs_reach_into_macros_and_leave_documentation_out() {
    let file = File::example(
        "a.rs",
        "/// first()\nfn f() { select! { x => { second() } } }",
    );
    let mut words = Vec::new();
    visit_runs(tokens(&file), &mut |run| {
        words.extend(run.iter().filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        }));
    });
    assert_eq!(words, ["fn", "f", "select", "x", "second"]);
}
