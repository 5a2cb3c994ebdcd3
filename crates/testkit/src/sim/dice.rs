//! [`Dice`]: the randomness of one step, from the seed of the run and the number of the step.
//!
//! Each step has dice of its own, so that leaving one step out does not change what the others draw: that is what makes
//! a failing run shrink. Fit for tests, and for nothing that must stay secret.

/// `SplitMix64` (Steele, Lea and Flood 2014): small, fast, and the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of step `step` of the run with this seed.
    pub(super) fn of(seed: u64, step: u64) -> Self {
        let mut dice = Self(seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17));
        let first = dice.word();
        Self(first ^ seed.rotate_left(32))
    }

    /// 64 random bits.
    pub(super) const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.word() % end }
    }

    /// A number in `first..=last`.
    pub(super) const fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True `times` times in a hundred.
    pub(super) const fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of `all`; `None` when there is none.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.index(all.len()))
    }

    /// The place of one of `count`.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }

    /// One of `weighted`, as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, weighted: &[(u64, T)]) -> T {
        let all = weighted.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(all);
        for (weight, value) in weighted {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        weighted[0].1
    }

    /// 32 random bytes.
    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.word().to_le_bytes());
        }
        bytes
    }
}
