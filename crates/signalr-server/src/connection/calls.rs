//! What is going on between a connection's two sides: calls that can be cancelled, streams
//! that are uploaded, and calls to the client that wait for its answer.
//!
//! Ids are per direction: a client's call and a server's may have the same. Ids that are not
//! here were never, or are no longer: whatever names them is ignored.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::protocol::Outcome;
use crate::upload::{UploadSource, Uploaded};

/// The tables of one connection.
#[derive(Default)]
pub(crate) struct Calls {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    running: HashMap<String, CancellationToken>,
    uploads: HashMap<String, mpsc::Sender<Uploaded>>,
    asked: HashMap<String, oneshot::Sender<Outcome>>,
    /// How many calls went to the client.
    asked_before: u64,
    /// The connection has ended: nothing new begins.
    closed: bool,
}

/// A call or its streams cannot begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// The id is in use.
    InUse,
    /// As many run as may.
    TooMany,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call that can be cancelled by its id, with the streams that belong to it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        id: Option<&str>,
        stream_ids: &[String],
        limits: Limits,
    ) -> Result<(Begun, Vec<UploadSource>), NotBegun> {
        let mut tables = self.lock();
        if tables.running.len() + tables.uploads.len() + stream_ids.len() >= limits.open {
            return Err(NotBegun::TooMany);
        }
        if stream_ids.iter().any(|id| tables.uploads.contains_key(id)) {
            return Err(NotBegun::InUse);
        }
        let cancelled = CancellationToken::new();
        if let Some(id) = id {
            match tables.running.entry(id.to_owned()) {
                Entry::Occupied(_) => return Err(NotBegun::InUse),
                Entry::Vacant(entry) => entry.insert(cancelled.clone()),
            };
        }
        let sources = stream_ids.iter().map(|id| {
            let (sender, source) = mpsc::channel(limits.buffer.max(1));
            tables.uploads.insert(id.clone(), sender);
            source
        });
        let sources = sources.collect();
        drop(tables);
        let begun = Begun {
            calls: Arc::clone(self),
            id: id.map(str::to_owned),
            stream_ids: stream_ids.to_vec(),
            cancelled,
        };
        Ok((begun, sources))
    }

    /// Cancels the call of that id.
    pub(crate) fn cancel(&self, id: &str) {
        if let Some(cancelled) = self.lock().running.get(id) {
            cancelled.cancel();
        }
    }

    /// Where items of that stream go.
    pub(crate) fn upload(&self, id: &str) -> Option<mpsc::Sender<Uploaded>> {
        self.lock().uploads.get(id).cloned()
    }

    /// The last thing about that stream: whoever has the sender may send its end.
    pub(crate) fn end_upload(&self, id: &str) -> Option<mpsc::Sender<Uploaded>> {
        self.lock().uploads.remove(id)
    }

    /// Begins a call to the client. `None` if the connection has ended.
    pub(crate) fn ask(self: &Arc<Self>) -> Option<Asked> {
        let mut tables = self.lock();
        tables.asked_before += 1;
        let id = tables.asked_before.to_string();
        drop(tables);
        self.ask_as(id)
    }

    /// The same under an id of somebody else's choice.
    pub(crate) fn ask_as(self: &Arc<Self>, id: String) -> Option<Asked> {
        let (sender, answer) = oneshot::channel();
        let mut tables = self.lock();
        if tables.closed {
            return None;
        }
        tables.asked.insert(id.clone(), sender);
        drop(tables);
        Some(Asked {
            calls: Arc::clone(self),
            id,
            answer,
        })
    }

    /// The client's answer to a call of ours; whether one of that id was waiting.
    pub(crate) fn answer(&self, id: &str, outcome: Outcome) -> Result<(), Outcome> {
        match self.lock().asked.remove(id) {
            Some(waiting) => {
                // Whoever asked may have stopped waiting.
                drop(waiting.send(outcome));
                Ok(())
            }
            None => Err(outcome),
        }
    }

    /// The connection has ended: streams break off, and nobody waits for an answer any more.
    pub(crate) fn close(&self) {
        let mut tables = self.lock();
        tables.closed = true;
        let running = std::mem::take(&mut tables.running);
        tables.uploads = HashMap::new();
        tables.asked = HashMap::new();
        drop(tables);
        for cancelled in running.into_values() {
            cancelled.cancel();
        }
    }
}

/// How much may be open at once.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Calls and upload streams.
    pub(crate) open: usize,
    /// Items of one upload stream.
    pub(crate) buffer: usize,
}

/// A call of the client in progress. Dropping it ends it and its streams.
pub(crate) struct Begun {
    calls: Arc<Calls>,
    id: Option<String>,
    stream_ids: Vec<String>,
    pub(crate) cancelled: CancellationToken,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut tables = self.calls.lock();
        if let Some(id) = &self.id {
            tables.running.remove(id);
        }
        for id in &self.stream_ids {
            tables.uploads.remove(id);
        }
    }
}

/// A call to the client that waits for its answer. Dropping it stops waiting.
pub(crate) struct Asked {
    calls: Arc<Calls>,
    pub(crate) id: String,
    answer: oneshot::Receiver<Outcome>,
}

impl Asked {
    /// The answer; `None` if the connection ended first.
    pub(crate) async fn answer(&mut self) -> Option<Outcome> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.calls.lock().asked.remove(&self.id);
    }
}
