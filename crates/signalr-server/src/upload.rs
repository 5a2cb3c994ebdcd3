//! Streams that a client uploads, as a method reads them.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::error::HubException;
use crate::value::Raw;

/// What arrives on an upload stream.
pub(crate) enum Uploaded {
    Item(Raw),
    /// The client has finished.
    End,
    /// The client gave up, with its error's text.
    Failed(String),
}

/// The receiving end of one stream.
pub(crate) type UploadSource = mpsc::Receiver<Uploaded>;

/// A stream that the client uploads while the method runs.
///
/// It ends when the client completes it. It yields one error, and ends, when the client fails
/// it, an item is no `T`, or the connection ends before the stream does. A method that does not
/// read holds back this client's messages after [`stream_buffer`](crate::HubOptions::stream_buffer)
/// items; dropping the stream discards the rest.
pub struct Upload<T> {
    source: UploadSource,
    over: bool,
    item: PhantomData<fn() -> T>,
}

impl<T> Upload<T> {
    const fn new(source: UploadSource) -> Self {
        Self {
            source,
            over: false,
            item: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Stream for Upload<T> {
    type Item = Result<T, HubException>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = match ready!(self.source.poll_recv(cx)) {
            Some(Uploaded::Item(raw)) => raw
                .decode()
                .map_err(|_| HubException::new("Failed to bind Stream message.")),
            Some(Uploaded::Failed(text)) => Err(HubException::new(text)),
            None => Err(HubException::new("The client disconnected.")),
            Some(Uploaded::End) => {
                self.over = true;
                return Poll::Ready(None);
            }
        };
        self.over = item.is_err();
        Poll::Ready(Some(item))
    }
}

impl<T> std::fmt::Debug for Upload<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

/// The streams that a method takes: one [`Upload`], or a tuple of two or three.
pub trait Uploads: Sized + Send + sealed::Sealed {
    /// How many.
    #[doc(hidden)]
    const COUNT: usize;

    /// Takes as many sources as there are streams; `None` if there are fewer.
    #[doc(hidden)]
    fn take(sources: &mut sealed::Sources) -> Option<Self>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Upload<T> {}

    /// Streams not yet given to a method.
    pub struct Sources(pub(crate) std::vec::IntoIter<super::UploadSource>);
}

impl<T> Uploads for Upload<T> {
    const COUNT: usize = 1;

    fn take(sources: &mut sealed::Sources) -> Option<Self> {
        sources.0.next().map(Self::new)
    }
}

macro_rules! tuples {
    ($($count:literal: $($name:ident)+;)+) => {$(
        impl<$($name),+> sealed::Sealed for ($(Upload<$name>,)+) {}
        impl<$($name),+> Uploads for ($(Upload<$name>,)+) {
            const COUNT: usize = $count;

            fn take(sources: &mut sealed::Sources) -> Option<Self> {
                Some(($(Upload::<$name>::take(sources)?,)+))
            }
        }
    )+};
}
tuples! { 2: A B; 3: A B C; }
