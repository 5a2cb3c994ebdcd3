//! What a request says of a webhook. What may be called, and which headers may be set, is not for it to judge.

use std::collections::BTreeMap;

use crate::Problem;
use crate::bitvora::EventName;
use crate::fields::{Fields, invalid};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;
/// The most attempts that may be under way to an endpoint at once.
const MAX_IN_FLIGHT: u64 = 100;
/// The highest rate.
const MAX_PER_SECOND: u64 = 10_000;

/// POST `/admin/v1/webhooks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWebhookRequest {
    /// Where to send events. Whether it may be called is for the egress rules to say.
    pub url: String,
    /// The rest; events that are not named mean all of them.
    pub settings: WebhookSettings,
    /// The account; `None` means the only one.
    pub account_id: Option<String>,
}

/// What may be said of a webhook when it is made, and changed later (PATCH `/admin/v1/webhooks/{id}`). `None` leaves it
/// as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where to send events.
    pub url: Option<String>,
    /// The events to send, without repetition and in the order of the contract.
    pub events: Option<Vec<EventName>>,
    /// What people call it.
    pub description: Option<String>,
    /// Headers of its own. Which may be set is for the sender to say.
    pub headers: Option<BTreeMap<String, String>>,
    /// Whether events about the same object are sent one after the other.
    pub ordered: Option<bool>,
    /// Its own schedule, in seconds; `Some(None)`: the usual one.
    pub retry_seconds: Option<Option<Vec<u64>>>,
    /// How many attempts may be under way at once.
    pub max_in_flight: Option<u32>,
    /// How many attempts may begin in a second; `Some(None)`: as many as it takes.
    pub per_second: Option<Option<u32>>,
}

impl CreateWebhookRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field or the unknown event.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let url = fields.required_string("url")?;
        Ok(Self {
            url,
            settings: WebhookSettings::read(&fields)?,
            account_id: fields.string("account_id")?,
        })
    }
}

impl WebhookSettings {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field or the unknown event.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Self::read(&Fields::parse(body)?)
    }

    fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        let description = fields.string("description")?;
        if description
            .as_ref()
            .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION)
        {
            return Err(invalid(
                "description",
                "it must have at most 200 characters",
            ));
        }
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let per_second = number(fields, "per_second", 0..=MAX_PER_SECOND)?.map(small);
        let max_in_flight = number(fields, "max_in_flight", 1..=MAX_IN_FLIGHT)?.map(small);
        Ok(Self {
            url: fields.string("url")?,
            events: events(fields)?,
            description,
            headers: headers(fields)?,
            ordered: fields
                .raw("ordered")?
                .map(|_| fields.flag("ordered"))
                .transpose()?,
            retry_seconds: retry_seconds(fields)?,
            max_in_flight,
            per_second: per_second.map(|rate| (rate > 0).then_some(rate)),
        })
    }
}

/// The events that a list names: whole names, groups such as `deposit.*`, or `*`.
fn events(fields: &Fields<'_>) -> Result<Option<Vec<EventName>>, Problem> {
    let Some(names) = fields.strings("events")? else {
        return Ok(None);
    };
    if names.is_empty() {
        return Err(invalid("events", "it must name at least one event"));
    }
    let mut events = Vec::new();
    for name in &names {
        let group: Vec<EventName> = match name.strip_suffix('*') {
            Some(start) if start.is_empty() || start.ends_with('.') => {
                let all = EventName::all().iter().copied();
                all.filter(|event| event.as_str().starts_with(start))
                    .collect()
            }
            _ => vec![EventName::from_request(name)?],
        };
        if group.is_empty() {
            return Err(Problem::UnknownEvent { name: name.clone() });
        }
        events.extend(group);
    }
    events.sort_unstable();
    events.dedup();
    Ok(Some(events))
}

fn headers(fields: &Fields<'_>) -> Result<Option<BTreeMap<String, String>>, Problem> {
    let wrong = |_| invalid("headers", "it must be an object whose values are strings");
    let text = fields.raw("headers")?;
    text.map(|text| serde_json::from_str(text).map_err(wrong))
        .transpose()
}

fn retry_seconds(fields: &Fields<'_>) -> Result<Option<Option<Vec<u64>>>, Problem> {
    let why = "it must be \"default\" or an array of whole seconds";
    match fields.raw("retry_seconds")? {
        None => Ok(None),
        Some("\"default\"") => Ok(Some(None)),
        Some(text) => serde_json::from_str(text)
            .map(|delays| Some(Some(delays)))
            .map_err(|_| invalid("retry_seconds", why)),
    }
}

fn number(
    fields: &Fields<'_>,
    name: &'static str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, Problem> {
    let Some(text) = fields.raw(name)? else {
        return Ok(None);
    };
    let number = serde_json::from_str(text)
        .ok()
        .filter(|number| range.contains(number));
    let why = || {
        format!(
            "it must be a whole number from {} to {}",
            range.start(),
            range.end()
        )
    };
    number.map(Some).ok_or_else(|| invalid(name, why()))
}

/// POST `/admin/v1/webhooks/{id}/rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotateRequest {
    /// How long the old secret signs as well, in seconds: a day, unless the request says otherwise.
    pub keep_old_seconds: u32,
}

impl RotateRequest {
    /// Reads a body, which may be missing.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse_optional(body)?;
        let keep = number(&fields, "keep_old_seconds", 0..=30 * 86_400)?.unwrap_or(86_400);
        Ok(Self {
            keep_old_seconds: u32::try_from(keep).unwrap_or(u32::MAX),
        })
    }
}

/// POST `/admin/v1/webhooks/{id}/replay`: the events from a time up to another that the webhook has not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    /// From when, as the request writes it (RFC 3339).
    pub from: String,
    /// Until when; `None`: now.
    pub until: Option<String>,
}

impl ReplayRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            from: fields.required_string("from")?,
            until: fields.string("until")?,
        })
    }
}
