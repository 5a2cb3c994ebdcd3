//! Where a sandbox keeps everything, so that the next process goes on there.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A folder with the chain, the nodes and the books.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// With the books on SQLite.
    pub fn sqlite() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether `leyden audit` says that the books balance.
    pub fn books_balance(&self) -> bool {
        let mut audit = Command::new(env!("CARGO_BIN_EXE_leyden"));
        audit.args(["audit", "--data-dir"]).arg(self.folder());
        let audit = audit.output().expect("the audit runs");
        if !audit.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&audit.stdout));
            eprintln!("{}", String::from_utf8_lossy(&audit.stderr));
        }
        audit.status.success()
    }
}
