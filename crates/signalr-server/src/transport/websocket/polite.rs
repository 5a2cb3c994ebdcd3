//! A socket on which a client that closes without a code is read as one that closed with 1000.
//!
//! The library answers a close with the code that it got, and ASP.NET Core answers one without a
//! code with 1000. So the code is put in where the bytes come in. Only the heads of frames are
//! looked at, and nothing else is ever changed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The opcode of a close, in a frame that is whole.
const CLOSE: u8 = 0x88;
/// The second byte of a masked frame without a payload, and of one with two bytes.
const MASKED_EMPTY: u8 = 0x80;
const MASKED_TWO: u8 = 0x82;
/// 1000, as the payload of a close.
const NORMAL: [u8; 2] = [0x03, 0xe8];
const MASK_BYTES: usize = 4;

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The first byte of a frame.
    Opcode,
    /// The second, after this first one.
    Length { opcode: u8 },
    /// More of the length: so many bytes still, and the number so far.
    LongLength { left: u8, length: u64 },
    /// So many bytes of mask and payload to pass.
    Inside { left: u64 },
    /// The mask of a close without a code.
    Mask { seen: usize, mask: [u8; MASK_BYTES] },
    /// Nothing that follows is looked at.
    Over,
}

/// The socket.
pub(super) struct Polite<S> {
    inner: S,
    at: At,
    /// What was put in and did not fit into the reader's buffer.
    waiting: Vec<u8>,
}

impl<S> Polite<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self {
            inner,
            at: At::Opcode,
            waiting: Vec::new(),
        }
    }
}

impl At {
    /// Goes over bytes that were read. How many of them are to be kept and the payload that
    /// follows them, if a close without a code ended there.
    fn pass(&mut self, bytes: &mut [u8]) -> Option<(usize, [u8; 2])> {
        let mut index = 0;
        while index < bytes.len() {
            let byte = &mut bytes[index];
            index += 1;
            *self = match *self {
                Self::Opcode => Self::Length { opcode: *byte },
                Self::Length { opcode: CLOSE } if *byte == MASKED_EMPTY => {
                    *byte = MASKED_TWO;
                    let mask = [0; MASK_BYTES];
                    Self::Mask { seen: 0, mask }
                }
                Self::Length { .. } if *byte & 0x80 == 0 => Self::Over,
                Self::Length { .. } => match *byte & 0x7f {
                    126 => Self::LongLength { left: 2, length: 0 },
                    127 => Self::LongLength { left: 8, length: 0 },
                    length => Self::inside(length.into()),
                },
                Self::LongLength { left, length } => {
                    let length = length << 8 | u64::from(*byte);
                    match left - 1 {
                        0 => Self::inside(length),
                        left => Self::LongLength { left, length },
                    }
                }
                Self::Inside { left } => {
                    let here = (bytes.len() - index + 1) as u64;
                    let passed = left.min(here);
                    index += passed as usize - 1;
                    match left - passed {
                        0 => Self::Opcode,
                        left => Self::Inside { left },
                    }
                }
                Self::Mask { seen, mut mask } => {
                    mask[seen] = *byte;
                    if seen + 1 == MASK_BYTES {
                        *self = Self::Over;
                        return Some((index, [NORMAL[0] ^ mask[0], NORMAL[1] ^ mask[1]]));
                    }
                    let seen = seen + 1;
                    Self::Mask { seen, mask }
                }
                Self::Over => return None,
            };
        }
        None
    }

    const fn inside(payload: u64) -> Self {
        let left = payload.saturating_add(MASK_BYTES as u64);
        Self::Inside { left }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Polite<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.waiting.is_empty() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
            let Some((kept, payload)) = self.at.pass(&mut buf.filled_mut()[before..]) else {
                return Poll::Ready(Ok(()));
            };
            // A client says nothing after its close.
            buf.set_filled(before + kept);
            self.waiting.extend_from_slice(&payload);
        }
        let fits = buf.remaining().min(self.waiting.len());
        buf.put_slice(&self.waiting[..fits]);
        self.waiting.drain(..fits);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Polite<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![opcode];
        match payload.len() {
            length @ 0..=125 => out.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                out.push(0x80 | 126);
                out.extend((length as u16).to_be_bytes());
            }
            length => {
                out.push(0x80 | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
        out
    }

    /// What is read when the bytes come in pieces of that size into a buffer of that size.
    async fn read(bytes: &[u8], piece: usize, buffer: usize) -> Vec<u8> {
        let mut builder = tokio_test_io(bytes, piece);
        let mut socket = Polite::new(&mut builder);
        let (mut out, mut part) = (Vec::new(), vec![0; buffer]);
        loop {
            match socket.read(&mut part).await.unwrap() {
                0 => return out,
                count => out.extend_from_slice(&part[..count]),
            }
        }
    }

    /// A reader that gives so many bytes at once.
    fn tokio_test_io(bytes: &[u8], piece: usize) -> impl AsyncRead + Unpin {
        struct Pieces(Vec<u8>, usize, usize);
        impl AsyncRead for Pieces {
            fn poll_read(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let from = self.1;
                let to = (from + self.2.min(buf.remaining())).min(self.0.len());
                buf.put_slice(&self.0[from..to]);
                self.1 = to;
                Poll::Ready(Ok(()))
            }
        }
        Pieces(bytes.to_vec(), 0, piece)
    }

    proptest! {
        #[test]
        fn only_a_close_without_a_code_is_changed(
            lengths in prop::collection::vec(0_usize..70_000, 0..4),
            piece in 1_usize..5_000,
            buffer in 1_usize..5_000,
            coded in any::<bool>(),
        ) {
            let data: Vec<u8> = lengths
                .iter()
                .flat_map(|length| frame(0x82, &vec![0x88; *length]))
                .collect();
            let close = frame(CLOSE, if coded { &[0x0f, 0xa0, b'x'] } else { &[] });
            let expected = if coded { close.clone() } else { frame(CLOSE, &NORMAL) };
            let bytes = [&data[..], &close].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let seen = runtime.block_on(read(&bytes, piece, buffer));
            prop_assert_eq!(seen, [&data[..], &expected].concat());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            At::Opcode.pass(&mut bytes.clone());
        }
    }
}
