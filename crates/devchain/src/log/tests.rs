//! A log says again what it was told, or that it cannot.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{FRAME_HEADER, Frame, HEADER, Log, LogError};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.log");
    (folder, path)
}

fn read(path: &Path) -> Result<Vec<Frame>, LogError> {
    Log::open(path).map(|(_, frames)| frames)
}

/// A log of three frames, and where each of them begins.
fn three(path: &Path) -> Vec<u64> {
    let (mut log, frames) = Log::open(path).unwrap();
    assert_eq!(frames, vec![]);
    for payload in [&b"first"[..], &b""[..], &[0u8; 300][..]] {
        log.append(7, payload).unwrap();
    }
    drop(log);
    read(path)
        .unwrap()
        .iter()
        .map(|frame| frame.offset)
        .collect()
}

#[test]
fn what_was_appended_is_read_again() {
    let (_folder, path) = folder();
    three(&path);
    let payloads: Vec<_> = read(&path)
        .unwrap()
        .into_iter()
        .map(|frame| frame.payload)
        .collect();
    assert_eq!(payloads, vec![b"first".to_vec(), vec![], vec![0; 300]]);
}

#[test]
fn a_flipped_bit_before_the_last_frame_is_an_error_and_changes_nothing() {
    let (_folder, path) = folder();
    let offsets = three(&path);
    let sound = fs::read(&path).unwrap();
    for at in HEADER.len()..usize::try_from(offsets[2]).unwrap() {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let expected = offsets
            .iter()
            .rev()
            .find(|offset| **offset <= at as u64)
            .unwrap();
        match read(&path) {
            Err(LogError::Corrupt { offset }) => assert_eq!(offset, *expected),
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

#[test]
fn a_last_frame_that_never_reached_the_disk_is_cut_off() {
    let (_folder, path) = folder();
    let offsets = three(&path);
    let mut bytes = fs::read(&path).unwrap();
    let last = usize::try_from(offsets[2]).unwrap();
    // A power failure may leave the length and lose the pages.
    for lost_from in [
        last,
        last + 3,
        last + FRAME_HEADER,
        last + FRAME_HEADER + 10,
    ] {
        bytes[lost_from..].fill(0xee);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2, "lost from {lost_from}");
        assert_eq!(fs::metadata(&path).unwrap().len(), offsets[2]);
    }
}

#[test]
fn frames_inside_a_payload_are_not_taken_for_frames() {
    let (_folder, path) = folder();
    three(&path);
    let copy = fs::read(&path).unwrap();
    let (mut log, _) = Log::open(&path).unwrap();
    log.append(7, &copy).unwrap();
    drop(log);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(read(&path).unwrap().len(), 3);
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let (_folder, path) = folder();
    for other in ["x", "SQLite format 3", "devchain log 2\n"] {
        fs::write(&path, other).unwrap();
        assert!(matches!(read(&path), Err(LogError::NotALog)), "{other}");
        assert_eq!(fs::read(&path).unwrap(), other.as_bytes());
    }
}

#[test]
fn a_log_killed_at_its_making_is_made_anew() {
    let (_folder, path) = folder();
    for length in 0..HEADER.len() {
        fs::write(&path, &HEADER[..length]).unwrap();
        assert_eq!(read(&path).unwrap(), vec![]);
        assert_eq!(fs::read(&path).unwrap(), HEADER);
    }
}

#[test]
fn after_a_failed_write_nothing_is_appended_any_more() {
    let (_folder, path) = folder();
    three(&path);
    let before = fs::read(&path).unwrap();
    let mut log = Log::failing(&path);
    log.append(7, b"lost").unwrap_err();
    log.file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    log.append(7, b"late").unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    three(&path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
