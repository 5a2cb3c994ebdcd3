//! A function fits on a screen: 70 lines from `fn` to its last brace. Flat tables may be exceptions.

use crate::rust_code::{line, syntax};
use crate::tree::{FILES, File, assert_none};
use syn::visit::Visit;

const MOST_LINES: usize = 70;

/// A function that may be longer than the others, but not than it is.
struct Exception {
    path: &'static str,
    function: &'static str,
    lines: usize,
}

/// The list only shrinks: an entry that is no longer needed fails too.
const EXCEPTIONS: &[Exception] = &[];

#[derive(Default)]
struct Functions {
    found: Vec<(String, usize, usize)>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = line(signature.fn_token.span);
        let last = line(block.brace_token.span.close());
        self.found
            .push((signature.ident.to_string(), first, last - first + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

fn violations(files: &[File], exceptions: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    let mut used = vec![false; exceptions.len()];
    for file in files.iter().filter(|file| file.is_rust()) {
        let mut functions = Functions::default();
        functions.visit_file(&syntax(file));
        for (name, first, lines) in functions.found {
            if lines <= MOST_LINES {
                continue;
            }
            let exception = exceptions
                .iter()
                .position(|exception| exception.path == file.path && exception.function == name);
            let limit = exception.map_or(MOST_LINES, |index| {
                used[index] = true;
                exceptions[index].lines
            });
            if lines > limit {
                let path = &file.path;
                found.push(format!(
                    "{path}:{first}: `{name}` has {lines} lines, at most {limit}"
                ));
            }
        }
    }
    for (exception, used) in exceptions.iter().zip(used) {
        if !used {
            let Exception { path, function, .. } = exception;
            found.push(format!(
                "{path}: `{function}` needs no exception now, take it off the list"
            ));
        }
    }
    found
}

#[test]
fn no_function_is_too_long() {
    assert_none(
        "Give its parts names of their own.",
        &violations(&FILES, EXCEPTIONS),
    );
}

#[test]
fn long_functions_methods_and_default_methods_are_found() {
    let body = "    x();\n".repeat(69);
    let texts = [
        format!("fn f() {{\n{body}}}\n"),
        format!("impl A {{ fn f() {{\n{body}}} }}\n"),
        format!("trait A {{ fn f() {{\n{body}}} }}\n"),
        format!("fn outer() {{ fn f() {{\n{body}}} }}\n"),
    ];
    for text in texts {
        let found = violations(&[File::example("a.rs", &text)], &[]);
        assert!(
            found.iter().any(|each| each.contains("`f` has 71 lines")),
            "{text}: {found:?}"
        );
    }
    let short = format!("fn f() {{\n{}}}\n", "    x();\n".repeat(68));
    assert_eq!(violations(&[File::example("a.rs", &short)], &[]).len(), 0);
}

#[test]
fn an_exception_must_be_needed_and_does_not_grow() {
    let exception = |lines| Exception {
        path: "a.rs",
        function: "f",
        lines,
    };
    let text = format!("fn f() {{\n{}}}\n", "    x();\n".repeat(78));
    let long = [File::example("a.rs", &text)];
    assert_eq!(violations(&long, &[exception(80)]).len(), 0);
    assert_eq!(violations(&long, &[exception(79)]).len(), 1);
    assert_eq!(
        violations(&[File::example("a.rs", "fn f() {}\n")], &[exception(80)]).len(),
        1
    );
    assert_eq!(violations(&[], &[exception(80)]).len(), 1);
}
