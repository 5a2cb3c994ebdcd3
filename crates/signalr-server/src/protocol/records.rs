//! Cuts a stream of bytes into records that end in `0x1E`.
//!
//! Frames of the transport mean nothing to it: one may hold several records, or a part of
//! one. It copies what it keeps, so that a waiting remainder never pins a read buffer.

/// Ends every JSON message and the handshake, in both directions.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;

/// An empty buffer larger than this is given back, so that idle connections stay small.
const KEPT_CAPACITY: usize = 4096;

/// Bytes received and not yet handed out.
pub(crate) struct Records {
    buffer: Vec<u8>,
    /// Where the next record starts.
    start: usize,
    /// Everything before this index was already searched for a separator.
    searched: usize,
    limit: usize,
}

/// A record longer than the limit. Nothing can be read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The maximum message size of {limit}B was exceeded. \
     The message size can be configured in AddHubOptions."
)]
pub(crate) struct Oversize {
    /// The limit in bytes, separator included.
    pub(crate) limit: usize,
}

impl Records {
    /// `limit` bytes per record, its separator included.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            limit,
        }
    }

    /// Adds bytes as they came from the transport.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait, complete records and the last partial one.
    pub(crate) const fn waiting(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next complete record without its separator, or `None` if more bytes are needed.
    pub(crate) fn next_record(&mut self) -> Result<Option<&[u8]>, Oversize> {
        let oversize = Oversize { limit: self.limit };
        let unsearched = &self.buffer[self.searched..];
        let Some(offset) = unsearched.iter().position(|&b| b == RECORD_SEPARATOR) else {
            self.searched = self.buffer.len();
            if self.waiting() >= self.limit {
                return Err(oversize);
            }
            self.give_back();
            return Ok(None);
        };
        let (start, end) = (self.start, self.searched + offset);
        if end + 1 - start > self.limit {
            return Err(oversize);
        }
        self.start = end + 1;
        self.searched = self.start;
        Ok(Some(&self.buffer[start..end]))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(records: &mut Records) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            out.push(record.to_vec());
        }
        out
    }

    #[test]
    fn the_limit_counts_the_separator() {
        let mut records = Records::new(4);
        records.push(b"abc\x1e");
        assert_eq!(records.next_record().unwrap(), Some(&b"abc"[..]));
        records.push(b"abcd\x1e");
        assert_eq!(records.next_record(), Err(Oversize { limit: 4 }));
    }

    #[test]
    fn an_oversize_record_is_noticed_before_its_end() {
        let mut records = Records::new(4);
        records.push(b"abc");
        assert_eq!(records.next_record().unwrap(), None);
        records.push(b"d");
        assert_eq!(records.next_record(), Err(Oversize { limit: 4 }));
    }

    #[test]
    fn a_drained_buffer_is_given_back() {
        let mut records = Records::new(1 << 20);
        records.push(&vec![b'a'; 100_000]);
        records.push(b"\x1e");
        assert_eq!(records.next_record().unwrap().unwrap().len(), 100_000);
        assert_eq!(records.next_record().unwrap(), None);
        assert_eq!(records.buffer.capacity(), 0);
    }

    proptest! {
        #[test]
        fn cutting_does_not_depend_on_how_the_bytes_arrived(
            texts in prop::collection::vec("[a-z]{0,9}", 0..12),
            cut in 1_usize..7,
        ) {
            let mut bytes = Vec::new();
            for text in &texts {
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(RECORD_SEPARATOR);
            }
            let mut records = Records::new(64);
            let mut seen = Vec::new();
            for piece in bytes.chunks(cut) {
                records.push(piece);
                seen.extend(all(&mut records));
            }
            let expected: Vec<Vec<u8>> = texts.iter().map(|t| t.clone().into_bytes()).collect();
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(records.waiting(), 0);
        }
    }
}
