//! Dependencies run one way (ARCHITECTURE.md draws the arrows):
//! `money ← ledger ← payments ← { store, rail-ldk, onchain, webhooks } ← server → { wire, signalr-server,
//! devchain }`. Adapters never see each other, the domain sees no database, network or node, and
//! `testkit` is only ever a dev-dependency.

use crate::packages::{Edge, edges, members};
use crate::tree::assert_none;

/// What each crate of ours may be built on. A new crate needs a row here, and a reason.
const MAY_USE: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("ledger", &["money"]),
    ("payments", &["money", "ledger"]),
    ("store", DOMAIN),
    ("rail-ldk", DOMAIN),
    ("onchain", DOMAIN),
    ("webhooks", DOMAIN),
    ("wire", &[]),
    ("signalr-server", &[]),
    ("devchain", &[]),
    ("server", BELOW_SERVER),
    ("testkit", TESTKIT),
    ("bench", TESTKIT),
];
const DOMAIN: &[&str] = &["money", "ledger", "payments"];
const BELOW_SERVER: &[&str] = &[
    "money",
    "ledger",
    "payments",
    "store",
    "rail-ldk",
    "onchain",
    "webhooks",
    "wire",
    "signalr-server",
    "devchain",
];
const TESTKIT: &[&str] = &[
    "money",
    "ledger",
    "payments",
    "store",
    "rail-ldk",
    "onchain",
    "webhooks",
    "wire",
    "signalr-server",
    "devchain",
    "server",
];

/// What the tests of any crate may use besides.
const TESTS_MAY_USE: &[&str] = &["testkit", "devchain"];

/// Packages of other people with the only crates that may be built on them.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store", "bench"]),
    ("postgres", &["store", "bench"]),
    ("tokio-postgres", &["store"]),
    ("ldk-node", &["rail-ldk", "bench"]),
    ("bdk_wallet", &["onchain"]),
    ("reqwest", &["bench"]),
];

/// Packages that bring threads, sockets or a clock, and the crates that stay pure.
const IO: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "hyper-util",
    "hickory-resolver",
    "tower-http",
];
const PURE: &[&str] = &["money", "ledger", "payments", "wire"];

/// Money and books need nothing but errors; serialisation would freeze their types.
const BARE: &[&str] = &["money", "ledger"];

fn row(name: &str) -> Option<&'static [&'static str]> {
    MAY_USE
        .iter()
        .find(|(each, _)| *each == name)
        .map(|(_, allowed)| *allowed)
}

fn is_ours(name: &str) -> bool {
    row(name).is_some()
}

fn refusal(edge: &Edge) -> Option<&'static str> {
    let (from, to) = (edge.from.as_str(), edge.to.as_str());
    // A crate names itself to switch one of its features on for its own tests.
    if from == to && edge.dev {
        return None;
    }
    if is_ours(to) {
        let allowed = row(from).unwrap_or_default().contains(&to);
        let for_tests = edge.dev && TESTS_MAY_USE.contains(&to);
        return (!allowed && !for_tests).then_some("against the arrows");
    }
    if edge.dev {
        return None;
    }
    let owners = OWNERS.iter().find(|(package, _)| *package == to);
    if owners.is_some_and(|(_, owners)| !owners.contains(&from)) {
        return Some("only its owner may use it");
    }
    if PURE.contains(&from) && IO.contains(&to) {
        return Some("this crate does no IO");
    }
    (BARE.contains(&from) && to != "thiserror").then_some("this crate needs only thiserror")
}

fn violations(members: &[String], edges: &[Edge]) -> Vec<String> {
    let strangers = members.iter().filter(|member| !is_ours(member));
    let mut found: Vec<String> = strangers
        .map(|member| format!("{member}: has no row in MAY_USE"))
        .collect();
    found.extend(edges.iter().filter_map(|edge| {
        let reason = refusal(edge)?;
        Some(format!("{} → {}: {reason}", edge.from, edge.to))
    }));
    found
}

#[test]
fn dependencies_follow_the_arrows() {
    assert_none("See ARCHITECTURE.md.", &violations(&members(), &edges()));
}

#[test]
fn every_wrong_arrow_is_refused() {
    let wrong = [
        ("ledger", "payments"),
        ("payments", "store"),
        ("store", "webhooks"),
        ("rail-ldk", "onchain"),
        ("wire", "payments"),
        ("signalr-server", "money"),
        ("devchain", "ledger"),
        ("store", "testkit"),
        ("server", "testkit"),
        ("server", "rusqlite"),
        ("webhooks", "postgres"),
        ("payments", "tokio"),
        ("ledger", "serde"),
        ("server", "reqwest"),
    ];
    for (from, to) in wrong {
        let found = violations(&[], &[Edge::example(from, to, false)]);
        assert_eq!(found.len(), 1, "{from} → {to}");
    }
    assert_eq!(violations(&["plugins".to_owned()], &[]).len(), 1);
}

#[test]
fn the_arrows_and_what_tests_need_are_allowed() {
    let right = [
        ("ledger", "money", false),
        ("store", "payments", false),
        ("server", "store", false),
        ("testkit", "server", false),
        ("store", "testkit", true),
        ("store", "store", true),
        ("rail-ldk", "devchain", true),
        ("devchain", "reqwest", true),
        ("money", "proptest", true),
        ("store", "rusqlite", false),
    ];
    for (from, to, dev) in right {
        let found = violations(&[], &[Edge::example(from, to, dev)]);
        assert_eq!(found.len(), 0, "{from} → {to}");
    }
    assert_eq!(
        violations(&[], &[Edge::example("store", "webhooks", true)]).len(),
        1
    );
}
