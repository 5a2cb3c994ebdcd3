//! Webhooks: made by the admin API, delivered by the worker.

mod admin;
mod calls;
mod delivery;
mod faults;
mod isolation;
mod operations;
mod order;
mod outages;
mod recovery;
pub(crate) mod signature;
