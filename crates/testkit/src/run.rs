//! [`run`]: one case on one database.

use std::sync::Arc;

use store::testing::{Database, Proxy};

use crate::server::TestServer;

/// Starts a server on `database`, runs `case`, stops the server and audits the books.
///
/// # Panics
/// When the case does, or when an invariant is broken in the end.
pub fn run(database: &Database, case: impl AsyncFnOnce(&mut TestServer)) {
    runtime().block_on(async {
        let mut server = TestServer::start(database).await;
        case(&mut server).await;
        server.stop().await;
    });
}

/// As [`run`], with a proxy between the server and its database. PostgreSQL only.
///
/// # Panics
/// See [`run`].
pub fn run_behind_a_proxy(
    database: &Database,
    case: impl AsyncFnOnce(&mut TestServer, Arc<Proxy>),
) {
    let (config, proxy) = database.through_a_proxy();
    runtime().block_on(async {
        let mut server = TestServer::start_with(config).await;
        case(&mut server, Arc::new(proxy)).await;
        server.stop().await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}
