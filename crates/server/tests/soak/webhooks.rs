//! Webhooks at length: several processes that are killed or stand still, a big backlog, and a thousand dead endpoints.

mod backlog;
mod crowd;
mod leaks;
mod office;
mod several;
