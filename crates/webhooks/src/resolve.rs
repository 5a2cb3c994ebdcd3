//! Names to addresses, without blocking a thread and without a search list.
//!
//! What it answers is not vetted: that is for the connector, which gets all addresses of a name.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;

/// The addresses of a name, or why there are none.
pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Finds the addresses of a name.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of a name, in the order in which they are to be tried.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// A name that has no address, or a resolver that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} cannot be resolved: {reason}")]
pub struct ResolveError {
    /// The name.
    pub name: String,
    /// What the resolver said; for logs only.
    pub reason: String,
}

/// The name servers and the hosts file of this machine.
pub struct SystemResolver {
    inner: TokioResolver,
}

/// The configuration of this machine's resolver cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the resolver cannot be set up: {reason}")]
pub struct SetupError {
    reason: String,
}

impl SystemResolver {
    /// Reads the configuration of this machine.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when there is none that can be used.
    pub fn new() -> Result<Self, SetupError> {
        let setup = |error: hickory_resolver::net::NetError| SetupError {
            reason: error.to_string(),
        };
        let mut builder = TokioResolver::builder_tokio().map_err(setup)?;
        let options = builder.options_mut();
        options.timeout = Duration::from_secs(1);
        options.attempts = 2;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // Many endpoints are called again and again; the answers keep their own TTL.
        options.cache_size = 1_024;
        Ok(Self {
            inner: builder.build().map_err(setup)?,
        })
    }
}

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            // With the dot at the end the name is complete, and no search list is tried.
            let complete = format!("{}.", name.strip_suffix('.').unwrap_or(name));
            match self.inner.lookup_ip(complete).await {
                Ok(answer) => {
                    let records = answer.iter();
                    Ok(records.collect())
                }
                Err(error) => Err(ResolveError {
                    name: name.to_owned(),
                    reason: error.to_string(),
                }),
            }
        })
    }
}
