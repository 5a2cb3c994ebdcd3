//! What a message from a client leads to. It answers what needs no method, and prepares the
//! call of one; running it, and when, is the session's part.
//!
//! A call without an id is never answered, not even with an error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::arguments::Arguments;
use crate::caller::Caller;
use crate::connection::Connection;
use crate::end::DisconnectReason;
use crate::error::unexpected;
use crate::hub::{Boxed, Core, Method};
use crate::protocol::{Call, Incoming, Protocol};
use crate::transport::Frame;

/// What the session does next.
pub(crate) enum Step {
    /// The next message.
    Next,
    /// The next message, and from now on silence ends the connection.
    Alive,
    /// This call, before any other message.
    Run(Boxed<()>),
    /// The end of the connection.
    End(DisconnectReason),
}

/// Takes one message.
pub(crate) fn step(
    core: &Core,
    caller: &Caller,
    connection: &Arc<Connection>,
    message: Incoming,
) -> Step {
    match message {
        Incoming::Invocation(call) => invoke(core, caller, connection, call),
        Incoming::StreamInvocation(call) => {
            let target = &call.target;
            let text = if core.method(target).is_none() {
                unknown(target)
            } else {
                format!(
                    "The client attempted to invoke the non-streaming '{target}' method with a \
                     streaming invocation."
                )
            };
            refuse(connection, &call, &text)
        }
        Incoming::Ping => Step::Alive,
        Incoming::Close { error } => Step::End(DisconnectReason::Closed { error }),
        // No method streams and no call goes to clients yet, so these name unknown ids.
        Incoming::StreamItem
        | Incoming::Completion
        | Incoming::CancelInvocation
        | Incoming::Ignored => Step::Next,
    }
}

fn invoke(core: &Core, caller: &Caller, connection: &Arc<Connection>, call: Call) -> Step {
    let Some(method) = core.method(&call.target) else {
        return refuse(connection, &call, &unknown(&call.target));
    };
    if call.upload_streams > 0 {
        let text = format!(
            "{} HubException: Client sent {} stream(s), Hub method expects 0.",
            unexpected(&call.target),
            call.upload_streams
        );
        return refuse(connection, &call, &text);
    }
    let (method, caller) = (Arc::clone(method), caller.clone());
    let connection = Arc::clone(connection);
    let detailed = core.options.detailed_errors;
    Step::Run(Box::pin(async move {
        let protocol = connection.protocol;
        if let Some(answer) = run(method, caller, protocol, call, detailed).await {
            connection.push(answer);
        }
    }))
}

/// Runs a method to its end and makes its answer, if the client wants one.
async fn run(
    method: Method,
    caller: Caller,
    protocol: Protocol,
    call: Call,
    detailed: bool,
) -> Option<Frame> {
    let Call {
        invocation_id: id,
        target,
        arguments,
        ..
    } = call;
    let attempt = async {
        let text = match method(caller, Arguments::new(arguments)).await {
            Ok(completion) => match protocol.completion(id.as_deref()?, &completion) {
                Ok(answer) => return Some(answer),
                Err(_) => {
                    // Not the error: it may quote the result.
                    tracing::error!(target_method = %target, "a result is not serializable");
                    unexpected(&target)
                }
            },
            Err(error) => {
                tracing::debug!(target_method = %target, "a hub method failed");
                error.text(&target, detailed)
            }
        };
        Some(protocol.failure(id.as_deref()?, &text))
    };
    AssertUnwindSafe(attempt)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            tracing::error!(target_method = %target, "a hub method panicked");
            Some(protocol.failure(id.as_deref()?, &unexpected(&target)))
        })
}

fn refuse(connection: &Connection, call: &Call, text: &str) -> Step {
    if let Some(id) = &call.invocation_id {
        connection.push(connection.protocol.failure(id, text));
    }
    Step::Next
}

fn unknown(target: &str) -> String {
    format!("Unknown hub method '{target}'")
}
