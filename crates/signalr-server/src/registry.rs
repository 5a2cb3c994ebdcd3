//! Who is connected: connections by id, user and group, and the slots that were negotiated.
//!
//! Holds no socket and waits for nothing.

mod slots;

pub(crate) use slots::{Claim, Found, SlotError, random_id};

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connection::Connection;
use crate::transport::Frame;
use slots::Slots;

/// Which connections a message is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To<'a> {
    All,
    AllBut(&'a str),
    AllExcept(&'a [&'a str]),
    Connection(&'a str),
    Connections(&'a [&'a str]),
    /// Some, and one more.
    Groups(&'a [&'a str], &'a str),
    GroupExcept(&'a str, &'a [&'a str]),
    User(&'a str),
    Users(&'a [&'a str]),
}

/// The tables.
pub(crate) struct Registry {
    tables: Mutex<Tables>,
    slots: Mutex<Slots>,
    disconnect_timeout: Duration,
    numbers: AtomicU64,
}

type ById = HashMap<Arc<str>, Arc<Connection>>;

#[derive(Default)]
struct Tables {
    connections: ById,
    users: HashMap<Arc<str>, ById>,
    groups: HashMap<Arc<str>, ById>,
    /// The groups of each connection that is in any.
    memberships: HashMap<Arc<str>, HashSet<Arc<str>>>,
}

impl Registry {
    pub(crate) fn new(disconnect_timeout: Duration) -> Self {
        Self {
            tables: Mutex::default(),
            slots: Mutex::default(),
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

    /// From now on messages reach the connection, all of them after `first`. A message that
    /// is sent because the client has seen `first` already reaches it.
    pub(crate) fn add(&self, connection: &Arc<Connection>, first: Frame) {
        let origin = &connection.origin;
        let mut tables = self.lock();
        connection.push(first);
        let id = || Arc::clone(&origin.id);
        tables.connections.insert(id(), Arc::clone(connection));
        if let Some(user) = &origin.user {
            let connections = tables.users.entry(user.id().into()).or_default();
            connections.insert(id(), Arc::clone(connection));
        }
    }

    /// Messages no longer reach the connection.
    pub(crate) fn remove(&self, connection: &Connection) {
        let origin = &connection.origin;
        let mut tables = self.lock();
        tables.connections.remove(&origin.id);
        if let Some(user) = &origin.user {
            take_out(&mut tables.users, user.id(), &origin.id);
        }
        for group in tables.memberships.remove(&origin.id).unwrap_or_default() {
            take_out(&mut tables.groups, &group, &origin.id);
        }
    }

    /// Adds a connection to a group; whether it is connected.
    pub(crate) fn join(&self, id: &str, group: &str) -> bool {
        let mut tables = self.lock();
        let Some((id, connection)) = tables.connections.get_key_value(id) else {
            return false;
        };
        let (id, connection) = (Arc::clone(id), Arc::clone(connection));
        let known = tables.groups.get_key_value(group);
        let group = known.map_or_else(|| Arc::from(group), |(name, _)| Arc::clone(name));
        let members = tables.groups.entry(Arc::clone(&group)).or_default();
        members.insert(Arc::clone(&id), connection);
        tables.memberships.entry(id).or_default().insert(group);
        true
    }

    /// Takes a connection out of a group; whether it was in it.
    pub(crate) fn leave(&self, id: &str, group: &str) -> bool {
        let mut tables = self.lock();
        let Some(groups) = tables.memberships.get_mut(id) else {
            return false;
        };
        let was_in = groups.remove(group);
        if groups.is_empty() {
            tables.memberships.remove(id);
        }
        take_out(&mut tables.groups, group, id);
        was_in
    }

    /// The connections addressed, each once, taken out so that no lock is held while sending.
    pub(crate) fn find(&self, to: To<'_>) -> Vec<Arc<Connection>> {
        let tables = self.lock();
        let all = || tables.connections.values();
        let group = |name: &str| tables.groups.get(name).into_iter().flat_map(ById::values);
        let user = |id: &str| tables.users.get(id).into_iter().flat_map(ById::values);
        let is = |connection: &Connection, ids: &[&str]| ids.contains(&&*connection.origin.id);
        match to {
            To::All => all().cloned().collect(),
            To::AllBut(id) => all().filter(|c| &*c.origin.id != id).cloned().collect(),
            To::AllExcept(ids) => all().filter(|c| !is(c, ids)).cloned().collect(),
            To::Connection(id) => tables.connections.get(id).cloned().into_iter().collect(),
            To::Connections(ids) => once(
                ids.iter()
                    .filter_map(|id| tables.connections.get(*id))
                    .cloned(),
            ),
            To::Groups([], name) => group(name).cloned().collect(),
            To::Groups(names, last) => {
                let names = names.iter().chain([&last]);
                once(names.flat_map(|name| group(name)).cloned())
            }
            To::GroupExcept(name, ids) => group(name).filter(|c| !is(c, ids)).cloned().collect(),
            To::User(id) => user(id).cloned().collect(),
            To::Users(ids) => once(ids.iter().flat_map(|id| user(id)).cloned()),
        }
    }

    /// Whether the connection of that id is here.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.lock().connections.contains_key(id)
    }

    /// How many clients are connected.
    pub(crate) fn len(&self) -> usize {
        self.lock().connections.len()
    }
}

fn once(connections: impl Iterator<Item = Arc<Connection>>) -> Vec<Arc<Connection>> {
    let mut seen = HashSet::new();
    connections
        .filter(|connection| seen.insert(connection.origin.number))
        .collect()
}

fn take_out(lists: &mut HashMap<Arc<str>, ById>, name: &str, id: &str) {
    if let Some(connections) = lists.get_mut(name) {
        connections.remove(id);
        if connections.is_empty() {
            lists.remove(name);
        }
    }
}
