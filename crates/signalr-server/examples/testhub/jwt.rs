//! Just enough JSON Web Tokens for a test: HMAC-SHA256, a name and an expiry.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How long a token is good, in seconds.
const LIFETIME: u64 = 5;
const KEY: &[u8] = b"a key that only this example knows";
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier")]
    name: String,
    exp: u64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example has no clock passed in"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn mac(text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any key is good for HMAC");
    mac.update(text.as_bytes());
    mac
}

/// A token for `name`.
pub fn issue(name: &str) -> String {
    let claims = serde_json::json!({ NAME: name, "exp": now() + LIFETIME });
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let text = format!(
        "{}.{}",
        encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        encode(&claims.to_string())
    );
    let signature = URL_SAFE_NO_PAD.encode(mac(&text).finalize().into_bytes());
    format!("{text}.{signature}")
}

/// Whom a token names, if it is good.
pub fn verify(token: &str) -> Option<String> {
    let (text, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(text).verify_slice(&signature).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(text.split_once('.')?.1).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    (claims.exp > now()).then_some(claims.name)
}
