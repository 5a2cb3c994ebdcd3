//! Packages that must not be in the tree in any version, or in some versions: each has cost somebody
//! money or does not link beside what we use.

use crate::packages::METADATA;
use crate::tree::assert_none;
use cargo_metadata::semver::{Version, VersionReq};

struct Ban {
    package: &'static str,
    /// Versions that are permitted; nothing matches `<0.0.0`.
    permitted: &'static str,
    reason: &'static str,
}

const NONE: &str = "<0.0.0";

const BANS: &[Ban] = &[
    Ban {
        package: "sqlx",
        permitted: NONE,
        reason: "its SQLite does not link beside ldk-node's (docs/adr)",
    },
    Ban {
        package: "openssl-sys",
        permitted: NONE,
        reason: "TLS is rustls everywhere",
    },
    Ban {
        package: "native-tls",
        permitted: NONE,
        reason: "TLS is rustls everywhere",
    },
    Ban {
        package: "ldk-node",
        permitted: ">=0.7.1",
        reason: "0.7.0 builds on a lightning with known theft bugs",
    },
    Ban {
        package: "lightning",
        permitted: ">=0.2.7",
        reason: "0.2.5 fixed an on-chain theft bug of forwarding nodes; 0.2.2 broke with eclair",
    },
];

fn refusal(package: &str, version: &Version) -> Option<&'static str> {
    let ban = BANS.iter().find(|ban| ban.package == package)?;
    let permitted = VersionReq::parse(ban.permitted).expect("the list is well written");
    (!permitted.matches(version)).then_some(ban.reason)
}

#[test]
fn no_banned_package_is_in_the_tree() {
    let found = METADATA.packages.iter().filter_map(|package| {
        let reason = refusal(package.name.as_str(), &package.version)?;
        Some(format!("{} {}: {reason}", package.name, package.version))
    });
    assert_none(
        "Use another library or version.",
        &found.collect::<Vec<_>>(),
    );
}

#[test]
fn banned_packages_and_versions_are_refused() {
    let refused = |package: &str, version: &str| {
        let version = Version::parse(version).expect("a version");
        refusal(package, &version).is_some()
    };
    assert!(refused("sqlx", "0.8.6") && refused("openssl-sys", "0.9.1"));
    assert!(refused("native-tls", "0.2.14"));
    assert!(refused("ldk-node", "0.7.0") && !refused("ldk-node", "0.7.1"));
    assert!(!refused("ldk-node", "0.8.0"));
    assert!(refused("lightning", "0.2.6") && !refused("lightning", "0.2.7"));
    assert!(!refused("serde", "1.0.0"));
}
