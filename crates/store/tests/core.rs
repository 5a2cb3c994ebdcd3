//! The store's transactions, threads, migrations and node state: the same cases on both databases.
//!
//! PostgreSQL is the server that `LEYDEN_TEST_POSTGRES_URL` names; without the variable its cases
//! fail, and only `none` leaves them out.

#[path = "core/cases.rs"]
mod cases;
#[path = "core/group_commit.rs"]
mod group_commit;
#[path = "core/lease.rs"]
mod lease;
#[path = "core/migrations.rs"]
mod migrations;
#[path = "core/node_commands.rs"]
mod node_commands;
#[path = "core/node_state.rs"]
mod node_state;
#[path = "core/notices.rs"]
mod notices;
#[path = "core/opening.rs"]
mod opening;
#[path = "core/outages.rs"]
mod outages;
#[path = "core/statements.rs"]
mod statements;
#[path = "core/transactions.rs"]
mod transactions;
