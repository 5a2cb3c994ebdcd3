//! A server over any rail: its workers and its interfaces, by the roles it has, started and stopped in order.
//!
//! Knows no node: the rail is a port, so tests serve over a fake one. What stands between the node and the books runs
//! only where the node runs, and may begin later than the rest: a process may have to wait for the node's lease.
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
use jiff::SignedDuration;
use payments::ports::{NodeOperator, NodeView};
pub use signalr_server::Clients;
use signalr_server::Hub;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webhooks::client::Limits;
use webhooks::resolve::{SetupError, SystemResolver};
use webhooks::{EgressPolicy, SealingKey, WebhookClient};
use wire::hercle::DataFormat;

use crate::app::{App, NodeApp};
use crate::http::auth::AdminTokenHash;
use crate::http::client_address::TrustedProxies;
use crate::http::rate_limit::RateLimit;
use crate::http::{HttpState, router};
use crate::roles::{Role, Roles};
use crate::workers::onchain::ChainWatcher;
use crate::workers::reconciler::Pace;
use crate::workers::webhooks::Sender;
use crate::{console, hub, workers};

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
    /// What this process does. The role `node` begins with [`Serving::run_node`].
    pub roles: Roles,
    /// How the hub writes `data` for connections that do not choose.
    pub hub_format: DataFormat,
    /// Where webhooks may go; our own address is never allowed.
    pub egress: EgressPolicy,
    /// The admin token.
    pub admin_token: String,
    /// What the secrets of webhooks are sealed with.
    pub sealing: SealingKey,
    /// How long the node keeps its own record of a payment that is final.
    pub keep_node_records: SignedDuration,
    /// The proxies in front whose word on who calls counts.
    pub trusted_proxies: TrustedProxies,
    /// How often a key may call each process in a second; `None`: as often as it likes.
    pub requests_per_second: Option<u32>,
    /// Whether it is a sandbox.
    pub is_sandbox: bool,
}

/// A server that serves.
pub struct Serving {
    /// What handlers and workers share.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    hub: Option<Hub>,
    stop: CancellationToken,
    tasks: TaskTracker,
    keep_node_records: SignedDuration,
    http: tokio::task::JoinHandle<()>,
    events: Option<JoinHandle<()>>,
}

/// Starts the workers and the interfaces of the roles `api` and `worker`. A process without the role `api` answers
/// for its health alone. What `extra` makes is served beside them (the sandbox's calls).
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    app: App,
    options: ServeOptions,
    listener: TcpListener,
    extra: impl FnOnce(&HttpState) -> Router,
) -> Result<Serving, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let egress = options.egress.forbid(address);
    let resolver = Arc::new(SystemResolver::new()?);
    let client = WebhookClient::new(egress.clone(), resolver, Limits::default());
    if options.roles.has(Role::Worker) {
        let sender = Sender::new(client.clone(), options.sealing.clone());
        start_workers(&app, sender, &stop, &tasks);
    }
    let state = HttpState {
        app: app.clone(),
        admin_token_hash: AdminTokenHash::of(&options.admin_token),
        egress,
        webhooks: client,
        rate: RateLimit::new(options.requests_per_second),
        sealing: options.sealing,
        needs_node: options.roles.has(Role::Api),
        is_sandbox: options.is_sandbox,
    };
    let extra = extra(&state);
    let (hub, everything) = if options.roles.has(Role::Api) {
        let (begun, has_begun) = watch::channel(false);
        let (returned, back) = mpsc::unbounded_channel();
        let hub = hub::build(&app, options.hub_format, has_begun, returned);
        tasks.spawn(guarded(
            "hub events",
            &stop,
            hub::events::pump(app.clone(), hub.clients().here(), stop.clone(), begun, back),
        ));
        let rest = router::with_timeout(router::router(state.clone())).merge(extra);
        let rest = router::surround(rest, console::page(state));
        let everything = hub.mount(hub::PATH, rest);
        (Some(hub), everything)
    } else {
        let health = router::with_timeout(router::health(state)).merge(extra);
        (None, router::surround(health, router::nothing_there()))
    };
    let everything = router::with_caller(everything, options.trusted_proxies, app.ids.clone());
    let http = tokio::spawn(listen(listener, everything, stop.clone()));
    Ok(Serving {
        app,
        address,
        hub,
        stop,
        tasks,
        keep_node_records: options.keep_node_records,
        http,
        events: None,
    })
}

