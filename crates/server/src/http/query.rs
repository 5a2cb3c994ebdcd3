//! Query strings, decoded.

use axum::http::Uri;

/// The decoded pairs of a query string, in order.
#[must_use]
pub fn pairs(uri: &Uri) -> Vec<(String, String)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}
