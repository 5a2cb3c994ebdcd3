//! `POST {base}/negotiate`: tells the client its ids and which transports there are.
//!
//! Absent members are left out, never `null`. The token of version 1 is a secret.

use axum::Json;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::refusal::Refusal;
use crate::auth::{AuthRequest, User};
use crate::hub::Core;
use crate::options::HubOptions;
use crate::query::Query;
use crate::registry::Registry;
use crate::transport::Transport;

/// The highest version this server speaks; higher requests are answered with it.
const HIGHEST: i64 = 1;

/// Where a client negotiates instead.
#[derive(Clone, Debug, Serialize)]
pub struct Redirect {
    /// The other hub, with its own query.
    pub url: String,
    /// The token for the other hub. Without one the client keeps its own.
    #[serde(rename = "accessToken", skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    #[serde(rename_all = "camelCase")]
    Connection {
        negotiate_version: i64,
        connection_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        connection_token: Option<String>,
        available_transports: Vec<Offer>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        use_stateful_reconnect: bool,
    },
    Redirect(Redirect),
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

impl From<&Transport> for Offer {
    fn from(transport: &Transport) -> Self {
        Self {
            transport: transport.name(),
            transfer_formats: if transport.is_binary() {
                &["Text", "Binary"]
            } else {
                &["Text"]
            },
        }
    }
}

pub(super) async fn handle(core: &Core, request: Request) -> Response {
    if request.method() != Method::POST {
        return Refusal::Method("POST").into_response();
    }
    let (parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query());
    let user = match super::admit(core, &parts, &query, None).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    if !core.is_open() {
        return Refusal::Closing.into_response();
    }
    if let Some(redirect) = &core.redirect
        && let Some(redirect) = redirect(&AuthRequest::new(&parts, &query))
    {
        return Json(Answer::Redirect(redirect)).into_response();
    }
    Json(answer(&core.registry, &core.options, &query, user)).into_response()
}

/// Errors are answers too: HTTP 200 with an `error` member.
fn answer(registry: &Registry, options: &HubOptions, query: &Query, user: Option<User>) -> Answer {
    let requested = query.get("negotiateVersion");
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
    if version < options.minimum_negotiate_version.max(0) {
        return Answer::Error {
            error: format!(
                "The client requested version '{version}', but the server does not support \
                 this version."
            ),
        };
    }
    let wants_stateful = query
        .get("useStatefulReconnect")
        .is_some_and(|wants| wants.eq_ignore_ascii_case("true"));
    let use_stateful_reconnect = wants_stateful && options.stateful_reconnect;
    let negotiate_version = version.min(HIGHEST);
    let (id, token) = registry.negotiate(negotiate_version > 0, user, use_stateful_reconnect);
    Answer::Connection {
        negotiate_version,
        connection_id: id.as_ref().to_owned(),
        connection_token: (negotiate_version > 0).then_some(token),
        available_transports: options.transports.iter().map(Offer::from).collect(),
        use_stateful_reconnect,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use std::time::Duration;

    fn negotiated(query: &str, options: &HubOptions) -> serde_json::Value {
        let registry = Registry::new(Duration::from_secs(15));
        let query = Query::parse(Some(query));
        serde_json::to_value(answer(&registry, options, &query, None)).unwrap()
    }

    fn body(requested: Option<&str>, minimum: i64) -> serde_json::Value {
        let query = requested.map(|version| format!("NegotiateVersion={version}"));
        let options = HubOptions {
            minimum_negotiate_version: minimum,
            ..HubOptions::default()
        };
        negotiated(&query.unwrap_or_default(), &options)
    }

    #[test]
    fn stateful_reconnect_is_agreed_only_if_both_want_it() {
        for (enabled, query, agreed) in [
            (true, "useStatefulReconnect=true", true),
            (true, "", false),
            (false, "useStatefulReconnect=true", false),
        ] {
            let options = HubOptions {
                stateful_reconnect: enabled,
                ..HubOptions::default()
            };
            let body = negotiated(&format!("negotiateVersion=1&{query}"), &options);
            let member = body.get("useStatefulReconnect").cloned();
            assert_eq!(member, agreed.then(|| true.into()), "{enabled} {query}");
        }
    }

    #[test]
    fn a_redirect_has_no_absent_member() {
        let redirect = |access_token| Redirect {
            url: "http://x/hub?a=1".to_owned(),
            access_token,
        };
        let text = |r| serde_json::to_string(&Answer::Redirect(r)).unwrap();
        assert_eq!(text(redirect(None)), r#"{"url":"http://x/hub?a=1"}"#);
        let with_token = text(redirect(Some("t".to_owned())));
        assert_eq!(
            with_token,
            r#"{"url":"http://x/hub?a=1","accessToken":"t"}"#
        );
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
                concat!(
                    r#"[{"transferFormats":["Text","Binary"],"transport":"WebSockets"},"#,
                    r#"{"transferFormats":["Text"],"transport":"ServerSentEvents"},"#,
                    r#"{"transferFormats":["Text","Binary"],"transport":"LongPolling"}]"#
                )
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
