//! Every Rust file under `src` is a module of its crate. The compiler says nothing about a file that no
//! `mod` names, and its tests never run.

use crate::rust_code::syntax;
use crate::tree::{FILES, File, assert_none};
use std::collections::HashSet;
use syn::visit::Visit;

/// Paths, without `.rs` or `/mod.rs`, of the modules that one file declares.
struct Declared {
    folder: String,
    modules: HashSet<String>,
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let inner = format!("{}/{}", self.folder, item.ident);
        self.modules.insert(inner.clone());
        let outer = std::mem::replace(&mut self.folder, inner);
        syn::visit::visit_item_mod(self, item);
        self.folder = outer;
    }
}

fn is_root(path: &str) -> bool {
    let within = path.splitn(4, '/').nth(3).unwrap_or_default();
    ["lib.rs", "main.rs"].contains(&within) || within.starts_with("bin/")
}

/// `crates/a/src/b/mod.rs` and `crates/a/src/b.rs` are both `crates/a/src/b`.
fn module(path: &str) -> &str {
    let path = path.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path)
}

fn violations(files: &[File]) -> Vec<String> {
    let product: Vec<&File> = files
        .iter()
        .filter(|file| file.is_rust_of_the_product())
        .collect();
    let mut modules = HashSet::new();
    for file in &product {
        let folder = match file.path.rsplit_once('/') {
            Some((folder, _)) if is_root(&file.path) => folder,
            _ => module(&file.path),
        };
        let mut declared = Declared {
            folder: folder.to_owned(),
            modules: HashSet::new(),
        };
        declared.visit_file(&syntax(file));
        modules.extend(declared.modules);
    }
    product
        .iter()
        .filter(|file| !is_root(&file.path) && !modules.contains(module(&file.path)))
        .map(|file| file.path.clone())
        .collect()
}

#[test]
fn every_file_is_part_of_its_crate() {
    assert_none("Declare it with `mod`, or delete it.", &violations(&FILES));
}

#[test]
fn a_file_that_nobody_declares_is_found() {
    let lib = File::example("crates/a/src/lib.rs", "mod b; mod inline { mod e; }");
    let b = File::example("crates/a/src/b/mod.rs", "mod c;");
    let c = File::example("crates/a/src/b/c.rs", "#[cfg(test)] mod tests;");
    let tests = File::example("crates/a/src/b/c/tests.rs", "");
    let e = File::example("crates/a/src/inline/e.rs", "");
    let dead = File::example("crates/a/src/c.rs", "");
    let elsewhere = File::example("crates/a/tests/it.rs", "");
    let found = violations(&[lib, b, c, tests, e, dead, elsewhere]);
    assert_eq!(found, ["crates/a/src/c.rs"]);
}
