//! Webhooks in the admin API.
//!
//! The secret is shown once, at creation; no other body may hold it.

use std::fmt;

use serde::Serialize;

use crate::Problem;
use crate::bitvora::EventName;
use crate::fields::{Fields, invalid};
use crate::time::Micros;

/// POST `/admin/v1/webhooks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWebhookRequest {
    /// Where to send events. Whether it may be called is for the egress rules to say.
    pub url: String,
    /// The events to send, without repetition and in the order of the contract; all of them when
    /// the request names none, or `*`.
    pub events: Vec<EventName>,
    /// The account; `None` means the only one.
    pub account_id: Option<String>,
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
        let events = match fields.strings("events")? {
            None => EventName::all().to_vec(),
            Some(names) if names.is_empty() => {
                return Err(invalid("events", "it must name at least one event"));
            }
            Some(names) if names == ["*"] => EventName::all().to_vec(),
            Some(names) => {
                let mut events = names
                    .iter()
                    .map(|name| EventName::from_request(name))
                    .collect::<Result<Vec<_>, _>>()?;
                events.sort_unstable();
                events.dedup();
                events
            }
        };
        Ok(Self {
            url,
            events,
            account_id: fields.string("account_id")?,
        })
    }
}

/// A webhook, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The account whose events it gets.
    pub account_id: String,
    /// Where events are sent.
    pub url: String,
    /// Which events are sent.
    pub events: Vec<EventName>,
    /// Whether it was switched off, by hand or by a `410 Gone`.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Micros,
}

/// The answer to the creation of a webhook, with its secret.
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
