//! The header `Idempotency-Key` of a creating POST (an extension that no SDK notices).

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use store::acts::idempotency::IdempotencyKey;
use wire::Problem;

use crate::problem::ApiError;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The key of a request, bound to its body, in `scope`; `None` when the header is absent.
///
/// # Errors
/// [`Problem::InvalidParameter`] for a key that is empty, too long or not visible ASCII.
pub fn key(
    headers: &HeaderMap,
    scope: &'static str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    let Some(key) = key else {
        return Err(Problem::InvalidParameter {
            name: "Idempotency-Key".into(),
            why: "it must be 1 to 255 visible characters".into(),
        }
        .into());
    };
    let request_hash = Sha256::digest(body).into();
    Ok(Some(IdempotencyKey {
        scope,
        key: key.to_owned(),
        request_hash,
    }))
}
