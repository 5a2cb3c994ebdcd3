//! A schema of its own on a PostgreSQL server, gone when it is dropped.

use std::sync::atomic::{AtomicU64, Ordering};

use postgres::{Client, NoTls};
use store::StoreConfig;

use crate::books::BooksError;

/// An empty schema.
pub struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// Makes one.
    pub fn make(server: &str) -> Result<Self, BooksError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{}_{count}", std::process::id());
        connect(server)?.batch_execute(&format!("CREATE SCHEMA {name}"))?;
        Ok(Self {
            server: server.to_owned(),
            name,
        })
    }

    /// How the store opens it.
    pub fn config(&self, connections: usize) -> StoreConfig {
        StoreConfig::Postgres {
            url: self.url(),
            threads: connections,
        }
    }

    /// A bare connection to it.
    pub fn client(&self) -> Result<Client, BooksError> {
        Ok(connect(&self.url())?)
    }

    fn url(&self) -> String {
        let (server, name) = (&self.server, &self.name);
        let joint = if server.contains('?') { '&' } else { '?' };
        format!("{server}{joint}options=-c%20search_path%3D{name}")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        if let Ok(mut client) = connect(&self.server) {
            // What stays behind is in a schema of its own, on a server for tests.
            drop(client.batch_execute(&sql));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a rival of the store")]
fn connect(url: &str) -> Result<Client, postgres::Error> {
    Client::connect(url, NoTls)
}
