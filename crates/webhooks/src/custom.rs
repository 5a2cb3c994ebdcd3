//! Headers that an endpoint asks for beside ours.
//!
//! They are put in before ours, and the names that say how a message is carried, or that are ours, are refused: no
//! setting of a customer's can forge a signature or split a request.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The most headers of its own that an endpoint may have.
pub const MAX_HEADERS: usize = 20;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1_024;

/// Names that are refused, and beginnings of names.
const FORBIDDEN: [&str; 14] = [
    "host",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "user-agent",
    "accept-encoding",
    "expect",
    "keep-alive",
    "cookie",
    "via",
    "forwarded",
    "http2-settings",
];
const FORBIDDEN_PREFIXES: [&str; 5] =
    ["content-", "webhook-", "bitvora-", "proxy-", "x-forwarded-"];

/// A header that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Too many of them.
    #[error("there may be at most {MAX_HEADERS} of them")]
    TooMany,
    /// A name that is none, or that is not for customers.
    #[error("the header {0:?} must not be set")]
    Name(String),
    /// A value with control characters, or too long.
    #[error("the value of {0:?} must be at most {MAX_VALUE_BYTES} visible ASCII characters")]
    Value(String),
}

/// Reads headers, for sending.
///
/// # Errors
///
/// [`HeaderError`] with the first that cannot be sent.
pub fn headers(own: &BTreeMap<String, String>) -> Result<HeaderMap, HeaderError> {
    if own.len() > MAX_HEADERS {
        return Err(HeaderError::TooMany);
    }
    let mut map = HeaderMap::with_capacity(own.len() + 6);
    for (name, value) in own {
        let refused = || HeaderError::Name(name.chars().take(64).collect());
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let is_forbidden = FORBIDDEN.contains(&parsed.as_str())
            || FORBIDDEN_PREFIXES
                .iter()
                .any(|prefix| parsed.as_str().starts_with(prefix));
        if is_forbidden {
            return Err(refused());
        }
        let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let fits = value.len() <= MAX_VALUE_BYTES && value.bytes().all(visible);
        let wrong = || HeaderError::Value(parsed.as_str().to_owned());
        let mut value = HeaderValue::from_str(value)
            .ok()
            .filter(|_| fits)
            .ok_or_else(wrong)?;
        // It may be a token of the customer's.
        value.set_sensitive(true);
        map.insert(parsed, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<HeaderMap, HeaderError> {
        headers(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn s28_headers_that_carry_or_sign_the_message_are_refused() {
        for name in [
            "host",
            "Host",
            "webhook-signature",
            "Webhook-Id",
            "bitvora-signature",
            "transfer-encoding",
            "content-length",
            "Content-Type",
            "connection",
            "te",
            "upgrade",
            "user-agent",
            "",
            "a b",
            "a\r\nhost",
            "a:b",
        ] {
            assert!(
                matches!(one(name, "x"), Err(HeaderError::Name(_))),
                "{name:?}"
            );
        }
        for value in ["a\r\nhost: b", "a\nb", "\0", "é", &"x".repeat(1_025)] {
            assert!(
                matches!(one("x-key", value), Err(HeaderError::Value(_))),
                "{value:?}"
            );
        }
        let map = one("Authorization", "Bearer abc").expect("a header");
        assert_eq!(map["authorization"], "Bearer abc");
        assert!(!format!("{map:?}").contains("abc"), "it is not logged");
        let many = (0..21).map(|n| (format!("x-{n}"), String::new())).collect();
        assert_eq!(headers(&many), Err(HeaderError::TooMany));
    }
}
