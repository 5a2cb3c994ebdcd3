//! A call from its beginning to its answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};

use crate::connection::{Begun, Connection};
use crate::error::unexpected;
use crate::hub::{Answer, Input, Items, Method};
use crate::transport::Frame;

/// A call that runs.
pub(super) struct Running {
    pub(super) connection: Arc<Connection>,
    pub(super) begun: Begun,
    pub(super) method: Method,
    pub(super) input: Input,
    pub(super) id: Option<String>,
    pub(super) target: String,
    pub(super) detailed: bool,
}

impl Running {
    /// Runs the method to its end and answers, if the client wants an answer.
    pub(super) async fn run(self) {
        let Self {
            connection,
            begun,
            method,
            input,
            id,
            target,
            detailed,
        } = self;
        let call = Call {
            connection: &connection,
            id: id.as_deref(),
            target: &target,
            detailed,
        };
        let attempt = async {
            match (method.run)(input).await {
                Ok(Answer::Once(completion)) => call.completion(completion.result()),
                Ok(Answer::Stream(items)) => call.stream(items, &begun).await,
                Err(error) => {
                    tracing::debug!(target_method = call.name(), "a hub method failed");
                    call.failure(&error.text(&target, detailed))
                }
            }
        };
        let attempt = AssertUnwindSafe(attempt).catch_unwind().await;
        let answer = attempt.unwrap_or_else(|_| {
            tracing::error!(target_method = call.name(), "a hub method panicked");
            call.failure(&unexpected(&target))
        });
        // The id is free again when the client has the answer.
        drop(begun);
        if let Some(answer) = answer {
            // A client that calls faster than it reads is held back, and not disconnected.
            connection.answer(answer).await;
        }
    }
}

/// What an answer needs to know of its call.
struct Call<'a> {
    connection: &'a Connection,
    id: Option<&'a str>,
    target: &'a str,
    detailed: bool,
}

impl Call<'_> {
    /// The method's name for the log: it exists, so it is no secret of the client's.
    const fn name(&self) -> &str {
        self.target
    }

    fn completion(&self, result: Option<&dyn crate::value::Encode>) -> Option<Frame> {
        let answer = self.connection.protocol.completion(self.id?, result);
        answer.map_or_else(|_| self.unserializable(), Some)
    }

    fn failure(&self, text: &str) -> Option<Frame> {
        Some(self.connection.protocol.failure(self.id?, text))
    }

    /// Not the error: it may quote the result.
    fn unserializable(&self) -> Option<Frame> {
        tracing::error!(target_method = self.name(), "a result is not serializable");
        self.failure(&unexpected(self.target))
    }

    /// Sends items as they come and as the client reads them, until the stream ends or is
    /// cancelled. The completion that ends it.
    async fn stream(&self, mut items: Items, begun: &Begun) -> Option<Frame> {
        let id = self.id?;
        let protocol = self.connection.protocol;
        loop {
            let item = tokio::select! {
                biased;
                () = begun.cancelled.cancelled() => return self.completion(None),
                item = items.next() => item,
            };
            let frame = match item {
                None => return self.completion(None),
                Some(Ok(item)) => match protocol.stream_item(id, &*item) {
                    Ok(frame) => frame,
                    Err(_) => return self.unserializable(),
                },
                Some(Err(error)) => {
                    tracing::debug!(target_method = self.name(), "a stream failed");
                    return self.failure(&error.stream_text(self.detailed));
                }
            };
            tokio::select! {
                biased;
                () = begun.cancelled.cancelled() => return self.completion(None),
                pushed = self.connection.push_when_room(frame) => if !pushed {
                    return None;
                }
            }
        }
    }
}
