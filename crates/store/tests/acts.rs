//! The conformance suite of the business acts: the same cases on both databases, and the audit at
//! the end of each.
//!
//! PostgreSQL is the server that `LEYDEN_TEST_POSTGRES_URL` names; without the variable its cases
//! fail, and only `none` leaves them out. There the acts of a case go to two stores in turn, as
//! those of two server processes do.

#[path = "acts/accounts.rs"]
mod accounts;
#[path = "acts/approvals.rs"]
mod approvals;
#[path = "acts/audit.rs"]
mod audit;
#[path = "acts/builders.rs"]
mod builders;
#[path = "acts/deliveries.rs"]
mod deliveries;
#[path = "acts/deposit.rs"]
mod deposit;
#[path = "acts/dispatch.rs"]
mod dispatch;
#[path = "acts/expiry.rs"]
mod expiry;
#[path = "acts/harness.rs"]
mod harness;
#[path = "acts/idempotency.rs"]
mod idempotency;
#[path = "acts/internal.rs"]
mod internal;
#[path = "acts/limits.rs"]
mod limits;
#[path = "acts/mix.rs"]
mod mix;
#[path = "acts/model.rs"]
mod model;
#[path = "acts/outbox.rs"]
mod outbox;
#[path = "acts/outcome.rs"]
mod outcome;
#[path = "acts/plans.rs"]
mod plans;
#[path = "acts/posting.rs"]
mod posting;
#[path = "acts/races.rs"]
mod races;
#[path = "acts/reconciliation.rs"]
mod reconciliation;
#[path = "acts/replays.rs"]
mod replays;
#[path = "acts/reserve.rs"]
mod reserve;
#[path = "acts/retry.rs"]
mod retry;
#[path = "acts/send_all.rs"]
mod send_all;
#[path = "acts/siphon.rs"]
mod siphon;
#[path = "acts/suspense.rs"]
mod suspense;
#[path = "acts/transactions.rs"]
mod transactions;
