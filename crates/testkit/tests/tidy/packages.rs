//! The packages that the workspace is built from, as `cargo metadata` tells them. Limited to Linux on
//! x86-64, because cargo would otherwise download what only other systems need.

use crate::tree::root;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::sync::LazyLock;

/// All packages and the members' dependencies, from the lock file as it stands.
pub static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(
            ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned),
        )
        .exec()
        .expect("the lock file is up to date and every package can be read")
});

/// One line of a member's `[dependencies]`.
pub struct Edge {
    /// The member.
    pub from: String,
    /// The package it names: one of ours or anybody's.
    pub to: String,
    /// Only for its tests, examples and benchmarks.
    pub dev: bool,
}

impl Edge {
    /// An edge that exists in a rule's own test only.
    pub fn example(from: &str, to: &str, dev: bool) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            dev,
        }
    }
}

/// Names of our crates.
pub fn members() -> Vec<String> {
    let members = METADATA.workspace_packages();
    members
        .iter()
        .map(|package| package.name.to_string())
        .collect()
}

/// Every direct dependency of our crates.
pub fn edges() -> Vec<Edge> {
    let members = METADATA.workspace_packages();
    let each = members.iter().flat_map(|package| {
        package.dependencies.iter().map(|dependency| Edge {
            from: package.name.to_string(),
            to: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        })
    });
    each.collect()
}

#[test]
fn the_members_and_their_dependencies_are_seen() {
    assert!(members().contains(&"money".to_owned()));
    assert!(
        edges()
            .iter()
            .any(|edge| edge.from == "ledger" && edge.to == "money" && !edge.dev)
    );
    assert!(
        METADATA
            .packages
            .iter()
            .any(|package| package.name.as_str() == "thiserror")
    );
}
