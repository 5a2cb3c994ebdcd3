//! `GET /v1/events?after=N`: the account's events in the order in which they became true, numbered without gaps.
//!
//! Whoever keeps the last number it has seen misses nothing: the same facts as by webhook, to be read when it suits.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use store::queries::event::account_events_after;
use wire::Problem;
use wire::events::{Event, EventPage};

use super::HttpState;
use super::answer::json;
use super::auth::Customer;
use super::query::pairs;
use crate::present;
use crate::problem::ApiError;

/// What a page holds, unless the request says otherwise.
const PAGE: i64 = 100;
/// The most that a page holds.
const MAX_PAGE: i64 = 500;

/// A page of events after a number; from the first one when none is given.
///
/// # Errors
/// [`ApiError`].
pub async fn list(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (mut after, mut limit) = (0, PAGE);
    for (name, value) in pairs(&uri) {
        let number = value.parse::<i64>().ok();
        match name.as_str() {
            "after" => {
                let number = number.filter(|number| *number >= 0);
                after = number.ok_or_else(|| invalid("after", "it must be a sequence number"))?;
            }
            "limit" => {
                let number = number.filter(|number| (1..=MAX_PAGE).contains(number));
                limit = number.ok_or_else(|| invalid("limit", "it must be from 1 to 500"))?;
            }
            _ => {}
        }
    }
    let account = identity.account_id;
    let read = state
        .app
        .store
        .read_async(move |tx| account_events_after(tx, account, after, limit));
    let found = read.await?;
    let newest = found.last().map_or(after, |last| last.sequence);
    let events = found.iter().map(|event| {
        let created_at = present::micros(event.created_at);
        Event::stored(
            event.sequence,
            format!("msg_{}", event.id),
            created_at,
            &event.body,
        )
    });
    let data: Option<Vec<Event>> = events.collect();
    let data = data.ok_or_else(|| {
        tracing::error!(account = %account, "a stored event is not JSON");
        ApiError::from(Problem::Internal)
    })?;
    let body = EventPage {
        data,
        next_after: newest,
    };
    Ok(json(200, &body))
}

fn invalid(name: &'static str, why: &'static str) -> ApiError {
    let (name, why) = (name.into(), why.into());
    Problem::InvalidParameter { name, why }.into()
}
