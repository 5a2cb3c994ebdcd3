//! [`Roles`]: what a process of Leyden does.
//!
//! On PostgreSQL any number of processes share the roles `api` and `worker`; of those with the role `node` one runs the
//! node, and the others wait for its lease. On SQLite one process has all three.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// REST and the hub.
    Api,
    /// The Lightning node, and what stands between it and the books.
    Node,
    /// Webhooks, and the end of invoices.
    Worker,
}

impl Role {
    const ALL: [Self; 3] = [Self::Api, Self::Node, Self::Worker];

    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Node => "node",
            Self::Worker => "worker",
        }
    }
}

/// A name that is none of a role's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of api, node, worker")]
pub struct NoSuchRole;

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(text: &str) -> Result<Self, NoSuchRole> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or(NoSuchRole)
    }
}

/// What a process does: the order in which the roles were written, and how often, tell nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(Role::ALL.to_vec())
    }

    /// These alone.
    #[must_use]
    pub fn only(roles: &[Role]) -> Self {
        Self(roles.to_vec())
    }

    /// Whether `role` is one of them.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of them are there.
    #[must_use]
    pub fn is_all(&self) -> bool {
        Role::ALL.into_iter().all(|role| self.has(role))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Role::ALL
            .into_iter()
            .filter(|role| self.has(*role))
            .map(Role::name)
            .collect();
        f.write_str(&names.join(", "))
    }
}
