//! `POST {base}/negotiate`: tells the client its ids and which transports there are.
//!
//! Absent members are left out, never `null`. The token of version 1 is a secret.

use axum::Json;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::refusal::Refusal;
use crate::hub::Core;
use crate::query::Query;
use crate::registry::Registry;
use crate::transport::Transport;

/// The highest version this server speaks; higher requests are answered with it.
const HIGHEST: i64 = 1;

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    #[serde(rename_all = "camelCase")]
    Connection {
        negotiate_version: i64,
        connection_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        connection_token: Option<String>,
        available_transports: [Offer; 1],
    },
    Error {
        error: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    transport: &'static str,
    transfer_formats: &'static [&'static str],
}

/// In the client's order of preference.
const OFFERS: [Offer; 1] = [Offer {
    transport: Transport::WebSockets.name(),
    transfer_formats: &["Text", "Binary"],
}];

pub(super) async fn handle(core: &Core, request: Request) -> Response {
    if request.method() != Method::POST {
        return Refusal::Method("POST").into_response();
    }
    let (parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query());
    if let Err(response) = super::authenticate(core, &parts, &query).await {
        return response;
    }
    if !core.is_open() {
        return Refusal::Closing.into_response();
    }
    let minimum = core.options.minimum_negotiate_version;
    Json(answer(
        &core.registry,
        query.get("negotiateVersion"),
        minimum,
    ))
    .into_response()
}

/// Errors are answers too: HTTP 200 with an `error` member.
fn answer(registry: &Registry, requested: Option<&str>, minimum: i64) -> Answer {
    let version = match requested.map(str::parse::<i64>) {
        None => 0,
        Some(Ok(version)) => version,
        Some(Err(_)) => {
            return Answer::Error {
                error: format!(
                    "The client requested an invalid protocol version '{}'",
                    requested.unwrap_or_default()
                ),
            };
        }
    };
    if version < minimum.max(0) {
        return Answer::Error {
            error: format!(
                "The client requested version '{version}', but the server does not support \
                 this version."
            ),
        };
    }
    let negotiate_version = version.min(HIGHEST);
    let (id, token) = registry.negotiate(negotiate_version > 0);
    Answer::Connection {
        negotiate_version,
        connection_id: id.as_ref().to_owned(),
        connection_token: (negotiate_version > 0).then_some(token),
        available_transports: OFFERS,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use std::time::Duration;

    fn body(requested: Option<&str>, minimum: i64) -> serde_json::Value {
        let registry = Registry::new(Duration::from_secs(15));
        serde_json::to_value(answer(&registry, requested, minimum)).unwrap()
    }

    #[test]
    fn version_one_has_a_token_and_version_zero_has_none() {
        for (requested, version) in [(None, 0), (Some("0"), 0), (Some("1"), 1), (Some("7"), 1)] {
            let body = body(requested, 0);
            assert_eq!(body["negotiateVersion"], version, "{requested:?}");
            assert_eq!(body.get("connectionToken").is_some(), version == 1);
            assert_ne!(body["connectionToken"], body["connectionId"]);
            assert_eq!(
                body["availableTransports"].to_string(),
                r#"[{"transferFormats":["Text","Binary"],"transport":"WebSockets"}]"#
            );
        }
    }

    #[test]
    fn a_version_that_cannot_be_served_is_an_error_body() {
        for (requested, minimum, expected) in [
            (
                Some("x"),
                0,
                "The client requested an invalid protocol version 'x'",
            ),
            (
                Some(""),
                0,
                "The client requested an invalid protocol version ''",
            ),
            (
                None,
                1,
                "The client requested version '0', but the server does not support this version.",
            ),
            (
                Some("-1"),
                0,
                "The client requested version '-1', but the server does not support this version.",
            ),
        ] {
            let expected = serde_json::json!({ "error": expected });
            assert_eq!(body(requested, minimum), expected);
        }
    }
}
