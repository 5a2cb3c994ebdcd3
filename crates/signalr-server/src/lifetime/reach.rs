//! Whom a hub reaches: its own connections, and through the [`HubLifetime`] those of other
//! processes. Sending never waits, here or there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::carried::{Address, Answer, Carried, Errand, Serialized};
use super::{HubLifetime, LocalConnections, UnknownMessage};
use crate::arguments::ArgumentList;
use crate::end::DisconnectReason;
use crate::error::EncodeError;
use crate::invoke::{InvokeError, ask, result};
use crate::protocol::{Protocol, Shared};
use crate::registry::{Registry, To, random_id};

/// How long the process that has a connection may take to say so. Silence means that none has.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// The connections of a hub, wherever they are.
pub(crate) struct Reach {
    registry: Arc<Registry>,
    lifetime: Box<dyn HubLifetime>,
    /// Names this process among those of the hub.
    process: String,
    /// Calls to clients of other processes that wait for an answer.
    asked: Mutex<HashMap<u64, UnboundedSender<Answer>>>,
    asked_before: AtomicU64,
}

impl Reach {
    pub(crate) fn new(registry: Arc<Registry>, lifetime: Box<dyn HubLifetime>) -> Arc<Self> {
        let reach = Arc::new(Self {
            registry,
            lifetime,
            process: random_id(),
            asked: Mutex::default(),
            asked_before: AtomicU64::new(0),
        });
        let local = LocalConnections {
            reach: Arc::downgrade(&reach),
        };
        reach.lifetime.begin(local);
        reach
    }

    /// The connections of this process.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<u64, UnboundedSender<Answer>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether other processes may have whom this is for.
    fn is_elsewhere(&self, to: To<'_>) -> bool {
        self.lifetime.is_shared()
            && match to {
                To::Connection(id) => !self.registry.has(id),
                To::Connections(ids) => ids.iter().any(|id| !self.registry.has(id)),
                _ => true,
            }
    }

    fn tell(&self, errand: Errand) {
        let carried = Carried {
            from: self.process.clone(),
            errand,
        };
        self.lifetime
            .publish(serde_json::to_string(&carried).expect("text, numbers and JSON become JSON"));
    }

