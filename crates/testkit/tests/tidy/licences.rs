//! Everything we link may be passed on under our own licence: permissive licences, and MPL-2.0, whose
//! terms stay with its own files.

use crate::packages::METADATA;
use crate::tree::assert_none;
use spdx::{Expression, LicenseReq, ParseMode};

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MITNFA",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Exceptions only give more rights than the licence alone.
const ALLOWED_ADDITIONS: &[&str] = &["LLVM-exception"];

fn is_allowed(licence: &LicenseReq) -> bool {
    let known = licence
        .license
        .id()
        .is_some_and(|id| ALLOWED.contains(&id.name));
    let addition = licence.addition.as_ref();
    known && addition.is_none_or(|each| ALLOWED_ADDITIONS.contains(&each.to_string().as_str()))
}

/// What is wrong with a package's licence, if anything is. Old manifests write `MIT/Apache-2.0`.
fn refusal(licence: Option<&str>) -> Option<String> {
    let Some(licence) = licence else {
        return Some("names no licence".to_owned());
    };
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Err(error) => Some(format!(
            "`{licence}` is no SPDX expression: {}",
            error.reason
        )),
        Ok(expression) if expression.evaluate(is_allowed) => None,
        Ok(_) => Some(format!("`{licence}` is not on the list")),
    }
}

#[test]
fn every_dependency_has_a_licence_that_we_may_pass_on() {
    let refused = METADATA.packages.iter().filter_map(|package| {
        let reason = refusal(package.license.as_deref())?;
        Some(format!("{} {}: {reason}", package.name, package.version))
    });
    assert_none("Use another library.", &refused.collect::<Vec<_>>());
}

#[test]
fn one_permitted_way_through_the_expression_is_enough() {
    let permitted = [
        "MIT",
        "MIT/Apache-2.0",
        "MIT OR GPL-3.0-only",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ];
    for licence in permitted {
        assert_eq!(refusal(Some(licence)), None, "{licence}");
    }
}

#[test]
fn other_licences_are_refused() {
    let refused = [
        "GPL-3.0-only",
        "AGPL-3.0-only",
        "MIT AND LGPL-2.1-only",
        "MIT AND (GPL-2.0-only OR AGPL-3.0-only)",
        "LicenseRef-ours",
        "Whatever you like",
        "",
    ];
    for licence in refused {
        assert!(refusal(Some(licence)).is_some(), "{licence}");
    }
    assert!(refusal(None).is_some());
}
