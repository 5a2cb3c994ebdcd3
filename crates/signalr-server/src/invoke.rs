//! Calls to a client that wait for its answer.

use serde::de::DeserializeOwned;

use crate::arguments::ArgumentList;
use crate::connection::Connection;
use crate::error::EncodeError;
use crate::protocol::Outcome;
use crate::value::Raw;

tokio::task_local! {
    /// The number of the connection whose only call this task runs.
    pub(crate) static SERVING: u64;
}

/// A call to a client has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The client is not connected, or left before it answered.
    #[error("the client is not connected")]
    NotConnected,
    /// What the client gave as its error, e.g. `Client didn't provide a result.`
    #[error("{0}")]
    Client(String),
    /// The result is not of the type that was asked for.
    #[error("the client's result has another type")]
    WrongType,
    /// Asked in a method whose client cannot answer before the method returns: raise
    /// [`maximum_parallel_invocations`](crate::HubOptions::maximum_parallel_invocations), or
    /// ask from a task of its own.
    #[error("the client cannot answer while its only call runs")]
    WouldDeadlock,
    /// The arguments cannot be serialized; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Calls `target` on one client and waits for its answer. Dropping the future stops waiting.
pub(crate) async fn ask<R: DeserializeOwned>(
    connection: &Connection,
    target: &str,
    arguments: &(impl ArgumentList + ?Sized),
) -> Result<R, InvokeError> {
    if SERVING.try_with(|number| *number) == Ok(connection.origin.number) {
        return Err(InvokeError::WouldDeadlock);
    }
    let mut asked = connection.calls.ask().ok_or(InvokeError::NotConnected)?;
    let frame = connection
        .protocol
        .invocation(Some(&asked.id), target, arguments)?;
    if !connection.push(frame) {
        return Err(InvokeError::NotConnected);
    }
    result(asked.answer().await)
}

/// What a client's answer comes to; `None` is a client that has left.
pub(crate) fn result<R: DeserializeOwned>(outcome: Option<Outcome>) -> Result<R, InvokeError> {
    let raw = match outcome.ok_or(InvokeError::NotConnected)? {
        Outcome::Result(raw) => raw,
        Outcome::Void => Raw::null(),
        Outcome::Error(text) => return Err(InvokeError::Client(text)),
    };
    raw.decode().map_err(|_| InvokeError::WrongType)
}
