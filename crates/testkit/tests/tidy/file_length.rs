//! Source files stay short enough to read in one go: 600 lines at most, 90 of 100 within 360. Longer
//! files mostly hold tests that belong in `foo/tests.rs`, or a whole layer instead of one thing.

use crate::tree::{FILES, File, assert_none};

const MOST_LINES: usize = 600;
const P90_LINES: usize = 360;

/// Files that may be longer, with their length. The list only shrinks: an entry that is no longer
/// needed fails too.
const EXCEPTIONS: &[(&str, usize)] = &[];

fn violations(files: &[File], exceptions: &[(&str, usize)]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let lines = file.text.lines().count();
        let exception = exceptions.iter().find(|(path, _)| *path == file.path);
        let limit = exception.map_or(MOST_LINES, |(_, lines)| *lines);
        if lines > limit {
            found.push(format!("{}: {lines} lines, at most {limit}", file.path));
        }
    }
    for (path, _) in exceptions {
        let needed = files
            .iter()
            .any(|file| file.path == *path && file.text.lines().count() > MOST_LINES);
        if !needed {
            found.push(format!("{path}: is short enough now, take it off the list"));
        }
    }
    found
}

/// The median and the 90th percentile of the lengths of Rust files.
fn spread(files: &[File]) -> (usize, usize) {
    let rust = files.iter().filter(|file| file.is_rust());
    let mut lengths: Vec<usize> = rust.map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let at = |part: usize| {
        lengths
            .get(lengths.len() * part / 100)
            .copied()
            .unwrap_or(0)
    };
    (at(50), at(90))
}

#[test]
fn no_source_file_is_too_long() {
    let (median, p90) = spread(&FILES);
    let advice = format!("Split by thing, or move the tests out. Now: median {median}, p90 {p90}.");
    assert_none(&advice, &violations(&FILES, EXCEPTIONS));
}

#[test]
fn nine_of_ten_rust_files_are_short() {
    let (median, p90) = spread(&FILES);
    assert!(
        p90 <= P90_LINES,
        "p90 is {p90} lines (median {median}), at most {P90_LINES}"
    );
}

#[test]
fn a_file_over_the_limit_is_found_and_an_exception_must_be_needed() {
    let long = [File::example("a.rs", &"x\n".repeat(601))];
    let short = [File::example("a.rs", &"x\n".repeat(600))];
    assert_eq!(violations(&long, &[]).len(), 1);
    assert_eq!(violations(&long, &[("a.rs", 601)]).len(), 0);
    assert_eq!(violations(&long, &[("a.rs", 600)]).len(), 1);
    assert_eq!(violations(&short, &[]).len(), 0);
    assert_eq!(violations(&short, &[("a.rs", 650)]).len(), 1);
    assert_eq!(violations(&short, &[("gone.rs", 650)]).len(), 1);
}

#[test]
fn the_spread_is_taken_of_all_rust_files() {
    let files: Vec<File> = (1..=100)
        .map(|lines| File::example("a.rs", &"x\n".repeat(lines)))
        .collect();
    assert_eq!(spread(&files), (51, 91));
    assert_eq!(spread(&[]), (0, 0));
}
