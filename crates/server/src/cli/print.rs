//! What the command line says: answers on standard output, the rest on standard error.

use std::io::Write;

/// A line of an answer. A reader that has gone away is no error.
pub(super) fn answer(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// A line for the person at the terminal.
pub(super) fn note(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// What went wrong.
pub(super) fn error(line: &str) {
    note(&format!("leyden: {line}"));
}
