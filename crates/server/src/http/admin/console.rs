//! What the console shows beside the rest: what the server is, whether money moves, and what went through an account.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::ids::{AccountId, WithdrawalId};
use store::acts::halt::halted;
use store::queries::activity::{Day, activity as days_of};
use store::queries::story::{EntryKind, Story, story as story_of};
use wire::Problem;
use wire::admin;
use wire::events::Event;

use super::super::HttpState;
use super::super::answer::json;
use super::super::query::pairs;
use super::super::segment::{Segment, Segments};
use crate::hub;
use crate::present;
use crate::problem::ApiError;

/// How many days are shown when nobody says.
const DAYS: i64 = 30;
/// The most that are.
const MOST_DAYS: i64 = 366;

/// What the server is.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn server(State(state): State<HttpState>) -> Response {
    let body = admin::Server {
        version: env!("CARGO_PKG_VERSION"),
        network: state.app.network.name(),
        sandbox: state.is_sandbox,
        hub_path: hub::PATH,
    };
    json(200, &body)
}

/// Whether money moves.
pub async fn server_state(State(state): State<HttpState>) -> Result<Response, ApiError> {
    let halt_reason = state.app.store.read_async(halted).await?;
    let body = admin::ServerState {
        halted: halt_reason.is_some(),
        halt_reason,
    };
    Ok(json(200, &body))
}

/// What went through an account, day by day.
pub async fn activity(
    State(state): State<HttpState>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, ApiError> {
    let account = account(&id)?;
    let pairs = pairs(&uri);
    let asked = pairs.iter().find(|(name, _)| name == "days");
    let days = match asked {
        None => DAYS,
        Some((_, text)) => {
            let number = text
                .parse()
                .ok()
                .filter(|days| (1..=MOST_DAYS).contains(days));
            number.ok_or_else(|| Problem::InvalidParameter {
                name: "days".into(),
                why: "it must be a whole number from 1 to 366".into(),
            })?
        }
    };
    let now = state.app.clock.now();
    let read = state
        .app
        .store
        .read_async(move |tx| days_of(tx, account, now, days));
    let found = read.await?;
    let shown = (0..days).rev().map(|ago| {
        let at = now - SignedDuration::from_hours(24 * ago);
        let number = at.as_second().div_euclid(86_400);
        let day = found.iter().find(|day| day.number == number);
        shown_day(at, &day.copied().unwrap_or_default())
    });
    let body = admin::Activity {
        days: shown.collect(),
    };
    Ok(json(200, &body))
}

fn shown_day(at: Timestamp, day: &Day) -> admin::ActivityDay {
    admin::ActivityDay {
        day: at.strftime("%Y-%m-%d").to_string(),
        received_msat: day.received_msat.get(),
        sent_msat: day.sent_msat.get(),
        fees_msat: day.fees_msat.get(),
        settled: day.settled,
        failed: day.failed,
    }
}

/// What happened to a deposit or withdrawal.
pub async fn story(
    State(state): State<HttpState>,
    Segments(id, subject): Segments,
) -> Result<Response, ApiError> {
    let account = account(&id)?;
    // Ids of deposits are written alike.
    let subject: WithdrawalId = subject
        .parse()
        .map_err(|_| ApiError::not_found("transaction"))?;
    let read = state
        .app
        .store
        .read_async(move |tx| story_of(tx, account, subject.to_bytes()));
    let found = read.await?;
    if found.events.is_empty() && found.entries.is_empty() {
        return Err(ApiError::not_found("transaction"));
    }
    Ok(json(200, &shown_story(&found)?))
}

fn shown_story(story: &Story) -> Result<admin::Story, ApiError> {
    let events = story.events.iter().map(|event| {
        let created_at = present::micros(event.created_at);
        let id = format!("msg_{}", event.id);
        Event::stored(event.sequence, id, created_at, &event.body)
    });
    let events: Option<Vec<Event>> = events.collect();
    let entries = story.entries.iter().map(|entry| admin::StoryEntry {
        debit: entry.debit.to_string(),
        credit: entry.credit.to_string(),
        amount_msat: Msat::get(entry.amount_msat),
        kind: match entry.kind {
            EntryKind::Moved => "moved",
            EntryKind::Held => "held",
            EntryKind::GivenBack => "given back",
        },
        created_at: present::micros(entry.created_at),
    });
    let deliveries = story
        .deliveries
        .iter()
        .map(|delivery| admin::StoryDelivery {
            event_id: format!("msg_{}", delivery.event),
            webhook_id: delivery.endpoint.to_string(),
            url: delivery.url.clone(),
            state: delivery.state.clone(),
            attempts: delivery.attempts,
        });
    Ok(admin::Story {
        events: events.ok_or_else(|| {
            tracing::error!("a stored event is not JSON");
            Problem::Internal
        })?,
        entries: entries.collect(),
        deliveries: deliveries.collect(),
    })
}

fn account(id: &str) -> Result<AccountId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found("account"))
}
