//! The web console: its files, which the binary carries, and the page for every path that a browser asks for.
//!
//! A page is given only to who asks for HTML, so that programs get the error of an unknown path in JSON. The page names
//! what it may load (Content-Security-Policy, without `unsafe-inline`); it must never carry anything secret.

mod files;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use payments::ports::Entropy;

use crate::http::HttpState;
use crate::problem::ApiError;
use files::{File, INDEX, file};

/// What the page holds in place of its nonce.
const NONCE: &str = "{{nonce}}";
/// What a binary says that was built without its console.
const NOT_BUILT: &str = "<!doctype html><title>Leyden</title><h1>Leyden is running</h1>\
    <p>This binary was built without its console. <code>make console</code> builds it, then build the binary again. \
    The API and the command line need no console.</p>";

/// Whether the binary carries its console.
#[must_use]
pub fn is_built() -> bool {
    file(INDEX).is_some()
}

/// Answers the paths that nothing else answers.
pub fn page(state: HttpState) -> MethodRouter {
    any(answer).with_state(state)
}

async fn answer(State(state): State<HttpState>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if !reads {
        return ApiError::not_found("path").into_response();
    }
    match file(path) {
        Some(found) if path != INDEX => return served(path, found),
        _ if !wants_html(request.headers()) => {
            return ApiError::not_found("path").into_response();
        }
        _ => {}
    }
    match file(INDEX) {
        Some(index) => index_page(state.app.entropy.as_ref(), &index),
        None => (StatusCode::OK, html(), NOT_BUILT).into_response(),
    }
}

fn html() -> [(header::HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "text/html; charset=utf-8")]
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT);
    accepts.is_some_and(|types| {
        types
            .to_str()
            .is_ok_and(|types| types.contains("text/html"))
    })
}

/// A file whose name changes with its content is kept for a year.
fn served(path: &str, file: File) -> Response {
    let kept = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, kept.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, Body::from(file.bytes.into_owned())).into_response()
}

fn index_page(entropy: &dyn Entropy, index: &File) -> Response {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    let nonce = hex::encode(random);
    let text = String::from_utf8_lossy(&index.bytes).replace(NONCE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = (StatusCode::OK, html(), text).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))])
    }

    #[test]
    fn a_page_is_for_who_asks_for_html_alone() {
        assert!(wants_html(&headers(
            "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
        )));
        assert!(!wants_html(&headers("*/*")));
        assert!(!wants_html(&headers("application/json")));
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn every_page_has_a_nonce_of_its_own_and_no_inline_script_or_style_without_it() {
        let index = File {
            bytes: br#"<meta name="csp-nonce" content="{{nonce}}">"#.as_slice().into(),
            media_type: "text/html".to_owned(),
        };
        let policy = |response: &Response| {
            let value = response.headers()[header::CONTENT_SECURITY_POLICY].to_str();
            value.expect("a text").to_owned()
        };
        let entropy = payments::ports::SystemEntropy;
        let (one, other) = (index_page(&entropy, &index), index_page(&entropy, &index));
        assert_ne!(policy(&one), policy(&other));
        assert!(!policy(&one).contains("unsafe"));
        assert!(policy(&one).contains("default-src 'none'"));
    }
}
