//! Webhooks: made by the admin API, delivered by the worker.

mod admin;
mod delivery;
pub(crate) mod signature;
