//! Webhooks: made by the admin API, delivered by the worker.

mod admin;
mod delivery;
mod isolation;
mod operations;
mod order;
pub(crate) mod signature;
