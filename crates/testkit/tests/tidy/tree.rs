//! The files of the checkout: those that git tracks, and new ones that it does not ignore.
//! Build output and downloaded packages are ignored by git, so no rule sees them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// One file of the checkout.
pub struct File {
    /// From the root, with forward slashes.
    pub path: String,
    /// In bytes.
    pub size: usize,
    /// Empty when the file is not UTF-8.
    pub text: String,
}

impl File {
    /// A file that exists in a rule's own test only.
    pub fn example(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            size: text.len(),
            text: text.to_owned(),
        }
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// What follows the last dot of the name; empty for `Makefile` and `.gitignore`.
    pub fn extension(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension,
            _ => "",
        }
    }

    /// A script without an extension, told by its first line.
    pub fn is_script(&self) -> bool {
        self.extension().is_empty() && self.text.starts_with("#!")
    }

    /// Written by people in a programming language, so that limits of length apply.
    pub fn is_source(&self) -> bool {
        let known = [
            "rs", "ts", "tsx", "js", "mjs", "py", "sql", "sh", "css", "html",
        ];
        known.contains(&self.extension()) || self.is_script()
    }

    /// Rust.
    pub fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Rust that ends up in a library or the binary: `crates/*/src`.
    pub fn is_rust_of_the_product(&self) -> bool {
        let mut parts = self.path.split('/');
        self.is_rust() && parts.next() == Some("crates") && parts.nth(1) == Some("src")
    }
}

/// Every file of the checkout, sorted by path.
pub static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let root = root();
    let listed = git(&[
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let files: Vec<File> = paths
        .into_iter()
        // A file that was deleted and not yet committed is still listed.
        .filter_map(|path| Some((path, std::fs::read(root.join(path)).ok()?)))
        .map(|(path, bytes)| File {
            path: path.to_owned(),
            size: bytes.len(),
            text: String::from_utf8(bytes).unwrap_or_default(),
        })
        .collect();
    assert!(
        files.iter().any(|file| file.path == "Cargo.toml"),
        "git lists no Cargo.toml"
    );
    files
});

/// The root of the checkout. Cargo runs tests in the folder of their crate, `crates/testkit`.
pub fn root() -> PathBuf {
    let here = std::env::current_dir().expect("the crate's folder exists");
    let root = here.ancestors().nth(2).expect("the crate lies in crates/");
    root.to_owned()
}

/// The output of a git command that only reads.
pub fn git(arguments: &[&str]) -> String {
    let output = Command::new("git")
        // CI may run as another user than the one who owns the checkout.
        .args(["-c", "safe.directory=*", "-c", "core.quotePath=false"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("git is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("paths are UTF-8")
}

/// Fails with every violation at once, and with what to do about them.
pub fn assert_none(advice: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} of them. {advice}\n  {}",
        violations.len(),
        violations.join("\n  ")
    );
}

#[test]
fn extensions_and_kinds_are_told_apart() {
    let rust = File::example("crates/store/src/tx.rs", "");
    assert_eq!((rust.extension(), rust.name()), ("rs", "tx.rs"));
    assert!(rust.is_rust_of_the_product() && rust.is_source());
    assert!(!File::example("crates/store/tests/tx.rs", "").is_rust_of_the_product());
    assert_eq!(File::example(".gitignore", "").extension(), "");
    assert!(File::example("scripts/test", "#!/usr/bin/env bash\n").is_source());
    assert!(!File::example("LICENSE-MIT", "MIT").is_source());
}

#[test]
fn the_listing_sees_this_very_file_and_no_build_output() {
    assert!(
        FILES
            .iter()
            .any(|file| file.path == "crates/testkit/tests/tidy/tree.rs")
    );
    assert!(!FILES.iter().any(|file| file.path.starts_with("target/")));
}
