//! A test with an empty body proves nothing and still counts as passed.

use crate::rust_code::{line, syntax};
use crate::tree::{FILES, File, assert_none};
use syn::visit::Visit;

#[derive(Default)]
struct EmptyTests {
    found: Vec<(String, usize)>,
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "test")
}

impl<'ast> Visit<'ast> for EmptyTests {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.block.stmts.is_empty() && item.attrs.iter().any(is_test) {
            self.found
                .push((item.sig.ident.to_string(), line(item.sig.fn_token.span)));
        }
        syn::visit::visit_item_fn(self, item);
    }
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let mut tests = EmptyTests::default();
        tests.visit_file(&syntax(file));
        let path = &file.path;
        found.extend(
            tests
                .found
                .iter()
                .map(|(name, line)| format!("{path}:{line}: {name}")),
        );
    }
    found
}

#[test]
fn no_test_is_empty() {
    assert_none("Write the test or delete it.", &violations(&FILES));
}

#[test]
fn empty_tests_of_every_kind_are_found() {
    let found = |text: &str| violations(&[File::example("a.rs", text)]).len();
    assert_eq!(found("#[test]\nfn a() {}"), 1);
    assert_eq!(
        found("mod tests { #[tokio::test]\nasync fn a() { /* later */ } }"),
        1
    );
    assert_eq!(found("#[test]\nfn a() { check() }"), 0);
    assert_eq!(found("fn a() {}"), 0);
}