fn start_workers(app: &App, sender: Sender, stop: &CancellationToken, tasks: &TaskTracker) {
    tasks.spawn(guarded(
        "webhooks",
        stop,
        workers::webhooks::run(app.clone(), sender, stop.clone()),
    ));
    tasks.spawn(guarded(
        "invoice expiry",
        stop,
        workers::invoice_expiry::run(app.clone(), stop.clone()),
    ));
}

async fn listen(listener: TcpListener, everything: Router, stop: CancellationToken) {
    // Small frames leave at once: waiting for the acknowledgement of the one before costs about 40 ms each.
    let listener = listener.tap_io(|tcp| {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its small frames back");
        }
    });
    let everything = everything.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, everything)
        .with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the HTTP server ended");
    }
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

fn event_thread(app: &NodeApp, stop: &CancellationToken) -> Result<JoinHandle<()>, ServeError> {
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
    /// The node runs in this process from now on: starts what stands between it and the books.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn run_node(&mut self, node: NodeApp) -> Result<(), ServeError> {
        self.app.node.attach(Arc::clone(&node.rail));
        self.events = Some(event_thread(&node, &self.stop)?);
        self.tasks.spawn(guarded(
            "node commands",
            &self.stop,
            workers::node_commands::run(node.clone(), self.stop.clone()),
        ));
        self.tasks.spawn(guarded(
            "dispatcher",
            &self.stop,
            workers::dispatcher::run(node.clone(), self.stop.clone()),
        ));
        self.tasks.spawn(guarded(
            "resend",
            &self.stop,
            workers::resend::run(node.clone(), self.stop.clone()),
        ));
        self.tasks.spawn(guarded(
            "node records",
            &self.stop,
            workers::node_records::run(node, self.keep_node_records, self.stop.clone()),
        ));
        Ok(())
    }

    /// Compares the books with the node from now on.
    pub fn reconcile(&self, node: &NodeApp, view: Arc<dyn NodeView>, pace: Pace) {
        let run = workers::reconciler::run(node.app.clone(), view, pace, self.stop.clone());
        self.tasks.spawn(guarded("reconciler", &self.stop, run));
    }

    /// Looks at the chain for the customers' coins from now on, at least so often.
    pub fn watch_chain(&self, watcher: Arc<ChainWatcher>, every: Duration) {
        let run = workers::onchain::run(watcher, every, self.stop.clone());
        self.tasks.spawn(guarded("on-chain", &self.stop, run));
    }

    /// Lets the operator reach the node, and reopens what a crash has closed, as far as `reopen` wants it.
    pub fn operate(&self, node: &NodeApp, operator: Arc<dyn NodeOperator>, reopen: bool) {
        self.app.node.attach_operator(Arc::clone(&operator));
        let run = workers::reopening::run(node.app.clone(), operator, reopen, self.stop.clone());
        self.tasks.spawn(guarded("reopening", &self.stop, run));
    }

    /// The clients of the hub, of this process and of all others; `None` without the role `api`.
    #[must_use]
    pub fn clients(&self) -> Option<Clients> {
        self.hub.as_ref().map(Hub::clients)
    }

    /// Stops in order. What is in flight stays in flight, and is found again at the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(hub) = self.hub {
            hub.shutdown(PATIENCE).await;
        }
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
        if let Some(events) = self.events {
            let joined = tokio::task::spawn_blocking(move || events.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the thread of the node's events did not end well");
            }
        }
    }
}
