//! What the console asks for beside the rest: `/admin/v1/server`, the activity and the story of an account's payments.

use serde::Serialize;

use crate::events::Event;
use crate::schema::describe;
use crate::time::Micros;

/// What the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its version.
    pub version: &'static str,
    /// The Bitcoin network.
    pub network: &'static str,
    /// Whether it is a sandbox.
    pub sandbox: bool,
    /// Where the hub is.
    pub hub_path: &'static str,
}

/// Whether money moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerState {
    /// Whether it is halted.
    pub halted: bool,
    /// Why, while it is.
    pub halt_reason: Option<String>,
}

/// What went through an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// One for each day, oldest first, those without any included.
    pub days: Vec<ActivityDay>,
}

/// One day of UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityDay {
    /// Its date, as `2026-11-21`.
    pub day: String,
    /// What came in.
    pub received_msat: i64,
    /// What went out and arrived.
    pub sent_msat: i64,
    /// What that cost.
    pub fees_msat: i64,
    /// Withdrawals that arrived.
    pub settled: i64,
    /// Withdrawals that did not.
    pub failed: i64,
}

/// What happened to one deposit or withdrawal.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// Its events, oldest first.
    pub events: Vec<Event>,
    /// Its transfers in the books, oldest first.
    pub entries: Vec<StoryEntry>,
    /// Who was told.
    pub deliveries: Vec<StoryDelivery>,
}

/// A transfer of the double-entry books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoryEntry {
    /// The account that gives.
    pub debit: String,
    /// The account that gets.
    pub credit: String,
    /// How much.
    pub amount_msat: i64,
    /// `moved`, `held` or `given back`.
    pub kind: &'static str,
    /// When it was booked.
    pub created_at: Micros,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoryDelivery {
    /// The event.
    pub event_id: String,
    /// The endpoint.
    pub webhook_id: String,
    /// Where that is.
    pub url: String,
    /// How it stands.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
}

describe! { Server, "Server", flat [],
    version => "version",
    network => "network",
    sandbox => "sandbox",
    hub_path => "hub_path",
}

describe! { ServerState, "ServerState", flat [],
    halted => "halted",
    halt_reason => "halt_reason",
}

describe! { Activity, "Activity", flat [],
    days => "days",
}

describe! { ActivityDay, "ActivityDay", flat [],
    day => "day",
    received_msat => "received_msat",
    sent_msat => "sent_msat",
    fees_msat => "fees_msat",
    settled => "settled",
    failed => "failed",
}

describe! { Story, "Story", flat [],
    events => "events",
    entries => "entries",
    deliveries => "deliveries",
}

describe! { StoryEntry, "StoryEntry", flat [],
    debit => "debit",
    credit => "credit",
    amount_msat => "amount_msat",
    kind => "kind",
    created_at => "created_at",
}

describe! { StoryDelivery, "StoryDelivery", flat [],
    event_id => "event_id",
    webhook_id => "webhook_id",
    url => "url",
    state => "state",
    attempts => "attempts",
}
