//! CHANGELOG.md is written for people who upgrade: newest first, and in every version what they must do
//! stands before what they may enjoy.

use crate::tree::{FILES, assert_none};
use cargo_metadata::semver::Version;

const FIRST_SECTION: &str = "Compatibility notes";
const SECTIONS: &[&str] = &[
    FIRST_SECTION,
    "Added",
    "Changed",
    "Fixed",
    "Removed",
    "Security",
];

/// `0.2.0 - 2026-11-21`.
fn version(heading: &str) -> Option<Version> {
    let (version, date) = heading.split_once(" - ")?;
    let parts: Vec<&str> = date.split('-').collect();
    let digits = |part: &str, length| part.len() == length && part.parse::<u32>().is_ok();
    let [year, month, day] = parts[..] else {
        return None;
    };
    let well_formed = digits(year, 4) && digits(month, 2) && digits(day, 2);
    well_formed.then(|| Version::parse(version).ok())?
}

fn violations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |line: usize, what: &str| found.push(format!("CHANGELOG.md:{line}: {what}"));
    if text.lines().next() != Some("# Changelog") {
        add(1, "starts with `# Changelog`");
    }
    let mut headings = 0;
    let mut newest: Option<Version> = None;
    let mut at_start = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Some(heading) = line.strip_prefix("## ") {
            headings += 1;
            at_start = true;
            match version(heading) {
                None if headings == 1 && heading == "Unreleased" => {}
                Some(_) if headings == 1 => add(number, "`## Unreleased` comes first"),
                Some(this) => {
                    if newest.as_ref().is_some_and(|newest| *newest <= this) {
                        add(number, "newer versions come first");
                    }
                    newest = Some(this);
                }
                None => add(number, "a version is `## 0.2.0 - 2026-11-21`"),
            }
        } else if let Some(section) = line.strip_prefix("### ") {
            if at_start && section != FIRST_SECTION {
                add(number, "`### Compatibility notes` comes first");
            }
            if !SECTIONS.contains(&section) {
                add(number, "not one of the sections");
            }
            at_start = false;
        }
    }
    if headings == 0 {
        add(1, "has no `## Unreleased`");
    }
    found
}

#[test]
fn the_changelog_has_its_shape() {
    let file = FILES.iter().find(|file| file.path == "CHANGELOG.md");
    let text = &file.expect("there is a CHANGELOG.md").text;
    assert_none(&format!("Sections: {SECTIONS:?}."), &violations(text));
}

#[test]
fn a_good_changelog_passes() {
    let text = "# Changelog\n\n## Unreleased\n\n### Compatibility notes\n\n### Added\n\n\
                ## 0.2.0 - 2026-12-01\n\n### Compatibility notes\n\n## 0.1.0 - 2026-11-21\n";
    assert_eq!(violations(text), Vec::<String>::new());
}

#[test]
fn each_departure_from_the_shape_is_found() {
    let wrong = [
        "# Changes\n## Unreleased\n",
        "# Changelog\n",
        "# Changelog\n## 0.1.0 - 2026-11-21\n",
        "# Changelog\n## Unreleased\n### Added\n",
        "# Changelog\n## Unreleased\n### Compatibility notes\n### Stuff\n",
        "# Changelog\n## Unreleased\n## 0.1.0\n",
        "# Changelog\n## Unreleased\n## 0.1.0 - 21 November\n",
        "# Changelog\n## Unreleased\n## 0.1.0 - 2026-11-21\n## 0.2.0 - 2026-12-01\n",
    ];
    for text in wrong {
        assert_eq!(violations(text).len(), 1, "{text}: {:?}", violations(text));
    }
}
