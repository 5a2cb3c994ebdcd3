//! Webhooks in the admin API.
//!
//! A secret is shown once, when it is made; no other body may hold it, nor the values of an endpoint's own headers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::Problem;
use crate::bitvora::EventName;
use crate::fields::{Fields, invalid};
use crate::schema::describe;
use crate::time::Micros;

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

/// A webhook, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The account whose events it gets.
    pub account_id: String,
    /// Where events are sent.
    pub url: String,
    /// What people call it.
    pub description: String,
    /// Which events are sent.
    pub events: Vec<EventName>,
    /// The names of its own headers: their values may be secrets.
    pub headers: Vec<String>,
    /// `active`, `paused` or `disabled`.
    pub state: &'static str,
    /// Whether it was switched off: by hand, by a `410 Gone`, or after five days of failures.
    pub disabled: bool,
    /// Why it is disabled, while it is: `operator`, `gone` or `failing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<&'static str>,
    /// Whether events about the same object are sent one after the other.
    pub ordered: bool,
    /// Its own schedule, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_seconds: Option<Vec<u64>>,
    /// How many attempts may be under way at once.
    pub max_in_flight: u32,
    /// How many attempts may begin in a second, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// The answer to whatever makes a secret.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CreatedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret: 64 hexadecimal characters, used as text in `bitvora-signature`.
    pub secret: String,
    /// The same secret for Standard Webhooks: `whsec_` and the base64 of its 64 ASCII bytes.
    pub standard_secret: String,
}

impl fmt::Debug for CreatedWebhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CreatedWebhook")
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}

/// A delivery in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDelivery {
    /// The event's id, as receivers see it: `webhook-id`.
    pub id: String,
    /// What happened.
    pub event: String,
    /// When it happened.
    pub occurred_at: Micros,
    /// Where the delivery stands.
    pub state: &'static str,
    /// How many attempts were made.
    pub attempts: i64,
    /// When the next is due, while one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Micros>,
    /// The status of the last attempt, where one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<i64>,
    /// Why the last attempt failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDeliveries {
    /// The deliveries, newest first.
    pub data: Vec<WebhookDelivery>,
    /// The `cursor` of the next page, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An attempt in the log. What a receiver answered is untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookAttempt {
    /// The how-manieth of its delivery, from 1.
    pub number: i64,
    /// When it was started; for a lost one, when that was found out.
    pub started_at: Micros,
    /// `delivered`, `failed` or `unknown`.
    pub outcome: String,
    /// The HTTP status, when one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Why none came, or why it is a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where the time went, in microseconds.
    pub latency_us: AttemptLatency,
    /// The beginning of what the receiver answered.
    pub response: String,
}

/// Where the time of an attempt went. What set up the connection is absent where it was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AttemptLatency {
    /// For the addresses of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<i64>,
    /// For the TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<i64>,
    /// For the TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<i64>,
    /// From the start until the status came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<i64>,
    /// From the start to the end.
    pub total: i64,
}

/// A delivery with its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDeliveryDetails {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: WebhookDelivery,
    /// Its latest attempts, oldest first.
    pub log: Vec<WebhookAttempt>,
}

/// The answer to a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// How many deliveries are on their way by it; what was on its way before is left as it is.
    pub replayed: u64,
}

/// The answer to a test message: its one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestMessage {
    /// The id that it had: `webhook-id`.
    pub id: String,
    /// Whether it was taken.
    pub delivered: bool,
    /// The attempt.
    #[serde(flatten)]
    pub attempt: WebhookAttempt,
}

/// The body of a test message.
#[must_use]
pub fn test_event(webhook_id: &str, id: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Data<'a> {
        id: &'a str,
        webhook_id: &'a str,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        event: &'static str,
        data: Data<'a>,
    }
    let data = Data { id, webhook_id };
    let event = "webhook.test";
    serde_json::to_vec(&Body { event, data }).expect("strings always serialise")
}

describe! { Webhook, "Webhook", flat [],
    id => "id",
    account_id => "account_id",
    url => "url",
    description => "description",
    events => "events",
    headers => "headers",
    state => "state",
    disabled => "disabled",
    disabled_reason => "disabled_reason",
    ordered => "ordered",
    retry_seconds => "retry_seconds",
    max_in_flight => "max_in_flight",
    per_second => "per_second",
    created_at => "created_at",
    updated_at => "updated_at",
}

describe! { CreatedWebhook, "CreatedWebhook", flat [webhook],
    secret => "secret",
    standard_secret => "standard_secret",
}

describe! { WebhookDelivery, "WebhookDelivery", flat [],
    id => "id",
    event => "event",
    occurred_at => "occurred_at",
    state => "state",
    attempts => "attempts",
    next_at => "next_at",
    last_status => "last_status",
    last_error => "last_error",
}

describe! { WebhookDeliveries, "WebhookDeliveries", flat [],
    data => "data",
    next_cursor => "next_cursor",
}

describe! { WebhookAttempt, "WebhookAttempt", flat [],
    number => "number",
    started_at => "started_at",
    outcome => "outcome",
    status => "status",
    error => "error",
    latency_us => "latency_us",
    response => "response",
}

describe! { AttemptLatency, "AttemptLatency", flat [],
    dns => "dns",
    connect => "connect",
    tls => "tls",
    first_byte => "first_byte",
    total => "total",
}

describe! { WebhookDeliveryDetails, "WebhookDeliveryDetails", flat [delivery],
    log => "log",
}

describe! { Replayed, "Replayed", flat [],
    replayed => "replayed",
}

describe! { TestMessage, "TestMessage", flat [attempt],
    id => "id",
    delivered => "delivered",
}
