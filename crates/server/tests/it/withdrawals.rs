//! `POST /v1/bitcoin/withdraw/confirm` and what becomes of a withdrawal.

mod answers;
mod contradictions;
mod extensions;
mod idempotency;
mod outcomes;
mod pending;
pub(crate) mod refusals;
mod retries;
