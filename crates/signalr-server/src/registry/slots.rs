//! What was negotiated: slots by token, each for one connection.
//!
//! The secret token opens a connection; the public id only addresses it (negotiation version
//! 0 has one value for both).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Registry;
use crate::auth::User;
use crate::transport::{Halves, Inlet, Outlet, Transport};

/// 144 random bits: 24 letters, none of which a URL escapes.
const ID_BYTES: usize = 18;

/// A negotiated id cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotError {
    /// Never negotiated, expired or ended.
    Unknown,
    /// A transport has it already.
    Taken(Transport),
}

#[derive(Default)]
pub(super) struct Slots {
    by_token: HashMap<String, Slot>,
    /// Tokens in the order of their negotiation, which is the order of their expiry.
    expiries: VecDeque<(Instant, String)>,
}

struct Slot {
    id: Arc<str>,
    user: Option<User>,
    stateful: bool,
    transport: Option<Transport>,
    /// What POSTs bring, from the first of them on.
    inlet: Option<Arc<Inlet>>,
    /// What polls take.
    outlet: Option<Arc<Outlet>>,
    /// Where the connection's next WebSockets go.
    again: Option<mpsc::Sender<Halves>>,
}

/// A slot as a request finds it.
pub(crate) struct Found {
    pub(crate) user: Option<User>,
    pub(crate) transport: Option<Transport>,
    pub(crate) inlet: Option<Arc<Inlet>>,
    pub(crate) outlet: Option<Arc<Outlet>>,
    /// `Some` if the connection can go on on another WebSocket; closed once it no longer can.
    pub(crate) again: Option<mpsc::Sender<Halves>>,
}

impl Registry {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a connection: its public id and, if `secret_token`, a token apart from it.
    pub(crate) fn negotiate(
        &self,
        secret_token: bool,
        user: Option<User>,
        stateful: bool,
    ) -> (Arc<str>, String) {
        let id = random_id();
        let token = if secret_token {
            random_id()
        } else {
            id.clone()
        };
        let id: Arc<str> = id.into();
        let slot = Slot {
            id: Arc::clone(&id),
            user,
            stateful,
            transport: None,
            inlet: None,
            outlet: None,
            again: None,
        };
        let mut slots = self.slots();
        let now = Instant::now();
        slots.expire(now);
        slots.by_token.insert(token.clone(), slot);
        let expires_at = now + self.disconnect_timeout;
        slots.expiries.push_back((expires_at, token.clone()));
        (id, token)
    }

    /// The slot of that token.
    pub(crate) fn slot(&self, token: &str) -> Result<Found, SlotError> {
        let mut slots = self.slots();
        slots.expire(Instant::now());
        let slot = slots.by_token.get(token).ok_or(SlotError::Unknown)?;
        Ok(Found {
            user: slot.user.clone(),
            transport: slot.transport,
            inlet: slot.inlet.clone(),
            outlet: slot.outlet.clone(),
            again: slot.again.clone(),
        })
    }

    /// Where POSTs to the slot of that token go.
    pub(crate) fn inlet(&self, token: &str) -> Result<Arc<Inlet>, SlotError> {
        let mut slots = self.slots();
        let slot = slots.by_token.get_mut(token).ok_or(SlotError::Unknown)?;
        Ok(Arc::clone(slot.inlet.get_or_insert_default()))
    }

