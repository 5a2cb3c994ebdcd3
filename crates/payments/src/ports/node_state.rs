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

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// Puts the value at the key.
    Put(StateKey, Vec<u8>),
    /// Removes the key, if it is there.
    Remove(StateKey),
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

    /// Makes `changes`, all of them or none. They have their place in the order of writes when this call returns, and
    /// are durable when the answer completes. Changes of one key keep the order of their calls.
    fn change(&self, changes: Vec<StateChange>) -> Durable;

    /// Puts `value` at `key`: see [`NodeState::change`].
    fn write(&self, key: StateKey, value: Vec<u8>) -> Durable {
        self.change(vec![StateChange::Put(key, value)])
    }

    /// Removes `key`, if it is there: see [`NodeState::change`].
    fn remove(&self, key: StateKey) -> Durable {
        self.change(vec![StateChange::Remove(key)])
    }

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
