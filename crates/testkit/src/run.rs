//! [`run`]: one case on one database.

use store::testing::Database;

use crate::server::TestServer;

/// Starts a server on `database`, runs `case`, stops the server and audits the books.
///
/// # Panics
/// When the case does, or when an invariant is broken in the end.
pub fn run(database: &Database, case: impl AsyncFnOnce(&mut TestServer)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut server = TestServer::start(database).await;
        case(&mut server).await;
        server.stop().await;
    });
}
