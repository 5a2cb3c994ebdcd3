//! Addresses of our own that webhooks never go to, whatever the operator allows. The listener's comes when it serves.

use std::time::Duration;

use store::StoreConfig;
use webhooks::EgressPolicy;

/// How long the database's name may take to resolve.
const PATIENCE: Duration = Duration::from_secs(5);

/// The policy without the server of the database.
pub async fn without_database(mut policy: EgressPolicy, config: &StoreConfig) -> EgressPolicy {
    for (host, port) in config.server_addresses() {
        let found = tokio::net::lookup_host((host.as_str(), port));
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(addresses)) => policy = addresses.fold(policy, EgressPolicy::forbid),
            _ => tracing::warn!(
                host,
                "the database's address is not known to the rules of webhooks"
            ),
        }
    }
    policy
}
