//! The one place with SQL: SQLite and PostgreSQL, migrations, business acts and queries.
//!
//! An act is a synchronous function over an open [`Tx`], so it cannot wait for a network inside a
//! transaction. [`Store`] runs acts, each in a transaction of its own, and answers only when they are durable.
//! Must never let an act see a database through anything but its transaction.

pub mod acts;
mod config;
mod constraint;
pub mod crash_point;
pub mod differences;
mod error;
mod job;
mod migrations;
mod node_state;
mod postgresql;
pub mod queries;
mod queue;
mod row;
pub mod rows;
mod signal;
mod sqlite;
mod store;
#[cfg(feature = "test-support")]
pub mod testing;
mod threads;
mod told;
mod tx;
mod value;

pub use config::StoreConfig;
pub use constraint::Constraint;
pub use differences::Dialect;
pub use error::{Cause, OpenError, StoreError};
pub use node_state::{LeaseError, LeaseOptions};
pub use row::Row;
pub use signal::{Signal, StoreGone, Wakeups};
pub use store::{LeasedNode, Store};
pub use told::Heard;
pub use tx::Tx;
pub use value::Value;
