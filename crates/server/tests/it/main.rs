//! The whole server in the process, over a fake rail and under a moved clock, through its own interfaces.
//!
//! Every case runs on SQLite, and those whose outcome depends on the database on PostgreSQL as well. After each one
//! the books are audited.

#[macro_use]
mod cases;

mod acceptance;
mod admin;
mod auth;
mod balance;
mod edges;
mod hub;
mod internal;
mod invoices;
mod keys;
mod node;
mod onchain;
mod openapi;
mod outages;
mod people;
mod processes;
mod reconciliation;
mod steps;
mod surface;
mod suspense;
mod transactions;
mod webhooks;
mod withdrawals;
mod workers;
