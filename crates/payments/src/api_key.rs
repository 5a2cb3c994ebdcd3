//! API keys of the form `N|uuid`: made, hashed and checked.
//!
//! A key is shown once. Only the SHA-256 of its secret part is stored, and it is compared in constant time; the
//! secret has 122 random bits, so a slow hash would add nothing. What it may do stands in its [`KeyRules`].

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub use self::rules::{Budget, KeyRules, MAX_DESTINATIONS, MAX_NETWORKS, Scope, Scopes};

use crate::ids::{AccountId, ApiKeyId};
use crate::ports::Entropy;

mod rules;

/// A stored key: who it speaks for, and how to recognise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The account it speaks for.
    pub account_id: AccountId,
    /// The number before the bar.
    pub number: i64,
    /// What people call it.
    pub name: String,
    /// The hash of its secret.
    pub hash: KeyHash,
    /// What it may do, without its budgets.
    pub rules: KeyRules,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.rules.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// The SHA-256 of a key's secret part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

/// The secret part of a key: a UUIDv4. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeySecret(Uuid);

impl KeySecret {
    /// A fresh secret.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(uuid::Builder::from_random_bytes(random).into_uuid())
    }

    /// Its hash, which is what is stored.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.hyphenated().to_string()).into())
    }

    /// The whole key as the customer gets it, once.
    pub fn reveal(&self, number: i64) -> String {
        format!("{number}|{}", self.0.hyphenated())
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(hidden)")
    }
}

/// What a client presented, taken apart: look up the number, then check the secret.
#[derive(Debug, Clone, Copy)]
pub struct PresentedKey {
    /// The number before the bar.
    pub number: i64,
    secret: KeySecret,
}

impl PresentedKey {
    /// Takes a presented text apart; `None` when it does not have the form `N|uuid`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, secret) = text.split_once('|')?;
        let number = number.parse().ok().filter(|number| *number > 0)?;
        let secret = Uuid::parse_str(secret).ok()?;
        Some(Self {
            number,
            secret: KeySecret(secret),
        })
    }

    /// Whether the secret is that of the stored key, in constant time.
    pub fn matches(&self, stored: &KeyHash) -> bool {
        self.secret.hash().0.ct_eq(&stored.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SystemEntropy;

    #[test]
    fn a_key_is_recognised_by_its_hash_alone() {
        let secret = KeySecret::generate(&SystemEntropy);
        let shown = secret.reveal(12);
        let presented = PresentedKey::parse(&shown).expect("the form of a key");
        assert_eq!(presented.number, 12);
        assert!(presented.matches(&secret.hash()));
        assert!(!presented.matches(&KeySecret::generate(&SystemEntropy).hash()));
        assert!(!format!("{secret:?} {presented:?}").contains(&shown[3..]));
        assert_eq!(format!("{secret:?}"), "KeySecret(hidden)");
    }

    #[test]
    fn what_has_not_the_form_of_a_key_is_none() {
        for text in [
            "",
            "|",
            "12|",
            "x|6a0f0b6e-7f63-4d0f-8a53-0a7a3a8a3b01",
            "eyJhb",
            "-1|6a0f0b6e-7f63-4d0f-8a53-0a7a3a8a3b01",
            "0|6a0f0b6e-7f63-4d0f-8a53-0a7a3a8a3b01",
        ] {
            assert!(PresentedKey::parse(text).is_none(), "{text}");
        }
    }
}
