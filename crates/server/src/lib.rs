//! The leyden server: configuration, flows, REST, hub, workers, sandbox and command line.
//!
//! [`compose`] is the only place that names concrete adapters. Everything else sees ports and the store.

pub mod app;
pub mod audit;
pub mod cli;
pub mod compose;
pub mod config;
pub mod console;
pub mod event_bodies;
pub mod fail_stop;
pub mod flows;
pub mod http;
pub mod hub;
pub mod identity;
pub mod node_link;
pub mod node_role;
pub mod own_addresses;
pub mod present;
pub mod problem;
pub mod reconciliation;
pub mod roles;
pub mod sandbox;
pub mod sealing;
pub mod secret_file;
pub mod serving;
mod webhook_headers;
pub mod workers;
