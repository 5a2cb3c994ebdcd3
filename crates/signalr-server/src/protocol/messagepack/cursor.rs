//! Walks over MessagePack without recursion and without allocating.
//!
//! What a length claims is believed only as far as there are bytes, so that a short message
//! that announces four billion elements costs nothing.

use super::super::message::ProtocolError;

/// A place in a message.
pub(super) struct Cursor<'a> {
    left: &'a [u8],
}

type Read<T> = Result<T, ProtocolError>;

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    fn take(&mut self, count: usize, name: &'static str) -> Read<&'a [u8]> {
        let (taken, left) = self
            .left
            .split_at_checked(count)
            .ok_or(ProtocolError::Element(name))?;
        self.left = left;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize, name: &'static str) -> Read<u64> {
        let digits = self.take(bytes, name)?;
        Ok(digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    }

    fn length(&mut self, bytes: usize, name: &'static str) -> Read<usize> {
        usize::try_from(self.number(bytes, name)?).map_err(|_| ProtocolError::Element(name))
    }

    fn marker(&mut self, name: &'static str) -> Read<u8> {
        self.take(1, name).map(|byte| byte[0])
    }

    /// The number of elements of the list that begins here.
    pub(super) fn list(&mut self, name: &'static str) -> Read<usize> {
        match self.marker(name)? {
            marker @ 0x90..=0x9f => Ok(usize::from(marker & 0x0f)),
            0xdc => self.length(2, name),
            0xdd => self.length(4, name),
            _ => Err(ProtocolError::Element(name)),
        }
    }

    /// An unsigned number, in any of its lengths.
    pub(super) fn unsigned(&mut self, name: &'static str) -> Read<u64> {
        let signed = |value: u64, bits: u32| match value >> (bits - 1) {
            0 => Ok(value),
            _ => Err(ProtocolError::Element(name)),
        };
        match self.marker(name)? {
            marker @ 0..=0x7f => Ok(marker.into()),
            0xcc => self.number(1, name),
            0xcd => self.number(2, name),
            0xce => self.number(4, name),
            0xcf => self.number(8, name),
            0xd0 => signed(self.number(1, name)?, 8),
            0xd1 => signed(self.number(2, name)?, 16),
            0xd2 => signed(self.number(4, name)?, 32),
            0xd3 => signed(self.number(8, name)?, 64),
            _ => Err(ProtocolError::Element(name)),
        }
    }

    /// Text, or `None` for nil.
    pub(super) fn text(&mut self, name: &'static str) -> Read<Option<&'a str>> {
        let length = match self.marker(name)? {
            0xc0 => return Ok(None),
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            0xd9 => self.length(1, name)?,
            0xda => self.length(2, name)?,
            0xdb => self.length(4, name)?,
            _ => return Err(ProtocolError::Element(name)),
        };
        let bytes = self.take(length, name)?;
        std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| ProtocolError::Element(name))
    }

    /// The bytes of one whole value, whatever it is.
    pub(super) fn value(&mut self, name: &'static str) -> Read<&'a [u8]> {
        let before = self.left;
        let mut values = 1_usize;
        while values > 0 {
            let inner = self.skip_one(name)?;
            values = (values - 1).saturating_add(inner);
            // Every value has at least one byte.
            if values > self.left.len() {
                return Err(ProtocolError::Element(name));
            }
        }
        Ok(&before[..before.len() - self.left.len()])
    }

    /// Passes a scalar, or the head of a list or map; how many values are inside.
    fn skip_one(&mut self, name: &'static str) -> Read<usize> {
        let (payload, inner) = match self.marker(name)? {
            0..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            marker @ 0x80..=0x8f => (0, 2 * usize::from(marker & 0x0f)),
            marker @ 0x90..=0x9f => (0, usize::from(marker & 0x0f)),
            marker @ 0xa0..=0xbf => (usize::from(marker & 0x1f), 0),
            0xc1 => return Err(ProtocolError::Element(name)),
            0xc4 | 0xd9 => (self.length(1, name)?, 0),
            0xc5 | 0xda => (self.length(2, name)?, 0),
            0xc6 | 0xdb => (self.length(4, name)?, 0),
            0xc7 => (self.length(1, name)? + 1, 0),
            0xc8 => (self.length(2, name)? + 1, 0),
            0xc9 => (self.length(4, name)?.saturating_add(1), 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 => (2, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            marker @ 0xd4..=0xd8 => (1 + (1 << (marker - 0xd4)), 0),
            0xdc => (0, self.length(2, name)?),
            0xdd => (0, self.length(4, name)?),
            0xde => (0, 2 * self.length(2, name)?),
            0xdf => (0, self.length(4, name)?.saturating_mul(2)),
        };
        self.take(payload, name)?;
        Ok(inner)
    }
}
