//! The stores of the bare nodes: ldk-node's own, and two of ours that do no more than they must.
//!
//! They are rivals and measure what a store costs: nothing of the product may use them.

mod memory;
mod wal;

use std::path::Path;
use std::sync::Arc;

use ldk_node::lightning::io;
use ldk_node::{BuildError, Builder, Node};

/// Where a bare node keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kept {
    /// ldk-node's default: SQLite with a rollback journal.
    Default,
    /// SQLite with a write-ahead log and `synchronous=FULL`.
    Wal,
    /// Nowhere: it is lost with the process. The ceiling.
    Memory,
}

impl Kept {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Default, Self::Wal, Self::Memory];

    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Wal => "WAL+FULL",
            Self::Memory => "memory",
        }
    }
}

/// Builds a node that keeps its state so, in `folder`.
pub fn build(builder: &Builder, kept: Kept, folder: &Path) -> Result<Node, BuildError> {
    match kept {
        Kept::Default => builder.build(),
        Kept::Wal => {
            let opened = wal::WalStore::open(&folder.join("state.sqlite"));
            let store = opened.map_err(|_| BuildError::KVStoreSetupFailed)?;
            builder.build_with_store(Arc::new(store))
        }
        Kept::Memory => builder.build_with_store(Arc::new(memory::MemoryStore::default())),
    }
}

/// A place in a store: the two namespaces and the key.
type Place = (String, String, String);

fn place(primary: &str, secondary: &str, key: &str) -> Place {
    (primary.to_owned(), secondary.to_owned(), key.to_owned())
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no value at this key")
}

/// LDK's asynchronous face of a store whose every call answers when it is done, in the order of the calls.
macro_rules! asynchronous {
    ($store:ty) => {
        impl KVStore for $store {
            fn read(
                &self,
                a: &str,
                b: &str,
                key: &str,
            ) -> AsyncResult<'static, Vec<u8>, io::Error> {
                Box::pin(std::future::ready(KVStoreSync::read(self, a, b, key)))
            }

            fn write(
                &self,
                a: &str,
                b: &str,
                key: &str,
                value: Vec<u8>,
            ) -> AsyncResult<'static, (), io::Error> {
                self.write_later(a, b, key, value)
            }

            fn remove(
                &self,
                a: &str,
                b: &str,
                key: &str,
                lazy: bool,
            ) -> AsyncResult<'static, (), io::Error> {
                Box::pin(std::future::ready(KVStoreSync::remove(
                    self, a, b, key, lazy,
                )))
            }

            fn list(&self, a: &str, b: &str) -> AsyncResult<'static, Vec<String>, io::Error> {
                Box::pin(std::future::ready(KVStoreSync::list(self, a, b)))
            }
        }
    };
}
use asynchronous;
