//! Who is connected: negotiated slots by token, connections by id and by user.
//!
//! Holds no socket and waits for nothing. The secret token opens a connection; the public
//! id only addresses it (negotiation version 0 has one value for both).

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::transport::{Frame, Transport};

/// 144 random bits: 24 letters, none of which a URL escapes.
const ID_BYTES: usize = 18;

/// Which connections a message is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To<'a> {
    All,
    Connection(&'a str),
    User(&'a str),
}

/// A negotiated id cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotError {
    /// Never negotiated, expired or ended.
    Unknown,
    /// A transport has it already.
    Taken(Transport),
}

/// The tables.
pub(crate) struct Registry {
    tables: Mutex<Tables>,
    disconnect_timeout: Duration,
    numbers: AtomicU64,
}

#[derive(Default)]
struct Tables {
    slots: HashMap<String, Slot>,
    /// Tokens in the order of their negotiation, which is the order of their expiry.
    expiries: VecDeque<(Instant, String)>,
    connections: HashMap<Arc<str>, Arc<Connection>>,
    users: HashMap<Arc<str>, HashMap<Arc<str>, Arc<Connection>>>,
}

struct Slot {
    id: Arc<str>,
    transport: Option<Transport>,
}

impl Registry {
    pub(crate) fn new(disconnect_timeout: Duration) -> Self {
        Self {
            tables: Mutex::default(),
            disconnect_timeout,
            numbers: AtomicU64::new(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that names a connection in logs.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Reserves a connection: its public id and, if `secret_token`, a token apart from it.
    pub(crate) fn negotiate(&self, secret_token: bool) -> (Arc<str>, String) {
        let id = random_id();
        let token = if secret_token {
            random_id()
        } else {
            id.clone()
        };
        let id: Arc<str> = id.into();
        let slot = Slot {
            id: Arc::clone(&id),
            transport: None,
        };
        let mut tables = self.lock();
        let now = Instant::now();
        tables.expire(now);
        tables.slots.insert(token.clone(), slot);
        let expires_at = now + self.disconnect_timeout;
        tables.expiries.push_back((expires_at, token.clone()));
        (id, token)
    }

    /// The transport that has the slot of that token, if any has.
    pub(crate) fn transport(&self, token: &str) -> Result<Option<Transport>, SlotError> {
        let mut tables = self.lock();
        tables.expire(Instant::now());
        let slot = tables.slots.get(token).ok_or(SlotError::Unknown)?;
        Ok(slot.transport)
    }

    /// Takes the slot of that token for a transport, or makes one on the spot if there is no
    /// token. Dropping the claim forgets the slot.
    pub(crate) fn claim(
        self: &Arc<Self>,
        token: Option<&str>,
        transport: Transport,
    ) -> Result<Claim, SlotError> {
        let mut tables = self.lock();
        tables.expire(Instant::now());
        let Some(token) = token else {
            return Ok(Claim {
                registry: Arc::clone(self),
                token: None,
                id: random_id().into(),
            });
        };
        let slot = tables.slots.get_mut(token).ok_or(SlotError::Unknown)?;
        if let Some(transport) = slot.transport {
            return Err(SlotError::Taken(transport));
        }
        slot.transport = Some(transport);
        Ok(Claim {
            registry: Arc::clone(self),
            token: Some(token.to_owned()),
            id: Arc::clone(&slot.id),
        })
    }

    /// From now on messages reach the connection, all of them after `first`. A message that
    /// is sent because the client has seen `first` already reaches it.
    pub(crate) fn add(&self, connection: &Arc<Connection>, first: Frame) {
        let origin = &connection.origin;
        let mut tables = self.lock();
        connection.push(first);
        tables
            .connections
            .insert(Arc::clone(&origin.id), Arc::clone(connection));
        if let Some(user) = &origin.user {
            tables
                .users
                .entry(user.id().into())
                .or_default()
                .insert(Arc::clone(&origin.id), Arc::clone(connection));
        }
    }

    /// Messages no longer reach the connection.
    pub(crate) fn remove(&self, connection: &Connection) {
        let origin = &connection.origin;
        let mut tables = self.lock();
        tables.connections.remove(&origin.id);
        let Some(user) = &origin.user else { return };
        if let Some(connections) = tables.users.get_mut(user.id()) {
            connections.remove(&origin.id);
            if connections.is_empty() {
                tables.users.remove(user.id());
            }
        }
    }

    /// The connections addressed, taken out so that no lock is held while sending.
    pub(crate) fn find(&self, to: To<'_>) -> Vec<Arc<Connection>> {
        let tables = self.lock();
        match to {
            To::All => tables.connections.values().cloned().collect(),
            To::Connection(id) => tables.connections.get(id).cloned().into_iter().collect(),
            To::User(id) => tables
                .users
                .get(id)
                .map(|connections| connections.values().cloned().collect())
                .unwrap_or_default(),
        }
    }

    /// How many clients are connected.
    pub(crate) fn len(&self) -> usize {
        self.lock().connections.len()
    }
}

impl Tables {
    /// Forgets slots that no transport took in time.
    fn expire(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, token)) = self.expiries.pop_front() else {
                return;
            };
            if self
                .slots
                .get(&token)
                .is_some_and(|slot| slot.transport.is_none())
            {
                self.slots.remove(&token);
            }
        }
    }
}

/// A slot in use by a transport, from the upgrade to the end of the connection.
pub(crate) struct Claim {
    registry: Arc<Registry>,
    token: Option<String>,
    /// The public id of the connection.
    pub(crate) id: Arc<str>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.registry.lock().slots.remove(token);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token opens a connection: it must not be repeatable from a seed"
)]
fn random_id() -> String {
    let mut bytes = [0; ID_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Arc<Registry> {
        Arc::new(Registry::new(Duration::from_secs(15)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_nobody_takes_expires() {
        let registry = registry();
        let (_, token) = registry.negotiate(true);
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(registry.transport(&token), Ok(None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(registry.transport(&token), Err(SlotError::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_taken_slot_lives_as_long_as_its_claim_and_is_taken_once() {
        let registry = registry();
        let (id, token) = registry.negotiate(true);
        let claim = registry.claim(Some(&token), Transport::WebSockets);
        let Ok(claim) = claim else {
            panic!("the slot is free");
        };
        assert_eq!(claim.id, id);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(
            registry.claim(Some(&token), Transport::WebSockets).err(),
            Some(SlotError::Taken(Transport::WebSockets))
        );
        drop(claim);
        assert_eq!(registry.transport(&token), Err(SlotError::Unknown));
    }

    #[tokio::test]
    async fn the_public_id_opens_nothing_unless_it_is_the_token() {
        let registry = registry();
        let (id, token) = registry.negotiate(true);
        assert_ne!(*id, *token);
        assert_eq!(registry.transport(&id), Err(SlotError::Unknown));
        let (id, token) = registry.negotiate(false);
        assert_eq!(*id, *token);
        assert_eq!(token.len(), 24);
    }
}
