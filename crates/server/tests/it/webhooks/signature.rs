//! Both signatures of a delivery, checked by the published rules and not by our own code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use testkit::{Received, Webhook};

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Checks `bitvora-signature` and the headers of Standard Webhooks 1.0.0, and that the body is what JavaScript would
/// write.
pub(crate) fn verify(webhook: &Webhook, request: &Received) {
    let body: &[u8] = &request.body;
    // The secret is the key as it is shown: it is not decoded.
    let expected = hex::encode(hmac(webhook.secret.as_bytes(), &[body]));
    assert_eq!(request.header("bitvora-signature"), expected);

    let expected = standard(&webhook.standard_secret, request);
    let signatures = request.header("webhook-signature");
    assert!(
        signatures.split(' ').any(|one| one == expected),
        "{signatures}"
    );
    assert_eq!(request.header("content-type"), "application/json");
}

/// What a secret in the form of Standard Webhooks signs this request with.
pub(crate) fn standard(secret: &str, request: &Received) -> String {
    let key = secret.strip_prefix("whsec_").expect("the standard form");
    let key = STANDARD.decode(key).expect("base64");
    let (id, time) = (
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
    );
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", &request.body];
    format!("v1,{}", STANDARD.encode(hmac(&key, &parts)))
}
