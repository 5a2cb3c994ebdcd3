//! Where webhooks may go: the guard against requests into our own network (SSRF).
//!
//! A URL is vetted when it is registered, and every address again at each connection, literals
//! included. One forbidden address refuses the whole name: there is no "first public address".

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::{Host, Url};

mod ranges;

pub use ranges::is_public;

/// The longest URL, in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Which addresses may be called.
///
/// Public addresses over https always; others only in subnets that the operator allowed, and those
/// over plain http as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    allowed: Vec<IpNet>,
    own: Vec<SocketAddr>,
}

/// Why a URL is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, too long, or with a character that does not belong in one.
    #[error("it is not a valid URL")]
    Invalid,
    /// Not https.
    #[error("it must begin with https")]
    Scheme,
    /// With a user name or password.
    #[error("it must not contain a user name or password")]
    UserInfo,
    /// Without a host, or with port 0.
    #[error("it must name a host and a port")]
    Host,
    /// An address, or a name for one, that must not be called.
    #[error("it points to an address that must not be called")]
    Forbidden,
}

/// An address that must not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address {address} must not be called")]
pub struct BlockedAddress {
    /// The first such address.
    pub address: IpAddr,
}

impl EgressPolicy {
    /// Public addresses over https, and nothing else.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// For the sandbox: also loopback, there over plain http as well.
    #[must_use]
    pub fn sandbox() -> Self {
        Self::public()
            .allow(ranges::LOOPBACK_V4.into())
            .allow(ranges::LOOPBACK_V6.into())
    }

    /// The same policy with a subnet that the operator allows.
    #[must_use]
    pub fn allow(mut self, subnet: IpNet) -> Self {
        self.allowed.push(subnet);
        self
    }

    /// The same policy without an address of our own (a listener, the database); an unspecified
    /// address such as `0.0.0.0:80` stands for that port on every allowed subnet.
    #[must_use]
    pub fn forbid(mut self, own: SocketAddr) -> Self {
        self.own.push(own);
        self
    }

    /// Vets a URL and normalises it. Names are vetted when they are resolved, at each connection.
    ///
    /// # Errors
    ///
    /// [`UrlError`], which says what is wrong with it.
    pub fn vet_url(&self, text: &str) -> Result<Url, UrlError> {
        // The parser drops tabs and line breaks silently; a URL that has them is an attack.
        let unwanted = |letter: char| letter.is_control() || letter.is_whitespace();
        if text.len() > MAX_URL_BYTES || text.contains(unwanted) {
            return Err(UrlError::Invalid);
        }
        let mut url = Url::parse(text).map_err(|_| UrlError::Invalid)?;
        url.set_fragment(None);
        let plain = match url.scheme() {
            "https" => false,
            "http" if !self.allowed.is_empty() => true,
            _ => return Err(UrlError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::UserInfo);
        }
        let port = url
            .port_or_known_default()
            .filter(|&port| port != 0)
            .ok_or(UrlError::Host)?;
        let literal = match url.host().ok_or(UrlError::Host)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(name) => {
                if is_local_name(name) && !self.allows_loopback() {
                    return Err(UrlError::Forbidden);
                }
                None
            }
        };
        if let Some(address) = literal {
            self.vet_addresses(plain, port, &[address])
                .map_err(|_| UrlError::Forbidden)?;
        }
        // What the parser of URLs takes, the HTTP library must take as well.
        http::Uri::try_from(url.as_str()).map_err(|_| UrlError::Invalid)?;
        Ok(url)
    }

    /// Vets all addresses of a host. `plain` says that the connection would not be encrypted.
    ///
    /// # Errors
    ///
    /// [`BlockedAddress`] with the first address that must not be called; then none may be.
    pub fn vet_addresses(
        &self,
        plain: bool,
        port: u16,
        addresses: &[IpAddr],
    ) -> Result<(), BlockedAddress> {
        match addresses
            .iter()
            .find(|address| !self.permits(plain, port, **address))
        {
            Some(&address) => Err(BlockedAddress { address }),
            None => Ok(()),
        }
    }

    fn permits(&self, plain: bool, port: u16, address: IpAddr) -> bool {
        // An IPv4 address written as IPv6 is the same host.
        let address = address.to_canonical();
        let ours = |own: &SocketAddr| {
            own.port() == port
                && (own.ip().to_canonical() == address
                    || (own.ip().is_unspecified() && !is_public(address)))
        };
        if self.own.iter().any(ours) {
            return false;
        }
        self.allowed.iter().any(|subnet| subnet.contains(&address))
            || (!plain && is_public(address))
    }

    fn allows_loopback(&self) -> bool {
        self.allowed
            .iter()
            .any(|subnet| subnet.network().is_loopback())
    }
}

/// `localhost` and names below it always mean this machine (RFC 6761).
fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
