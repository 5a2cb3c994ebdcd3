//! Names say what a thing is. Words that fit everything say nothing, and gather code that has no home.
//! Only names that we declare are looked at: other people's types are called what they are called, and
//! what speaks of LDK's `ChannelManager` may use its full name.

use crate::rust_code::{line, syntax};
use crate::tree::{FILES, File, assert_none};
use syn::visit::Visit;

const BANNED: &[&str] = &[
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "common",
    "processor",
];

/// The words of `CamelCase`, `snake_case` and `kebab-case` names, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in name.chars() {
        let starts_word = letter.is_uppercase() && after_lower;
        if !letter.is_alphanumeric() || starts_word {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            let word = words.last_mut().expect("there is one from the start");
            word.extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words
}

fn is_banned(name: &str) -> bool {
    let words = words(name);
    let ldk =
        |index: usize| index > 0 && words[index] == "manager" && words[index - 1] == "channel";
    let banned = |(index, word): (usize, &String)| BANNED.contains(&word.as_str()) && !ldk(index);
    words.iter().enumerate().any(banned)
}

#[derive(Default)]
struct Declared {
    names: Vec<(String, usize)>,
}

impl Declared {
    fn add(&mut self, name: &syn::Ident) {
        self.names.push((name.to_string(), line(name.span())));
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Const(item) => self.add(&item.ident),
            syn::Item::Enum(item) => self.add(&item.ident),
            syn::Item::Mod(item) => self.add(&item.ident),
            syn::Item::Static(item) => self.add(&item.ident),
            syn::Item::Struct(item) => self.add(&item.ident),
            syn::Item::Trait(item) => self.add(&item.ident),
            syn::Item::Type(item) => self.add(&item.ident),
            _ => {}
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.add(&signature.ident);
        syn::visit::visit_signature(self, signature);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.add(&variant.ident);
        syn::visit::visit_variant(self, variant);
    }
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let path = &file.path;
        if path.split('/').any(is_banned) {
            found.push(format!("{path}: the name of the file"));
        }
        if file.is_rust() {
            let mut declared = Declared::default();
            declared.visit_file(&syntax(file));
            let banned = declared.names.iter().filter(|(name, _)| is_banned(name));
            found.extend(banned.map(|(name, line)| format!("{path}:{line}: {name}")));
        }
    }
    found
}

#[test]
fn no_name_is_one_that_fits_everything() {
    assert_none("Name it for the one thing it does.", &violations(&FILES));
}

#[test]
fn names_are_split_into_words() {
    assert_eq!(words("HTTPManagerTwo"), ["httpmanager", "two"]);
    assert_eq!(words("ChannelManager"), ["channel", "manager"]);
    assert_eq!(words("time_utils.rs"), ["time", "utils", "rs"]);
    assert!(!is_banned("commonwealth") && !is_banned("Utility"));
    assert!(!is_banned("ChannelManagerMark") && !is_banned("read_channel_manager"));
    assert!(is_banned("ManagerMark") && is_banned("ChannelUtil"));
}

#[test]
fn banned_declarations_and_files_are_found_and_uses_are_not() {
    let found = |path: &str, text: &str| violations(&[File::example(path, text)]).len();
    assert_eq!(found("a.rs", "struct KeyManager;"), 1);
    assert_eq!(found("a.rs", "mod m { impl A { fn test_helper() {} } }"), 1);
    assert_eq!(found("a.rs", "enum E { Processor }\ntype Utils = u8;"), 2);
    assert_eq!(found("crates/money/src/utils.rs", ""), 1);
    assert_eq!(found("crates/money/tests/common/mod.rs", ""), 1);
    assert_eq!(found("console/src/helpers.ts", ""), 1);
    assert_eq!(
        found(
            "a.rs",
            "use lightning::ChannelManager; fn f(m: ChannelManager) {}"
        ),
        0
    );
}
