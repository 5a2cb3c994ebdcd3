//! Cuts a stream of bytes into messages: records that end in `0x1E`, or ones with a length
//! before them.
//!
//! Frames of the transport mean nothing to it: one may hold several messages, or a part of
//! one. It copies what it keeps, so that a waiting remainder never pins a read buffer.

/// Ends every JSON message and the handshake, in both directions.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;

/// An empty buffer larger than this is given back, so that idle connections stay small.
const KEPT_CAPACITY: usize = 4096;

/// The longest length prefix of a MessagePack message.
const MAX_PREFIX: usize = 5;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each ends in `0x1E`.
    Separated,
    /// Each has its length before it, seven bits a byte, lowest first.
    Prefixed,
}

/// Bytes received and not yet handed out.
pub(crate) struct Records {
    buffer: Vec<u8>,
    /// Where the next record starts.
    start: usize,
    /// Everything before this index was already searched for a separator.
    searched: usize,
    limit: usize,
    framing: Framing,
}

/// Bytes in which no message can be found. Nothing can be read after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// A message longer than the limit.
    #[error(
        "The maximum message size of {limit}B was exceeded. \
         The message size can be configured in AddHubOptions."
    )]
    Oversize {
        /// The limit in bytes, framing included.
        limit: usize,
    },
    /// A length of more than five bytes or 2 GiB.
    #[error("Messages over 2GB in size are not supported.")]
    Prefix,
}

impl Records {
    /// `limit` bytes per message, its framing included. Begins separated, for the handshake.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            limit,
            framing: Framing::Separated,
        }
    }

    /// From the next message on.
    pub(crate) const fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// Adds bytes as they came from the transport.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets everything that waits.
    pub(crate) fn clear(&mut self) {
        self.start = self.buffer.len();
        self.give_back();
    }

    /// How many bytes wait, complete messages and the last partial one.
    pub(crate) const fn waiting(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next complete message without its framing, or `None` if more bytes are needed.
    pub(crate) fn next_record(&mut self) -> Result<Option<&[u8]>, RecordError> {
        let found = match self.framing {
            Framing::Separated => self.find_separator()?,
            Framing::Prefixed => self.read_prefix()?,
        };
        let Some((from, to, next)) = found else {
            self.give_back();
            return Ok(None);
        };
        self.start = next;
        self.searched = next;
        Ok(Some(&self.buffer[from..to]))
    }

    /// Where the next message begins and ends, and where the one after it begins.
    fn find_separator(&mut self) -> Result<Option<(usize, usize, usize)>, RecordError> {
        let unsearched = &self.buffer[self.searched..];
        let Some(offset) = unsearched.iter().position(|&b| b == RECORD_SEPARATOR) else {
            self.searched = self.buffer.len();
            return self.fits(self.waiting() + 1).map(|()| None);
        };
        let end = self.searched + offset;
        self.fits(end + 1 - self.start)?;
        Ok(Some((self.start, end, end + 1)))
    }

    fn read_prefix(&self) -> Result<Option<(usize, usize, usize)>, RecordError> {
        let mut length = 0_u64;
        for (index, byte) in self.buffer[self.start..].iter().enumerate() {
            if index == MAX_PREFIX || (index + 1 == MAX_PREFIX && *byte > 7) {
                return Err(RecordError::Prefix);
            }
            length |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let length = usize::try_from(length).map_err(|_| RecordError::Prefix)?;
                let from = self.start + index + 1;
                self.fits(length.saturating_add(index + 1))?;
                let complete = self.buffer.len() - from >= length;
                return Ok(complete.then_some((from, from + length, from + length)));
            }
        }
        Ok(None)
    }

    const fn fits(&self, bytes: usize) -> Result<(), RecordError> {
        if bytes > self.limit {
            return Err(RecordError::Oversize { limit: self.limit });
        }
        Ok(())
    }

    fn give_back(&mut self) {
        if self.waiting() == 0 {
            self.start = 0;
            self.searched = 0;
            self.buffer.clear();
            if self.buffer.capacity() > KEPT_CAPACITY {
                self.buffer = Vec::new();
            }
        }
    }
}

/// Writes the length of a message in front of it.
pub(super) fn prefixed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + MAX_PREFIX);
    let mut length = body.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests;
