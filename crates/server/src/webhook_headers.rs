//! The headers of one attempt to deliver: the endpoint's own, and over them ours, signed by every secret that counts.
//!
//! Made immediately before sending, and never stored or logged.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use jiff::Timestamp;
use payments::ids::{EndpointId, EventId};
use payments::webhook::SealedSecret;
use store::queries::webhook::OldSecret;
use webhooks::{MessageId, SealingKey, SigningKeys, custom, sign};

use crate::sealing::open;

/// What is stored for an endpoint and cannot be used: which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored {0} of a webhook cannot be used")]
pub(crate) struct Spoiled(pub(crate) &'static str);

/// What an endpoint's attempts are signed with, and carry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer<'a> {
    /// What its secrets are sealed with.
    pub(crate) key: &'a SealingKey,
    /// The endpoint.
    pub(crate) endpoint: EndpointId,
    /// Its current secret.
    pub(crate) secret: &'a SealedSecret,
    /// Its old secrets that sign as well, newest first.
    pub(crate) old_secrets: &'a [OldSecret],
    /// Its own headers, as stored.
    pub(crate) own_headers: &'a str,
}

/// The headers of an attempt at `now`.
pub(crate) fn headers(
    signer: Signer<'_>,
    event: EventId,
    body: &[u8],
    now: Timestamp,
) -> Result<HeaderMap, Spoiled> {
    let secret = |sealed| open(signer.key, signer.endpoint, sealed).ok_or(Spoiled("secret"));
    let current = secret(signer.secret)?;
    // The Bitvora header has room for one signature: it stays with the oldest secret that still signs, until a person
    // promotes the new one.
    let mut legacy = current.clone();
    let mut standard = vec![current];
    for old in signer.old_secrets {
        let old_secret = secret(&old.secret)?;
        if !old.is_promoted {
            legacy = old_secret.clone();
        }
        standard.push(old_secret);
    }
    let id = MessageId::new(format!("msg_{event}")).map_err(|_| Spoiled("id"))?;
    let keys = SigningKeys::rotating(&legacy, &standard);
    let own: BTreeMap<String, String> =
        serde_json::from_str(signer.own_headers).map_err(|_| Spoiled("headers"))?;
    let mut headers = custom::headers(&own).map_err(|_| Spoiled("headers"))?;
    headers.extend(sign::headers(keys, &id, now.as_second(), body));
    Ok(headers)
}
