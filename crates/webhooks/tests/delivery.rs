//! The client against hostile and broken receivers: it stays within its limits, goes nowhere it may
//! not go, and lets the status line alone decide.

#![expect(clippy::unwrap_used, reason = "test")]

#[path = "delivery/answers.rs"]
mod answers;
#[path = "delivery/connections.rs"]
mod connections;
#[path = "delivery/sink.rs"]
mod sink;
#[path = "delivery/tls.rs"]
mod tls;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use webhooks::resolve::{ResolveError, Resolver, Resolving};
use webhooks::{Attempt, EgressPolicy, Limits, WebhookClient};

/// Long enough for loopback on a loaded machine, short enough to wait for.
const DEADLINE: Duration = Duration::from_millis(700);

fn limits() -> Limits {
    Limits {
        dns: DEADLINE / 4,
        connect: DEADLINE / 2,
        total: DEADLINE,
        ..Limits::default()
    }
}

/// Knows no name.
struct NoNames;

impl Resolver for NoNames {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        let error = ResolveError {
            name: name.to_owned(),
            reason: "unknown".to_owned(),
        };
        Box::pin(async { Err(error) })
    }
}

fn client(policy: EgressPolicy) -> WebhookClient {
    WebhookClient::new(policy, Arc::new(NoNames), limits())
}

async fn post(client: &WebhookClient, url: &str) -> Attempt {
    client.deliver(url, HeaderMap::new(), "{}".into()).await
}
