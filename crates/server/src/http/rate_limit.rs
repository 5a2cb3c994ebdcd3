//! How often a key may call: a bucket that fills evenly and holds a second's worth (GCRA).
//!
//! Each process counts for itself: what is limited is the load, not the money, which the budgets of a key limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use payments::ids::ApiKeyId;
use wire::Problem;

/// How many keys are remembered before those that rest are forgotten.
const REMEMBERED: usize = 10_000;
/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// Counts the calls of keys.
#[derive(Clone, Default)]
pub struct RateLimit {
    per_second: Option<i64>,
    full_until: Arc<Mutex<HashMap<ApiKeyId, i64>>>,
}

/// What a key has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    limit: i64,
    remaining: i64,
    reset_seconds: i64,
}

impl RateLimit {
    /// `per_second` calls of each key; `None` counts nothing.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        Self {
            per_second: per_second.filter(|rate| *rate > 0).map(i64::from),
            full_until: Arc::default(),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// [`Problem::RateLimited`].
    pub fn count(&self, key: ApiKeyId, now: Timestamp) -> Result<Option<Left>, Problem> {
        let Some(limit) = self.per_second else {
            return Ok(None);
        };
        let (now, each) = (now.as_microsecond(), (SECOND / limit).max(1));
        let mut known = self
            .full_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() > REMEMBERED {
            known.retain(|_, until| *until > now);
        }
        let until = known.entry(key).or_insert(now);
        let next = (*until).max(now) + each;
        if next - now > SECOND {
            return Err(Problem::RateLimited {
                retry_after_seconds: 1,
            });
        }
        *until = next;
        Ok(Some(Left {
            limit,
            remaining: (SECOND - (next - now)) / each,
            reset_seconds: 1,
        }))
    }
}

impl Left {
    /// Tells the caller, in the headers of draft-ietf-httpapi-ratelimit-headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.reset_seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_so_many_calls_and_fills_evenly() {
        let limit = RateLimit::new(Some(4));
        let (one, other) = (ApiKeyId::from_bytes([1; 16]), ApiKeyId::from_bytes([2; 16]));
        let at = |millis: i64| Timestamp::from_millisecond(1_000_000 + millis).expect("a time");
        let allowed = |key, millis| limit.count(key, at(millis)).is_ok();
        let left: Vec<_> = (0..4)
            .map(|_| {
                limit
                    .count(one, at(0))
                    .map(|left| left.map(|left| left.remaining))
            })
            .collect();
        assert_eq!(left, [Ok(Some(3)), Ok(Some(2)), Ok(Some(1)), Ok(Some(0))]);
        assert!(!allowed(one, 0) && !allowed(one, 249));
        assert!(allowed(other, 0), "each key has its own");
        assert!(allowed(one, 250) && !allowed(one, 250));
        assert!((0..4).all(|_| allowed(one, 5_000)) && !allowed(one, 5_000));
        // A clock that is set back forgives nothing, and does not lock out for long.
        assert!(!allowed(one, 4_999));
        let without = RateLimit::new(None);
        assert_eq!(without.count(one, at(0)), Ok(None));
    }
}
