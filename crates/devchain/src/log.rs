//! The file under a persistent chain: frames that are only ever appended.
//!
//! A frame is durable when `append` returns. A frame cut short by a kill or a power failure can
//! only be the last one and is cut off at the next start; a bad frame with a good one behind it
//! is corruption and an error. It must never guess at what a damaged frame might have held.
//!
//! Layout: `HEADER`, then frames of magic (4), kind (1), payload length (8, little endian),
//! payload checksum (8), check of offset and these fields (4), payload.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bitcoin::hashes::{Hash, HashEngine, sha256};

const HEADER: &[u8] = b"devchain log 1\n";
const MAGIC: [u8; 4] = [0xf1, b'd', b'c', 0x1f];
const FRAME_HEADER: usize = 4 + 1 + 8 + 8 + 4;

/// A frame as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) offset: u64,
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("locked")]
    Locked,
    #[error("not a log")]
    NotALog,
    #[error("bad frame at {offset}")]
    Corrupt { offset: u64 },
}

/// An open log. The file is locked as long as it lives.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    length: u64,
    /// After a failed sync nobody knows what the disk holds: nothing is appended any more.
    broken: bool,
}

impl Log {
    /// Opens or makes the file, locks it, and reads what it holds. A torn tail is cut off.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Frame>), LogError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LogError::Locked,
            TryLockError::Error(error) => LogError::Io(error),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() < HEADER.len() && HEADER.starts_with(&bytes) {
            file.set_len(0)?;
            write_durably(&mut file, 0, HEADER)?;
            sync_parent(path)?;
            bytes = HEADER.to_vec();
        }
        if !bytes.starts_with(HEADER) {
            return Err(LogError::NotALog);
        }
        let (frames, end) = read_frames(&bytes)?;
        if end < bytes.len() {
            tracing::warn!(cut_off = bytes.len() - end, "the log ended in a torn frame");
            file.set_len(end as u64)?;
            file.sync_all()?;
        }
        Ok((
            Self {
                file,
                length: end as u64,
                broken: false,
            },
            frames,
        ))
    }

    /// Appends a frame. When it returns, the frame survives a power failure.
    pub(crate) fn append(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed"));
        }
        let mut frame = frame_header(self.length, kind, payload).to_vec();
        frame.extend_from_slice(payload);
        self.broken = true;
        write_durably(&mut self.file, self.length, &frame)?;
        self.broken = false;
        self.length += frame.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
impl Log {
    /// A log whose next write fails, as on a full disk.
    pub(crate) fn failing(path: &Path) -> Self {
        let file = File::open(path).expect("the file is there");
        Self {
            file,
            length: 0,
            broken: false,
        }
    }
}

fn write_durably(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Makes the name of a new file durable, where the system lets a folder be opened.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn frame_header(offset: u64, kind: u8, payload: &[u8]) -> [u8; FRAME_HEADER] {
    let mut header = [0u8; FRAME_HEADER];
    header[..4].copy_from_slice(&MAGIC);
    header[4] = kind;
    header[5..13].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    header[13..21].copy_from_slice(&sha256::Hash::hash(payload).to_byte_array()[..8]);
    let check = header_check(offset, &header[..21]);
    header[21..].copy_from_slice(&check);
    header
}

/// The offset is part of the check, so that no payload can pass for a frame.
fn header_check(offset: u64, fields: &[u8]) -> [u8; 4] {
    let mut engine = sha256::Hash::engine();
    engine.input(&offset.to_le_bytes());
    engine.input(fields);
    let hash = sha256::Hash::from_engine(engine).to_byte_array();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// All frames, and where the last of them ends.
fn read_frames(bytes: &[u8]) -> Result<(Vec<Frame>, usize), LogError> {
    let mut frames = Vec::new();
    let mut offset = HEADER.len();
    while offset < bytes.len() {
        let Some(frame) = frame_at(bytes, offset) else {
            let behind = offset + 1..bytes.len();
            return if behind
                .into_iter()
                .any(|later| frame_at(bytes, later).is_some())
            {
                Err(LogError::Corrupt {
                    offset: offset as u64,
                })
            } else {
                Ok((frames, offset))
            };
        };
        offset += FRAME_HEADER + frame.payload.len();
        frames.push(frame);
    }
    Ok((frames, offset))
}

/// The frame that begins here, if it is whole and sound.
fn frame_at(bytes: &[u8], offset: usize) -> Option<Frame> {
    let rest = bytes.get(offset..)?;
    let header = rest.get(..FRAME_HEADER)?;
    if header[..4] != MAGIC || header[21..] != header_check(offset as u64, &header[..21]) {
        return None;
    }
    let length = u64::from_le_bytes(header[5..13].try_into().ok()?);
    let payload = rest[FRAME_HEADER..].get(..usize::try_from(length).ok()?)?;
    let sound = header[13..21] == sha256::Hash::hash(payload).to_byte_array()[..8];
    sound.then(|| Frame {
        offset: offset as u64,
        kind: header[4],
        payload: payload.to_vec(),
    })
}
