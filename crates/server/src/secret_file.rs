//! Files that hold secrets: the node's seed, the admin token, the sandbox's credentials.
//!
//! They are made with mode 0600, written whole or not at all, and never logged.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use payments::ports::Entropy;

/// Why a secret cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {what}", .path.display())]
pub struct SecretFileError {
    path: PathBuf,
    what: &'static str,
    #[source]
    source: std::io::Error,
}

/// Makes a folder that only its owner can enter, with its parents; one that is there stays as it is.
///
/// # Errors
/// [`SecretFileError`].
pub fn private_folder(path: &Path) -> Result<(), SecretFileError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| SecretFileError {
            path: path.to_owned(),
            what: "made",
            source,
        })
}

/// Reads a secret file; `None` when there is none.
///
/// # Errors
/// [`SecretFileError`].
pub fn read(path: &Path) -> Result<Option<String>, SecretFileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SecretFileError {
            path: path.to_owned(),
            what: "read",
            source,
        }),
    }
}

/// Writes a secret file: beside it first, then in its place, and durable when this returns.
///
/// # Errors
/// [`SecretFileError`].
pub fn write(path: &Path, text: &str) -> Result<(), SecretFileError> {
    replace(path, text).map_err(|source| SecretFileError {
        path: path.to_owned(),
        what: "written",
        source,
    })
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Writes a secret file only if there is none.
fn create(path: &Path, text: &str) -> Result<(), SecretFileError> {
    let failed = |source| SecretFileError {
        path: path.to_owned(),
        what: "written",
        source,
    };
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    replace(&beside, text).map_err(failed)?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}

/// `BYTES` random bytes in hexadecimal from a file that is made when it does not exist.
///
/// # Errors
/// [`SecretFileError`]; also when the file holds anything else.
pub fn hex_or_new<const BYTES: usize>(
    path: &Path,
    entropy: &dyn Entropy,
) -> Result<[u8; BYTES], SecretFileError> {
    let mut bytes = [0; BYTES];
    match read(path)? {
        Some(text) => {
            hex::decode_to_slice(text.trim(), &mut bytes).map_err(|error| SecretFileError {
                path: path.to_owned(),
                what: "understood",
                source: std::io::Error::new(ErrorKind::InvalidData, error),
            })?;
        }
        None => {
            entropy.fill(&mut bytes);
            create(path, &hex::encode(bytes))?;
            // Another process may have been first: what stands there counts.
            return hex_or_new(path, entropy);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use payments::ports::SystemEntropy;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seed");
        let first: [u8; 64] = hex_or_new(&path, &SystemEntropy).expect("made");
        let second: [u8; 64] = hex_or_new(&path, &SystemEntropy).expect("read");
        assert_eq!(first, second);
        let mode = std::fs::metadata(&path)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_first_of_two_that_make_a_secret_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seed");
        create(&path, "first").expect("made");
        create(&path, "second").expect("left as it is");
        assert_eq!(read(&path).expect("read").as_deref(), Some("first"));
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1
        );
    }

    #[test]
    fn a_file_that_is_no_secret_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seed");
        std::fs::write(&path, "hello").expect("a file");
        assert!(hex_or_new::<64>(&path, &SystemEntropy).is_err());
        assert_eq!(read(&path).expect("read").as_deref(), Some("hello"));
    }
}
