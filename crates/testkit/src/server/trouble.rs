//! Trouble with the database, made on purpose. It must end with the test that made it.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use store::{LeaseOptions, LeasedNode, StoreError};

use super::TestServer;

/// A table that nobody else can use. Dropping it lets them go on.
pub struct LockedTable {
    unlock: Option<Sender<()>>,
    holder: Option<JoinHandle<()>>,
}

impl Drop for LockedTable {
    fn drop(&mut self) {
        drop(self.unlock.take());
        if let Some(holder) = self.holder.take() {
            holder.join().expect("the lock was held to its end");
        }
    }
}

impl TestServer {
    /// Runs one statement on a connection that writes.
    ///
    /// # Panics
    /// When it fails.
    pub fn run_sql(&self, sql: &'static str) {
        let done = self.store.write(move |tx| tx.query(sql, &[]).map(drop));
        done.map_err(|error: StoreError| error)
            .expect("SQL of a test");
    }

    /// What a query counts.
    ///
    /// # Panics
    /// When it fails.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let count = self
            .store
            .read_async(move |tx| tx.query(sql, &[])?[0].int(0))
            .await;
        count
            .map_err(|error: StoreError| error)
            .expect("a query of a test")
    }

    /// Takes the lease of a node, as another process would. PostgreSQL only.
    ///
    /// # Panics
    /// When another has it.
    pub async fn lease_node(&self, node: &'static str, options: LeaseOptions) -> LeasedNode {
        let store = self.store.clone();
        let taken = tokio::task::spawn_blocking(move || store.lease_node(node, options)).await;
        taken
            .expect("a lease or the reason why not")
            .expect("a lease")
    }

    /// Runs a `LOCK TABLE` and keeps the lock. PostgreSQL only.
    ///
    /// # Panics
    /// When the table cannot be locked.
    #[must_use]
    pub fn lock_table(&self, sql: &'static str) -> LockedTable {
        let (locked, is_locked) = channel();
        let (unlock, unlocked) = channel::<()>();
        let store = self.store.clone();
        let holder = std::thread::spawn(move || {
            let held = store.write(move |tx| {
                tx.execute(sql, &[])?;
                // Either side may be gone: the test has failed then.
                let _told = locked.send(());
                let _dropped = unlocked.recv();
                Ok::<_, StoreError>(())
            });
            held.expect("a lock");
        });
        is_locked.recv().expect("a table that can be locked");
        LockedTable {
            unlock: Some(unlock),
            holder: Some(holder),
        }
    }
}
