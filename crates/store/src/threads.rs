//! Starting and ending the threads that hold the connections.
//!
//! They are threads of the operating system, so that a blocking call from inside an async runtime
//! cannot starve the work that it waits for.

use std::io;
use std::thread::{Builder, JoinHandle};

pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

/// Waits until each has ended, except the caller itself: the last handle to a store may be dropped
/// on one of the store's own threads.
pub(crate) fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    let own = std::thread::current().id();
    for thread in threads {
        if thread.thread().id() != own && thread.join().is_err() {
            tracing::error!("a thread of the store ended with a panic");
        }
    }
}
