//! Several `leyden serve` processes on one PostgreSQL database, with real Lightning payments to a node of the test.

mod bank;
mod cluster;
mod economy;
mod failover;
mod hubs;
pub mod process;