    /// Takes the slot of that token for a transport, or makes one on the spot if there is no
    /// token. Dropping the claim forgets the slot.
    pub(crate) fn claim(
        self: &Arc<Self>,
        token: Option<&str>,
        transport: Transport,
    ) -> Result<Claim, SlotError> {
        let mut claim = Claim {
            registry: Arc::clone(self),
            token: None,
            id: Arc::default(),
            user: None,
            inlet: Arc::default(),
            outlet: None,
            again: None,
        };
        let mut slots = self.slots();
        slots.expire(Instant::now());
        let Some(token) = token else {
            claim.id = random_id().into();
            return Ok(claim);
        };
        let slot = slots.by_token.get_mut(token).ok_or(SlotError::Unknown)?;
        if let Some(transport) = slot.transport {
            return Err(SlotError::Taken(transport));
        }
        slot.transport = Some(transport);
        match transport {
            Transport::WebSockets if slot.stateful => {
                let (sender, receiver) = mpsc::channel(1);
                slot.again = Some(sender);
                claim.again = Some(receiver);
            }
            Transport::WebSockets => {}
            Transport::ServerSentEvents | Transport::LongPolling => {
                claim.inlet = Arc::clone(slot.inlet.get_or_insert_default());
            }
        }
        if transport == Transport::LongPolling {
            slot.outlet = Some(Arc::new(Outlet::new()));
            claim.outlet.clone_from(&slot.outlet);
        }
        claim.id = Arc::clone(&slot.id);
        claim.user.clone_from(&slot.user);
        claim.token = Some(token.to_owned());
        Ok(claim)
    }

    /// Forgets the slot of that token: it opens nothing any more.
    pub(crate) fn forget(&self, token: &str) {
        self.slots().by_token.remove(token);
    }
}

impl Slots {
    /// Forgets slots that no transport took in time.
    fn expire(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, token)) = self.expiries.pop_front() else {
                return;
            };
            let slot = self.by_token.get(&token);
            if slot.is_some_and(|slot| slot.transport.is_none())
                && let Some(slot) = self.by_token.remove(&token)
                && let Some(inlet) = slot.inlet
            {
                inlet.close();
            }
        }
    }
}

/// A slot in use by a transport, from its first request to the end of the connection.
pub(crate) struct Claim {
    registry: Arc<Registry>,
    token: Option<String>,
    /// The public id of the connection.
    pub(crate) id: Arc<str>,
    /// Who negotiated.
    pub(crate) user: Option<User>,
    /// What POSTs bring; of no use to a WebSocket.
    pub(crate) inlet: Arc<Inlet>,
    /// What polls take, for long polling.
    pub(crate) outlet: Option<Arc<Outlet>>,
    /// The connection's next WebSockets, with stateful reconnect.
    pub(crate) again: Option<mpsc::Receiver<Halves>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.registry.forget(token);
        }
    }
}

/// A name that nobody guesses and nobody else has.
#[expect(
    clippy::disallowed_methods,
    reason = "a token opens a connection: it must not be repeatable from a seed"
)]
pub(crate) fn random_id() -> String {
    let mut bytes = [0; ID_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const KIND: Transport = Transport::WebSockets;

    fn registry() -> Arc<Registry> {
        Arc::new(Registry::new(Duration::from_secs(15)))
    }

    fn state(registry: &Registry, token: &str) -> Result<Option<Transport>, SlotError> {
        registry.slot(token).map(|found| found.transport)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_nobody_takes_expires() {
        let registry = registry();
        let (_, token) = registry.negotiate(true, None, false);
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(state(&registry, &token), Ok(None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(state(&registry, &token), Err(SlotError::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_taken_slot_lives_as_long_as_its_claim_and_is_taken_once() {
        let registry = registry();
        let (id, token) = registry.negotiate(true, None, false);
        let Ok(claim) = registry.claim(Some(&token), KIND) else {
            panic!("the slot is free");
        };
        assert_eq!(claim.id, id);
        tokio::time::advance(Duration::from_secs(60)).await;
        let again = registry.claim(Some(&token), KIND).err();
        assert_eq!(again, Some(SlotError::Taken(KIND)));
        drop(claim);
        assert_eq!(state(&registry, &token), Err(SlotError::Unknown));
    }

    #[tokio::test]
    async fn the_public_id_opens_nothing_unless_it_is_the_token() {
        let registry = registry();
        let (id, token) = registry.negotiate(true, None, false);
        assert_ne!(*id, *token);
        assert_eq!(state(&registry, &id), Err(SlotError::Unknown));
        let (id, token) = registry.negotiate(false, None, false);
        assert_eq!(*id, *token);
        assert_eq!(token.len(), 24);
    }
}
