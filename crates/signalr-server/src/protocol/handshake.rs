//! The handshake: the first record of each direction, always JSON.
//!
//! Versions 0, 1 and 2 are all in use, whatever the published text says: JavaScript sends 1
//! or 2, the Python client the version of its negotiation.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

use super::Protocol;
use super::records::RECORD_SEPARATOR;

const VERSIONS: std::ops::RangeInclusive<i64> = 0..=2;

#[derive(Deserialize)]
struct Request {
    protocol: String,
    version: i64,
}

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
}

/// What a client wants to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) protocol: Protocol,
    /// 0, 1 or 2; stateful reconnect needs 2.
    pub(crate) version: i64,
}

/// A handshake that this server cannot accept. `Display` is the text for the client.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// No hub protocol of that name.
    #[error("The protocol '{0}' is not supported.")]
    Protocol(String),
    /// The hub protocol is known, this version of it is not.
    #[error("The server does not support version {version} of the '{protocol}' protocol.")]
    Version {
        /// As the client sent it.
        version: i64,
        /// As the client sent it.
        protocol: String,
    },
    /// Not an object with `protocol` and `version`.
    #[error("the handshake is not an object with 'protocol' and 'version'")]
    Malformed,
}

/// Reads the client's handshake, without its separator.
pub(crate) fn parse_handshake(record: &[u8]) -> Result<Handshake, HandshakeError> {
    if record.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(HandshakeError::Malformed);
    }
    let request: Request = serde_json::from_slice(record).map_err(|_| HandshakeError::Malformed)?;
    let Some(protocol) = Protocol::by_name(&request.protocol) else {
        return Err(HandshakeError::Protocol(request.protocol));
    };
    if !VERSIONS.contains(&request.version) {
        return Err(HandshakeError::Version {
            version: request.version,
            protocol: request.protocol,
        });
    }
    Ok(Handshake {
        protocol,
        version: request.version,
    })
}

/// The answer that accepts.
pub(crate) const fn welcome() -> Bytes {
    Bytes::from_static(b"{}\x1e")
}

/// The answer that refuses; the connection ends after it.
pub(crate) fn refusal(error: &str) -> Bytes {
    let mut bytes = serde_json::to_vec(&Refusal { error }).expect("strings always become JSON");
    bytes.push(RECORD_SEPARATOR);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_handshake(&bytes);
        }

        #[test]
        fn any_name_is_refused_by_name(name in "[a-zé\\\"]{1,12}") {
            prop_assume!(Protocol::by_name(&name).is_none());
            let text = serde_json::json!({ "protocol": name, "version": 1 }).to_string();
            let refused = parse_handshake(text.as_bytes());
            prop_assert_eq!(refused, Err(HandshakeError::Protocol(name)));
        }
    }

    #[test]
    fn versions_zero_to_two_are_accepted_in_any_shape() {
        for text in [
            r#"{"protocol":"json","version":1}"#,
            r#"{"version":0,"protocol":"json"}"#,
            r#" {"protocol":"JSON","version":2,"extra":[1]}"#,
        ] {
            let protocol = parse_handshake(text.as_bytes()).map(|accepted| accepted.protocol);
            assert_eq!(protocol, Ok(Protocol::Json), "{text}");
        }
    }

    #[test]
    fn refusals_carry_the_documented_texts() {
        for (text, expected) in [
            (
                r#"{"protocol":"x","version":1}"#,
                "The protocol 'x' is not supported.",
            ),
            (
                r#"{"protocol":"json","version":3}"#,
                "The server does not support version 3 of the 'json' protocol.",
            ),
            (
                r#"{"protocol":"json","version":-1}"#,
                "The server does not support version -1 of the 'json' protocol.",
            ),
        ] {
            let error = parse_handshake(text.as_bytes()).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_missing_or_mistyped_member_is_malformed() {
        for text in [
            "{}",
            r#"{"protocol":"json"}"#,
            r#"{"version":1}"#,
            r#"{"protocol":"json","version":"1"}"#,
            r#"["json",1]"#,
            "",
            "nonsense",
        ] {
            assert_eq!(
                parse_handshake(text.as_bytes()),
                Err(HandshakeError::Malformed),
                "{text}"
            );
        }
    }

    #[test]
    fn answers_are_exact() {
        assert_eq!(&welcome()[..], b"{}\x1e");
        assert_eq!(&refusal("a \"b\"")[..], b"{\"error\":\"a \\\"b\\\"\"}\x1e");
    }
}
