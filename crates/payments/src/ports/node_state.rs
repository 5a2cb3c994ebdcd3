//! The byte store in which a Lightning node keeps its channels.
//!
//! A lost write can lose funds (stale channel state), so an implementation must never report a write as
//! durable before it is, and must never answer a write with an error: it waits out an outage of the database,
//! and ends the process when the node's lease is lost.

use std::future::Future;
use std::pin::Pin;

/// Completes when a write is durable. It never fails; dropping it does not undo the write.
pub type Durable = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Where a value stands: two namespaces, which may be empty, and a key, which may not.
///
/// The characters are those LDK's `KVStore` allows: ASCII letters, digits, `_` and `-`, at most 120 of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateKey {
    /// The outer namespace.
    pub primary: String,
    /// The inner namespace.
    pub secondary: String,
    /// The key itself.
    pub key: String,
}

/// Why stored node state could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NodeStateError {
    /// The database cannot be reached now; the same call may succeed later.
    #[error("the database that keeps the node's state cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A namespaced byte store, durable when it says so (LDK: `KVStore`).
///
/// Calls may come from any thread, also from inside an async runtime: an implementation runs its database
/// work on threads of its own.
pub trait NodeState: Send + Sync {
    /// The value at `key`, or `None`.
    ///
    /// # Errors
    /// [`NodeStateError`] when the database cannot be read.
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError>;

    /// Puts `value` at `key`. The write has its place in the order of writes when this call returns, and is
    /// durable when the answer completes. Writes to one key keep the order of their calls.
    fn write(&self, key: StateKey, value: Vec<u8>) -> Durable;

    /// Removes `key`, if it is there, in the same order as the writes.
    fn remove(&self, key: StateKey) -> Durable;

    /// The keys in one pair of namespaces, in no particular order.
    ///
    /// # Errors
    /// [`NodeStateError`] when the database cannot be read.
    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError>;

    /// Calls `visit` with every stored value, for a search through all of the node's state before it starts.
    ///
    /// # Errors
    /// [`NodeStateError`] when the database cannot be read.
    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError>;
}
