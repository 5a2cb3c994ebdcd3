//! Secrets at rest: sealed with a key that is kept beside the database and never in it.
//!
//! ChaCha20-Poly1305 (RFC 8439) with a random nonce, and the owner's id as associated data: what was sealed for one
//! endpoint opens for no other. A nonce of 96 bits is long enough for some 2^32 secrets under one key. The text begins
//! with the version of its format, so that another key or cipher can follow.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::sign::Secret;

/// The format: the base64 of the nonce and of what ChaCha20-Poly1305 makes of the secret.
const VERSION: &str = "v1.";
/// The length of a nonce, in bytes.
pub const NONCE_BYTES: usize = 12;

/// The key that seals. One for all processes on a database.
#[derive(Clone)]
pub struct SealingKey(LessSafeKey);

/// What was stored cannot be opened: it is damaged, another's, or sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret cannot be opened")]
pub struct SealError;

impl SealingKey {
    /// The key of these bytes.
    ///
    /// # Panics
    ///
    /// Never: a key of this cipher has 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes);
        Self(LessSafeKey::new(key.expect("a key has 32 bytes")))
    }

    /// Seals a secret for `owner`, with a nonce that was never used before.
    ///
    /// # Errors
    ///
    /// [`SealError`], which no secret is long enough for.
    pub fn seal(
        &self,
        secret: &Secret,
        owner: [u8; 16],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, SealError> {
        let mut sealed = secret.reveal().as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let done = self
            .0
            .seal_in_place_append_tag(unique, Aad::from(owner), &mut sealed);
        done.map_err(|_| SealError)?;
        let text = STANDARD.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{VERSION}{text}"))
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn open(&self, stored: &str, owner: [u8; 16]) -> Result<Secret, SealError> {
        let text = stored.strip_prefix(VERSION).ok_or(SealError)?;
        let mut bytes = STANDARD.decode(text).map_err(|_| SealError)?;
        let (nonce, sealed) = bytes
            .split_first_chunk_mut::<NONCE_BYTES>()
            .ok_or(SealError)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(owner), sealed);
        let text = String::from_utf8(opened.map_err(|_| SealError)?.to_vec());
        let text = text.map_err(|_| SealError)?;
        Secret::from_text(text).map_err(|_| SealError)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SealingKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (SealingKey, Secret, String) {
        let (key, secret) = (SealingKey::new([1; 32]), Secret::generate([2; 32]));
        let text = key
            .seal(&secret, [3; 16], [4; NONCE_BYTES])
            .expect("sealed");
        (key, secret, text)
    }

    #[test]
    fn a_secret_opens_for_its_owner_and_its_key_alone() {
        let (key, secret, text) = sealed();
        assert!(
            text.starts_with("v1.") && !text.contains(secret.reveal()),
            "{text}"
        );
        assert_eq!(key.open(&text, [3; 16]), Ok(secret));
        assert_eq!(key.open(&text, [5; 16]), Err(SealError));
        assert_eq!(
            SealingKey::new([6; 32]).open(&text, [3; 16]),
            Err(SealError)
        );
        assert!(!format!("{key:?}").contains('1'));
    }

    #[test]
    fn what_was_changed_or_is_of_another_version_does_not_open() {
        let (key, _, text) = sealed();
        let bytes = STANDARD.decode(&text[3..]).expect("base64");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = format!("v1.{}", STANDARD.encode(changed));
            assert_eq!(key.open(&changed, [3; 16]), Err(SealError), "byte {at}");
        }
        for wrong in ["", "v1.", "v1.AAAA", "v2.AAAA", &"0".repeat(64), &text[3..]] {
            assert_eq!(key.open(wrong, [3; 16]), Err(SealError), "{wrong}");
        }
    }
}
