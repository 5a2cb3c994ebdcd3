//! [`PaymentHash`] and [`PaymentPreimage`] (BOLT 2, BOLT 11).
//!
//! A preimage is the proof of a payment, and before the payment it is the key to it: it must never be logged.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A text that is no 32-byte value in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hex digits")]
pub struct ParseHashError;

/// The SHA-256 of a payment's preimage; with it a payment is named on the whole network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentHash([u8; 32]);

impl PaymentHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PaymentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PaymentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentHash({self})")
    }
}

impl FromStr for PaymentHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseHashError)?;
        Ok(Self(bytes))
    }
}

/// The 32 bytes that prove a payment. `Debug` hides them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PaymentPreimage([u8; 32]);

impl PaymentPreimage {
    /// The preimage with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its SHA-256: the payment hash it proves.
    pub fn payment_hash(&self) -> PaymentHash {
        PaymentHash(Sha256::digest(self.0).into())
    }

    /// The preimage in hex, for the one who paid.
    pub fn reveal(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for PaymentPreimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentPreimage(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preimage_proves_its_hash_and_hides_in_debug() {
        let preimage = PaymentPreimage::from_bytes([0; 32]);
        let expected = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(preimage.payment_hash().to_string(), expected);
        assert_eq!(expected.parse(), Ok(preimage.payment_hash()));
        assert_eq!(preimage.reveal(), "0".repeat(64));
        assert_eq!(format!("{preimage:?}"), "PaymentPreimage(hidden)");
        let hash = format!("PaymentHash({expected})");
        assert_eq!(format!("{:?}", preimage.payment_hash()), hash);
    }
}
