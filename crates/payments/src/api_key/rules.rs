//! [`KeyRules`]: what a key may do, from where, until when, and with how much money.
//!
//! The rules are checked in the transaction that holds the money, so that they stand however many requests come at
//! once. An empty list never means "nothing": it means that there is no such rule.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use money::Msat;

/// The most networks a key may be bound to.
pub const MAX_NETWORKS: usize = 50;
/// The most destinations a key may be bound to.
pub const MAX_DESTINATIONS: usize = 500;

/// One thing a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// See balance, payments and events.
    Read,
    /// Make invoices and addresses.
    Receive,
    /// Pay.
    Send,
    /// Make and change the account's webhooks.
    Webhooks,
    /// Approve what another key asked for, and see and revoke the account's keys.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Receive,
        Self::Send,
        Self::Webhooks,
        Self::Admin,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Receive => "receive",
            Self::Send => "send",
            Self::Webhooks => "webhooks",
            Self::Admin => "admin",
        }
    }

    /// The scope with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Receive => 2,
            Self::Send => 4,
            Self::Webhooks => 8,
            Self::Admin => 16,
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Default for Scopes {
    /// All that existing clients of a payment API do: everything but [`Scope::Admin`].
    fn default() -> Self {
        [Scope::Read, Scope::Receive, Scope::Send, Scope::Webhooks]
            .into_iter()
            .collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |all, scope| all | scope.bit()))
    }
}

impl Scopes {
    /// Whether it is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that are in it, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// How it is stored: the names, with commas.
    pub fn to_text(self) -> String {
        self.iter().map(Scope::name).collect::<Vec<_>>().join(",")
    }

    /// Reads what [`Self::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(0));
        }
        text.split(',').map(Scope::from_name).collect()
    }
}

/// How much may go out in any stretch of time of one length: a window that moves with the clock, not a calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The length of the window, in seconds.
    pub window_seconds: u32,
    /// The most that may be held or spent within it, fees included.
    pub limit_msat: Msat,
}

/// What a key may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRules {
    /// What it may ask for.
    pub scopes: Scopes,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// From where it may be used; empty: from everywhere.
    pub networks: Vec<IpNet>,
    /// The most that one payment may carry, fees apart.
    pub max_payment_msat: Option<Msat>,
    /// A payment above this waits until somebody has approved it.
    pub approval_above_msat: Option<Msat>,
    /// The nodes it may pay, by their public keys in hexadecimal; empty: all.
    pub destinations: Vec<String>,
    /// How much it may spend over time.
    pub budgets: Vec<Budget>,
}

impl KeyRules {
    /// Whether it may be used from `address`. An IPv4 address that came as IPv6 counts as what it is.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        if self.networks.is_empty() {
            return true;
        }
        address.is_some_and(|address| {
            let address = address.to_canonical();
            self.networks.iter().any(|net| net.contains(&address))
        })
    }

    /// Whether a payment of `amount_msat` waits for an approval.
    pub fn wants_approval(&self, amount_msat: Msat) -> bool {
        self.approval_above_msat
            .is_some_and(|above_msat| amount_msat > above_msat)
    }

    /// Whether it may pay `destination`.
    pub fn may_pay(&self, destination: &str) -> bool {
        self.destinations.is_empty() || self.destinations.iter().any(|known| known == destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_stored_and_read_back_and_nothing_else_is() {
        for scopes in [
            Scopes::default(),
            Scope::ALL.into_iter().collect(),
            Scopes::from_iter([]),
            Scopes::from_iter([Scope::Send]),
        ] {
            assert_eq!(Scopes::from_text(&scopes.to_text()), Some(scopes));
        }
        assert!(!Scopes::default().has(Scope::Admin));
        for text in ["sending", "read, send", ",", "READ"] {
            assert_eq!(Scopes::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_bound_to_networks_is_used_from_there_alone() {
        let everywhere = KeyRules::default();
        assert!(everywhere.admits(None));
        let bound = KeyRules {
            networks: vec![
                "10.1.0.0/16".parse().expect("a network"),
                "2001:db8::/32".parse().expect("a network"),
            ],
            ..KeyRules::default()
        };
        for (address, admitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("10.2.0.1", false),
            ("2001:db9::1", false),
            ("::ffff:10.2.0.1", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(bound.admits(Some(address)), admitted, "{address}");
        }
        assert!(!bound.admits(None), "an unknown address is not inside");
    }
}
