//! Which web pages may use a hub.
//!
//! SignalR clients in browsers send credentials, so the origin is echoed and never `*`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// The web pages that may use the hub. Clients that send no `Origin` are not concerned.
#[derive(Clone, Debug, Default)]
pub enum Origins {
    /// No CORS headers: browsers let only pages of the hub's own origin negotiate. WebSockets
    /// are not checked, so authenticate by token, not by cookie.
    #[default]
    Unchecked,
    /// Any page. Authenticate by token, not by cookie.
    Any,
    /// Pages of these origins, e.g. `https://example.com`; WebSockets of other pages are
    /// refused with 403.
    Only(Vec<HeaderValue>),
}

impl Origins {
    /// The layer that adds CORS headers and answers OPTIONS, without authentication.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        let origin = match self {
            Self::Unchecked => return None,
            Self::Any => AllowOrigin::mirror_request(),
            Self::Only(origins) => AllowOrigin::list(origins.iter().cloned()),
        };
        let layer = CorsLayer::new()
            .allow_origin(origin)
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers([
                HeaderName::from_static("x-requested-with"),
                HeaderName::from_static("x-signalr-user-agent"),
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
            ])
            .max_age(PREFLIGHT_AGE);
        Some(layer)
    }

    /// Whether a WebSocket with these headers may be opened.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        match (self, headers.get(header::ORIGIN)) {
            (Self::Only(origins), Some(origin)) => origins.contains(origin),
            _ => true,
        }
    }
}
