//! [`SeededEntropy`]: random bytes that a seed repeats. Fit for tests, and for nothing that must stay secret.

use std::sync::atomic::{AtomicU64, Ordering};

use payments::ports::Entropy;
use sha2::{Digest, Sha256};

/// Randomness from a seed: SHA-256 of the seed and a counter.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    blocks: AtomicU64,
}

impl SeededEntropy {
    /// The randomness of `seed`. Two servers on one database need two seeds, or their ids meet.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            blocks: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let block = self.blocks.fetch_add(1, Ordering::Relaxed);
            let digest = Sha256::new()
                .chain_update(self.seed.to_le_bytes())
                .chain_update(block.to_le_bytes())
                .finalize();
            part.copy_from_slice(&digest[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_one_differs() {
        let draw = |seed| {
            let (entropy, mut bytes) = (SeededEntropy::new(seed), [0; 50]);
            entropy.fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1)[..18], draw(1)[32..]);
    }
}
