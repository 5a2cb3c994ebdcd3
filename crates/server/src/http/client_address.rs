//! Where a call comes from: the connection's other end, or what a proxy of the operator's says of it.
//!
//! A header is believed only when the connection comes from a proxy that the configuration names; else anybody could
//! write one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

/// The proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Those in `networks`.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// Where a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The address of the caller, as [`find`] has noted it.
#[must_use]
pub fn of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientAddress>().map(|found| found.0)
}

/// Notes where a request comes from, for everything behind it.
pub async fn find(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer {
        let address = behind(&proxies, peer.ip().to_canonical(), request.headers());
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

/// Each proxy adds the address it was called from at the end, so the last one that is no proxy of ours called first.
fn behind(proxies: &TrustedProxies, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let listed = headers.get_all("x-forwarded-for").iter();
    let listed = listed.filter_map(|value| value.to_str().ok());
    let listed: Vec<&str> = listed.flat_map(|value| value.split(',')).collect();
    let mut found = peer;
    for text in listed.into_iter().rev() {
        if !proxies.has(found) {
            return found;
        }
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            return found;
        };
        found = address.to_canonical();
    }
    found
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found(peer: &str, header: Option<&str>) -> String {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        let mut headers = HeaderMap::new();
        if let Some(text) = header {
            let value = HeaderValue::from_str(text).expect("a header");
            headers.insert("x-forwarded-for", value);
        }
        behind(&proxies, peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn the_word_of_a_stranger_counts_for_nothing() {
        assert_eq!(found("203.0.113.9", Some("10.0.0.1")), "203.0.113.9");
        assert_eq!(found("203.0.113.9", None), "203.0.113.9");
    }

    #[test]
    fn behind_our_proxies_the_last_stranger_is_the_caller() {
        assert_eq!(found("10.0.0.1", Some("198.51.100.7")), "198.51.100.7");
        // What the stranger made up stands before.
        let made_up = "192.0.2.1, 198.51.100.7, 10.0.0.2";
        assert_eq!(found("10.0.0.1", Some(made_up)), "198.51.100.7");
        assert_eq!(found("10.0.0.1", Some("nonsense")), "10.0.0.1");
        assert_eq!(found("10.0.0.1", None), "10.0.0.1");
    }
}
