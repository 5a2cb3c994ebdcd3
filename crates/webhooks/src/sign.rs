//! The signatures of one attempt: `bitvora-signature`, and Standard Webhooks 1.0.0.
//!
//! Both use one secret: 64 hexadecimal characters whose ASCII bytes are the key. It must never be
//! decoded before it is used as a key, never be printed, and no signature is ever stored: the
//! standard one holds the time of its attempt.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::Sha256;

/// The header of the Bitvora signature, in lower case.
pub const BITVORA_SIGNATURE: HeaderName = HeaderName::from_static("bitvora-signature");
/// The header of the event id; the same on every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// The header of the attempt's time in Unix seconds.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The header of the standard signatures.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Leyden-Webhooks/", env!("CARGO_PKG_VERSION")));

/// A signing secret. Its text is its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A text that cannot be a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret must be 24 to 64 printable ASCII characters")]
pub struct SecretError;

impl Secret {
    /// A new secret from 32 random bytes: their 64 hexadecimal characters, which are the most that
    /// Standard Webhooks allows as a key.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self(hex::encode(random))
    }

    /// A secret that was made before, or imported.
    ///
    /// # Errors
    ///
    /// [`SecretError`] unless it is 24 to 64 printable ASCII characters (Standard Webhooks 1.0.0).
    pub fn from_text(text: String) -> Result<Self, SecretError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if printable && (24..=64).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(SecretError)
        }
    }

    /// The secret itself, to be shown once and to be stored.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The same secret in the notation of Standard Webhooks: `whsec_` and the base64 of its text.
    #[must_use]
    pub fn reveal_standard(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(hidden)")
    }
}

/// The id of an event as receivers see it, the same on every attempt and replay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

/// A text that cannot be a message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message id must be 1 to 64 ASCII letters, digits, '_' or '-'")]
pub struct MessageIdError;

impl MessageId {
    /// Takes an id. A dot would let one signed text be read as another, so it is not allowed.
    ///
    /// # Errors
    ///
    /// [`MessageIdError`] unless it is 1 to 64 ASCII letters, digits, `_` or `-`.
    pub fn new(text: String) -> Result<Self, MessageIdError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let valid = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        if valid {
            Ok(Self(text))
        } else {
            Err(MessageIdError)
        }
    }

    /// The id as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The secrets that sign an attempt.
///
/// One hexadecimal value cannot carry two signatures, so while a secret is being replaced the
/// Bitvora header stays on the old one and the standard header carries both.
#[derive(Debug, Clone, Copy)]
pub struct SigningKeys<'a> {
    legacy: &'a Secret,
    standard: &'a [Secret],
}

impl<'a> SigningKeys<'a> {
    /// One secret for both schemes.
    #[must_use]
    pub const fn single(secret: &'a Secret) -> Self {
        Self {
            legacy: secret,
            standard: std::slice::from_ref(secret),
        }
    }

    /// A secret for the Bitvora header and those of the standard header, the current one first.
    #[must_use]
    pub const fn rotating(legacy: &'a Secret, standard: &'a [Secret]) -> Self {
        Self { legacy, standard }
    }
}

/// The value of `bitvora-signature`: lower-case hexadecimal HMAC-SHA256 of the body as it is sent.
#[must_use]
pub fn bitvora_signature(secret: &Secret, body: &[u8]) -> String {
    hex::encode(mac(secret.0.as_bytes(), &[body]))
}

/// The value of `webhook-signature`: `v1,<base64>` for each secret, separated by spaces.
///
/// `timestamp` is the time of the attempt in Unix seconds.
#[must_use]
pub fn standard_signature(
    secrets: &[Secret],
    id: &MessageId,
    timestamp: i64,
    body: &[u8],
) -> String {
    let sign = |secret: &Secret| standard_one(secret.0.as_bytes(), &id.0, timestamp, body);
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// The headers of one attempt. Compute them immediately before sending and never store them.
#[must_use]
pub fn headers(keys: SigningKeys<'_>, id: &MessageId, timestamp: i64, body: &[u8]) -> HeaderMap {
    let standard = standard_signature(keys.standard, id, timestamp, body);
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(
        BITVORA_SIGNATURE,
        printable(&bitvora_signature(keys.legacy, body)),
    );
    headers.insert(WEBHOOK_ID, printable(&id.0));
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(timestamp));
    headers.insert(WEBHOOK_SIGNATURE, printable(&standard));
    headers
}

fn standard_one(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let prefix = format!("{id}.{timestamp}.");
    format!(
        "v1,{}",
        STANDARD.encode(mac(key, &[prefix.as_bytes(), body]))
    )
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn printable(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids and signatures are printable ASCII")
}

#[cfg(test)]
mod tests;
