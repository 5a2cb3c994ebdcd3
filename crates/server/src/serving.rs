//! A server over any rail: its workers and its interfaces, started and stopped in order.
//!
//! Knows no node: the rail is a port, so tests serve over a fake one.
//!
//! Order of the stop: no new requests, the hub says good-bye, workers finish what they hold.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use futures_util::FutureExt;
use signalr_server::Hub;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webhooks::client::Limits;
use webhooks::resolve::{SetupError, SystemResolver};
use webhooks::{EgressPolicy, WebhookClient};
use wire::hercle::DataFormat;

use crate::app::App;
use crate::http::auth::AdminTokenHash;
use crate::http::{HttpState, router};
use crate::{hub, workers};

/// How long a stop waits for requests and connections.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener has no address.
    #[error("the listener cannot be used")]
    Listener(#[source] std::io::Error),
    /// The name resolver of webhooks.
    #[error("the name resolver cannot be set up")]
    Resolver(#[from] SetupError),
    /// A thread could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

/// How a server serves.
pub struct ServeOptions {
    /// How the hub writes `data` for connections that do not choose.
    pub hub_format: DataFormat,
    /// Where webhooks may go; our own address is never allowed.
    pub egress: EgressPolicy,
    /// The admin token.
    pub admin_token: String,
}

/// A server that serves.
pub struct Serving {
    /// What handlers and workers share.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    hub: Hub,
    stop: CancellationToken,
    tasks: TaskTracker,
    http: tokio::task::JoinHandle<()>,
    events: JoinHandle<()>,
}

/// Starts the workers and the interfaces. `extra` is served beside them (the sandbox's calls).
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    app: App,
    options: ServeOptions,
    listener: TcpListener,
    extra: Router,
) -> Result<Serving, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let egress = options.egress.forbid(address);
    let hub = hub::build(&app, options.hub_format);
    let resolver = Arc::new(SystemResolver::new()?);
    let client = WebhookClient::new(egress.clone(), resolver, Limits::default());
    tasks.spawn(guarded(
        "hub events",
        &stop,
        hub::events::pump(app.clone(), hub.clients(), stop.clone()),
    ));
    tasks.spawn(guarded(
        "dispatcher",
        &stop,
        workers::dispatcher::run(app.clone(), stop.clone()),
    ));
    tasks.spawn(guarded(
        "webhooks",
        &stop,
        workers::webhooks::run(app.clone(), client, stop.clone()),
    ));
    tasks.spawn(guarded(
        "invoice expiry",
        &stop,
        workers::invoice_expiry::run(app.clone(), stop.clone()),
    ));
    let events = event_thread(&app, &stop)?;

    let admin_token_hash = AdminTokenHash::of(&options.admin_token);
    let state = HttpState {
        app: app.clone(),
        admin_token_hash,
        egress,
    };
    let rest = router::with_timeout(router::router(state)).merge(extra);
    let everything = hub.mount(hub::PATH, router::surround(rest));
    let closing = stop.clone();
    let http = tokio::spawn(async move {
        // Small frames leave at once: waiting for the acknowledgement of the one before costs about 40 ms each.
        let listener = listener.tap_io(|tcp| {
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its small frames back");
            }
        });
        let served = axum::serve(listener, everything)
            .with_graceful_shutdown(async move { closing.cancelled().await });
        if let Err(error) = served.await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok(Serving {
        app,
        address,
        hub,
        stop,
        tasks,
        http,
        events,
    })
}

/// A worker that ends before it is told to would leave money going out and nothing being settled.
fn guarded(
    name: &'static str,
    stop: &CancellationToken,
    worker: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let stop = stop.clone();
    async move {
        let ended = AssertUnwindSafe(worker).catch_unwind().await;
        if ended.is_err() || !stop.is_cancelled() {
            end_the_process(name);
        }
    }
}

/// The state on disk is that of a crash, which every start expects.
fn end_the_process(worker: &'static str) -> ! {
    tracing::error!(worker, "ALERT: a worker has failed; the process ends");
    std::process::abort()
}

fn event_thread(app: &App, stop: &CancellationToken) -> Result<JoinHandle<()>, ServeError> {
    let (app, stop) = (app.clone(), stop.clone());
    std::thread::Builder::new()
        .name("rail-events".to_owned())
        .spawn(move || {
            let run = AssertUnwindSafe(|| workers::rail_events::run(&app, &stop));
            if std::panic::catch_unwind(run).is_err() {
                end_the_process("rail events");
            }
        })
        .map_err(ServeError::Thread)
}

impl Serving {
    /// Stops in order. What is in flight stays in flight, and is found again at the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        self.hub.shutdown(PATIENCE).await;
        if tokio::time::timeout(PATIENCE, self.http).await.is_err() {
            tracing::warn!("requests were cut off");
        }
        self.tasks.close();
        if tokio::time::timeout(PATIENCE * 2, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("workers were cut off");
        }
        let events = self.events;
        if !matches!(
            tokio::task::spawn_blocking(move || events.join()).await,
            Ok(Ok(()))
        ) {
            tracing::error!("the thread of the node's events did not end well");
        }
    }
}
