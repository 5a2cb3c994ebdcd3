//! Test support: a whole server in the process, over a fake rail and under a clock that the test moves.
//!
//! [`run()`] starts a [`TestServer`] on a database of its own, runs one case, stops the server and audits the books:
//! a case that breaks an invariant fails whatever it asserted. Only tests may depend on this crate, so everything
//! here panics with what it found instead of returning an error.

mod chain;
mod clock;
mod entropy;
mod hub_client;
mod invoice;
mod patience;
mod rail;
mod receiver;
mod rest;
mod run;
mod server;
pub mod sim;

pub use chain::FakeChain;
pub use clock::FakeClock;
pub use entropy::SeededEntropy;
pub use hub_client::HubClient;
pub use invoice::{ForeignInvoice, InvoiceSpec, payee};
pub use patience::{PATIENCE, until};
pub use rail::FakeRail;
pub use receiver::{Received, TestReceiver};
pub use rest::{Answer, Call};
pub use run::{run, run_behind_a_proxy};
pub use server::{ADMIN_TOKEN, Customer, LockedTable, Settings, TestServer, Webhook};
pub use store::testing::{
    CommitFate, CommitFaults, Database, HeldFile, Proxy, postgres, put_faults, sqlite,
};
