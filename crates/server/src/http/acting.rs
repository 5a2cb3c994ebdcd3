//! The log of what administrators do: written before the act, and its outcome after it, so that a crash hides nothing.
//!
//! No secret is kept: fields that hold one are blotted out, and what is no JSON is left out whole.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use store::acts::admin::{NewAdminAct, record_act, record_outcome};
use wire::Problem;

use super::body::MAX_BODY_BYTES;
use super::{HttpState, client_address};
use crate::problem::{ApiError, chain};

/// How much of a request is kept, in characters.
const KEPT_CHARS: usize = 2_000;
/// Parts of the names of fields that hold secrets. An endpoint's own headers may be credentials.
const SECRET: [&str; 4] = ["password", "secret", "token", "headers"];

/// Runs the rest of a request, and writes it down when it may change something.
pub async fn written_down(
    state: &HttpState,
    actor: String,
    request: Request,
    next: Next,
) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        let limit_bytes = MAX_BODY_BYTES as u64;
        return ApiError::from(Problem::BodyTooLarge { limit_bytes }).into_response();
    };
    let body = body.to_bytes();
    let asked = NewAdminAct {
        actor,
        address: client_address::of(&parts.extensions).map(|address| address.to_string()),
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().chars().take(KEPT_CHARS).collect(),
        request: without_secrets(&body),
    };
    let (act, store) = (state.app.acting(), &state.app.store);
    let written = store.write_async(move |tx| record_act(tx, &act, &asked));
    let id = match written.await {
        Ok(id) => id,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (act, status) = (state.app.acting(), response.status().as_u16());
    let written = store.write_async(move |tx| record_outcome(tx, &act, id, status));
    if let Err(error) = written.await {
        // The act is done, and that it was asked for is written.
        tracing::error!(act = %id, status, error = %chain(&error), "an outcome is not in the log");
    }
    response
}

/// A JSON body as it is kept; empty for anything else.
fn without_secrets(body: &Bytes) -> String {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    blot(&mut value);
    // PostgreSQL keeps no U+0000; in JSON text it is an escape.
    value.to_string().chars().take(KEPT_CHARS).collect()
}

fn blot(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_ascii_lowercase();
                if SECRET.iter().any(|secret| name.contains(secret)) {
                    *value = Value::from("(hidden)");
                } else {
                    blot(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(blot),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_request_holds_no_secret() {
        let kept = |text: &'static str| without_secrets(&Bytes::from_static(text.as_bytes()));
        let body =
            r#"{"name":"ann","password":"hunter2","a":[{"Secret":"s3"}],"headers":{"x-key":"k1"}}"#;
        let text = kept(body);
        assert!(text.contains("ann"), "{text}");
        for secret in ["hunter2", "s3", "k1"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(kept("password=hunter2"), "");
        assert!(kept(r#"{"name":"a\u0000b"}"#).find('\0').is_none());
    }
}
