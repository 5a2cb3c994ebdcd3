//! [`Suspicions`]: which differences count.
//!
//! A payment ends at the node a moment before its event is written down, and a look at both sides takes some time
//! itself. So a difference is on its way to be explained until it was there at [`LOOKS`] looks in a row. Looks are
//! counted, not time: a clock that jumps must not make money stop.

use std::collections::BTreeMap;

use super::{Difference, DifferenceKey};

/// At how many looks in a row a difference must be there before it counts.
pub const LOOKS: u32 = 4;

/// The differences that were there at the last look, with how often in a row.
#[derive(Debug, Clone, Default)]
pub struct Suspicions(BTreeMap<DifferenceKey, u32>);

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Seen too often to be on the way.
    pub unexplained: Vec<Difference>,
    /// Perhaps an event that is not written down yet.
    pub on_its_way: Vec<Difference>,
}

impl Suspicions {
    /// Takes the differences of the next look. One that is not there any more is forgotten.
    pub fn look(&mut self, differences: Vec<Difference>) -> Judged {
        let before = std::mem::take(&mut self.0);
        let mut judged = Judged::default();
        for difference in differences {
            let key = difference.key();
            let seen = before.get(&key).map_or(1, |seen| seen.saturating_add(1));
            self.0.insert(key, seen);
            if seen >= LOOKS {
                judged.unexplained.push(difference);
            } else {
                judged.on_its_way.push(difference);
            }
        }
        judged
    }
}
