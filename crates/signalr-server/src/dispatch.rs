//! What a message from a client leads to. It answers what needs no method, and prepares the
//! call of one; running it, and when, is the session's part.
//!
//! A call without an id is never answered, not even with an error.

mod run;

use std::sync::Arc;

use crate::arguments::Arguments;
use crate::caller::Caller;
use crate::connection::{Connection, Limits, NotBegun};
use crate::end::DisconnectReason;
use crate::error::unexpected;
use crate::hub::{Boxed, Core, Input, Method};
use crate::invoke::SERVING;
use crate::protocol::{Call, Incoming, Outcome};
use crate::upload::Uploaded;
use run::Running;

/// What the session does next.
pub(crate) enum Step {
    /// The next message.
    Next,
    /// The next message, and from now on silence ends the connection.
    Alive,
    /// This call, which counts as one of those that run.
    Run(Boxed<()>),
    /// This, before the next message.
    Stall(Boxed<()>),
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
        Incoming::Invocation(call) => invoke(core, caller, connection, call, false),
        Incoming::StreamInvocation(call) => invoke(core, caller, connection, call, true),
        Incoming::StreamItem { id, item } => match connection.calls.upload(&id) {
            Some(stream) => upload(stream, Uploaded::Item(item)),
            None => Step::Next,
        },
        Incoming::Completion { id, outcome } => {
            let Err(outcome) = connection.calls.answer(&id, outcome) else {
                return Step::Next;
            };
            match connection.calls.end_upload(&id) {
                Some(stream) => upload(
                    stream,
                    match outcome {
                        Outcome::Error(text) => Uploaded::Failed(text),
                        Outcome::Void | Outcome::Result(_) => Uploaded::End,
                    },
                ),
                None => Step::Next,
            }
        }
        Incoming::CancelInvocation { id } => {
            connection.calls.cancel(&id);
            Step::Next
        }
        Incoming::Ping => Step::Alive,
        Incoming::Close { error } => Step::End(DisconnectReason::Closed { error }),
        Incoming::Ack(_) | Incoming::Sequence(_) | Incoming::Ignored => Step::Next,
    }
}

fn upload(stream: tokio::sync::mpsc::Sender<Uploaded>, item: Uploaded) -> Step {
    use tokio::sync::mpsc::error::TrySendError;
    match stream.try_send(item) {
        // A method that has dropped the stream does not want the rest.
        Ok(()) | Err(TrySendError::Closed(_)) => Step::Next,
        Err(TrySendError::Full(item)) => Step::Stall(Box::pin(async move {
            drop(stream.send(item).await);
        })),
    }
}

/// Why a call is refused, if it is.
fn objection(method: Option<&Method>, call: &Call, wants_stream: bool) -> Option<String> {
    let target = &call.target;
    let Some(method) = method else {
        return Some(format!("Unknown hub method '{target}'"));
    };
    match (method.streams, wants_stream) {
        (true, false) => {
            return Some(format!(
                "The client attempted to invoke the streaming '{target}' method with a \
                 non-streaming invocation."
            ));
        }
        (false, true) => {
            return Some(format!(
                "The client attempted to invoke the non-streaming '{target}' method with a \
                 streaming invocation."
            ));
        }
        _ => {}
    }
    let (sent, expected) = (call.stream_ids.len(), method.uploads);
    (sent != expected).then(|| {
        format!(
            "{} HubException: Client sent {sent} stream(s), Hub method expects {expected}.",
            unexpected(target)
        )
    })
}

fn invoke(
    core: &Core,
    caller: &Caller,
    connection: &Arc<Connection>,
    call: Call,
    wants_stream: bool,
) -> Step {
    let method = core.method(&call.target);
    let text = objection(method, &call, wants_stream);
    let (Some(method), None) = (method, &text) else {
        return refuse(connection, &call, &text.unwrap_or_default());
    };
    let limits = Limits {
        open: core.options.maximum_open_calls,
        buffer: core.options.stream_buffer,
    };
    let id = call.invocation_id.as_deref();
    let begin = |id| connection.calls.begin(id, &call.stream_ids, limits);
    let begun = match begin(id) {
        // Only stream calls need an id of their own.
        Err(NotBegun::InUse) if !wants_stream && call.stream_ids.is_empty() => begin(None),
        begun => begun,
    };
    let (begun, uploads) = match begun {
        Ok(begun) => begun,
        Err(NotBegun::InUse) => {
            let text = format!(
                "Invocation ID '{}' is already in use.",
                id.unwrap_or_default()
            );
            return refuse(connection, &call, &text);
        }
        Err(NotBegun::TooMany) => {
            let text = format!("{} HubException: Too many calls.", unexpected(&call.target));
            return refuse(connection, &call, &text);
        }
    };
    let is_awaited = !method.streams && method.uploads == 0;
    let running = Running {
        connection: Arc::clone(connection),
        input: Input {
            caller: caller.in_call(begun.cancelled.clone()),
            arguments: Arguments::new(call.arguments),
            uploads,
        },
        begun,
        method: method.clone(),
        id: call.invocation_id,
        target: call.target,
        detailed: core.options.detailed_errors,
    };
    if !is_awaited {
        tokio::spawn(running.run());
        return Step::Next;
    }
    if core.options.maximum_parallel_invocations > 1 {
        return Step::Run(Box::pin(running.run()));
    }
    Step::Run(Box::pin(
        SERVING.scope(connection.origin.number, running.run()),
    ))
}

fn refuse(connection: &Connection, call: &Call, text: &str) -> Step {
    if let Some(id) = &call.invocation_id {
        connection.push(connection.protocol.failure(id, text));
    }
    Step::Next
}