    /// Calls `target` on them; only `here` if that is asked for. To how many connections of this
    /// process it was queued.
    pub(crate) fn send<A: ArgumentList + ?Sized>(
        &self,
        (to, only_here): (To<'_>, bool),
        target: &str,
        arguments: &A,
    ) -> Result<usize, EncodeError> {
        let mut message = Shared::new(target, arguments);
        if !only_here && self.is_elsewhere(to) {
            let json = message.frame(Protocol::Json)?;
            let messagepack = message.frame(Protocol::MessagePack)?;
            let call = Serialized::from_frames(&json, &messagepack);
            let to = Address::from(to);
            self.tell(Errand::Send { to, call });
        }
        let mut queued = 0;
        for connection in self.registry.find(to) {
            if connection.push(message.frame(connection.protocol)?) {
                queued += 1;
            }
        }
        Ok(queued)
    }

    /// Ends their connections.
    pub(crate) fn abort(&self, (to, only_here): (To<'_>, bool)) {
        if !only_here && self.is_elsewhere(to) {
            let to = Address::from(to);
            self.tell(Errand::Abort { to });
        }
        for connection in self.registry.find(to) {
            connection.end(DisconnectReason::Aborted);
        }
    }

    /// Adds a connection to a group; whether it is connected to this process.
    pub(crate) fn join(&self, id: &str, group: &str, only_here: bool) -> bool {
        let joined = self.registry.join(id, group);
        if !joined && !only_here && self.lifetime.is_shared() {
            let (connection, group) = (id.to_owned(), group.to_owned());
            self.tell(Errand::Join { connection, group });
        }
        joined
    }

    /// Takes a connection out of a group; whether this process had it in it.
    pub(crate) fn leave(&self, id: &str, group: &str, only_here: bool) -> bool {
        let left = self.registry.leave(id, group);
        if !only_here && self.is_elsewhere(To::Connection(id)) {
            let (connection, group) = (id.to_owned(), group.to_owned());
            self.tell(Errand::Leave { connection, group });
        }
        left
    }

    /// Calls `target` on one of them and waits for its answer.
    pub(crate) async fn invoke<R: DeserializeOwned>(
        &self,
        (to, only_here): (To<'_>, bool),
        target: &str,
        arguments: &(impl ArgumentList + ?Sized),
    ) -> Result<R, InvokeError> {
        if let Some(connection) = self.registry.find(to).into_iter().next() {
            return ask(&connection, target, arguments).await;
        }
        match to {
            To::Connection(id) if !only_here && self.lifetime.is_shared() => {
                self.ask_elsewhere(id, target, arguments).await
            }
            _ => Err(InvokeError::NotConnected),
        }
    }

    async fn ask_elsewhere<R: DeserializeOwned>(
        &self,
        connection: &str,
        target: &str,
        arguments: &(impl ArgumentList + ?Sized),
    ) -> Result<R, InvokeError> {
        let mut waiting = Waiting::begin(self);
        let number = waiting.number;
        let id = call_id(&self.process, number);
        let call = Serialized::of(Some(&id), target, arguments)?;
        let connection = connection.to_owned();
        self.tell(Errand::Ask {
            connection,
            number,
            call,
        });
        let found = timeout(FOUND_WITHIN, waiting.answers.recv()).await;
        match found.ok().flatten() {
            Some(Answer::Asked) => {
                let answer = waiting.answers.recv().await;
                result(answer.and_then(Answer::outcome))
            }
            answer => result(answer.and_then(Answer::outcome)),
        }
    }

    /// Does what another process has asked for.
    pub(super) fn carry_out(self: &Arc<Self>, text: &str) -> Result<(), UnknownMessage> {
        let Carried { from, errand } = Carried::read(text)?;
        if from == self.process {
            return Ok(());
        }
        match errand {
            Errand::Send { to, call } => {
                let frame = call.frames()?;
                for connection in to.with(|to| self.registry.find(to)) {
                    connection.push(frame(connection.protocol));
                }
            }
            Errand::Abort { to } => {
                for connection in to.with(|to| self.registry.find(to)) {
                    connection.end(DisconnectReason::Aborted);
                }
            }
            Errand::Join { connection, group } => {
                self.registry.join(&connection, &group);
            }
            Errand::Leave { connection, group } => {
                self.registry.leave(&connection, &group);
            }
            Errand::Ask {
                connection,
                number,
                call,
            } => self.ask_here((from, number), &connection, call)?,
            Errand::Answer { to, number, answer } if to == self.process => {
                if let Some(waiting) = self.asked().get(&number) {
                    // Whoever asked may have stopped waiting.
                    drop(waiting.send(answer));
                }
            }
            Errand::Answer { .. } => {}
        }
        Ok(())
    }

    /// Calls a client for another process, and tells that one what comes of it.
    fn ask_here(
        self: &Arc<Self>,
        (to, number): (String, u64),
        connection: &str,
        call: Serialized,
    ) -> Result<(), UnknownMessage> {
        let frame = call.frames()?;
        let Some(connection) = self.registry.find(To::Connection(connection)).pop() else {
            return Ok(());
        };
        let Some(mut asked) = connection.calls.ask_as(call_id(&to, number)) else {
            return Ok(());
        };
        let reach = Arc::clone(self);
        let tell = move |answer| {
            let to = to.clone();
            reach.tell(Errand::Answer { to, number, answer });
        };
        tell(Answer::Asked);
        if !connection.push(frame(connection.protocol)) {
            tell(Answer::Gone);
            return Ok(());
        }
        tokio::spawn(async move { tell(Answer::of(asked.answer().await)) });
        Ok(())
    }
}

/// The id that a client sees of a call from another process: none of its own process is like it.
fn call_id(process: &str, number: u64) -> String {
    format!("{process}-{number}")
}

/// A call to a client of another process. Dropping it stops waiting.
struct Waiting<'a> {
    reach: &'a Reach,
    number: u64,
    answers: UnboundedReceiver<Answer>,
}

impl<'a> Waiting<'a> {
    fn begin(reach: &'a Reach) -> Self {
        let number = reach.asked_before.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = unbounded_channel();
        reach.asked().insert(number, sender);
        Self {
            reach,
            number,
            answers,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.reach.asked().remove(&self.number);
    }
}
