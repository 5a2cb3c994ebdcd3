//! The envelope of every hub event (contract section 3).
//!
//! Exactly six fields, in the documented order; a client library would hand more of them on.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::names::{EVENT_CHANNEL, Subject};

/// How `data` is written. The documentation contradicts itself, so the client may choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DataFormat {
    /// A JSON object, as every command page shows it.
    #[default]
    Object,
    /// A JSON string that has to be parsed again, as the page on errors shows it.
    String,
}

/// One hub event: the single argument of the client's handler.
#[derive(Debug, Clone, Serialize)]
pub struct Envelope {
    channel: &'static str,
    topic: &'static str,
    subject: Subject,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "clientId")]
    client_id: String,
    data: Box<RawValue>,
}

/// The same six fields, as they are read back.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    channel: &'a str,
    topic: &'a str,
    subject: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "clientId")]
    client_id: std::borrow::Cow<'a, str>,
    data: Box<RawValue>,
}

impl Envelope {
    /// An event about a command.
    ///
    /// # Panics
    ///
    /// Never for the payloads of this crate, which always serialise; a payload of another type
    /// must be one that `serde_json` can write.
    #[must_use]
    pub fn new<T: Serialize>(
        subject: Subject,
        client_id: String,
        data: &T,
        format: DataFormat,
    ) -> Self {
        let object = serde_json::value::to_raw_value(data).expect("payloads always serialise");
        let data = match format {
            DataFormat::Object => object,
            DataFormat::String => {
                serde_json::value::to_raw_value(object.get()).expect("a string always serialises")
            }
        };
        let topic = subject.topic();
        Self {
            channel: EVENT_CHANNEL,
            topic,
            subject,
            kind: "message",
            client_id,
            data,
        }
    }

    /// The error event of a problem, under the subject that belongs to it.
    #[must_use]
    pub fn error(problem: &crate::Problem, client_id: String, format: DataFormat) -> Self {
        Self::new(problem.hub_subject(), client_id, &problem.to_hub(), format)
    }

    /// An event that was stored by [`Envelope::to_json`], in `format`; `None` for any other text.
    #[must_use]
    pub fn stored(json: &str, format: DataFormat) -> Option<Box<RawValue>> {
        let stored = RawValue::from_string(json.to_owned()).ok()?;
        if format == DataFormat::Object {
            return Some(stored);
        }
        let mut fields: Stored<'_> = serde_json::from_str(stored.get()).ok()?;
        fields.data = serde_json::value::to_raw_value(fields.data.get()).ok()?;
        serde_json::value::to_raw_value(&fields).ok()
    }

    /// The JSON text, fields in the documented order.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and raw JSON always serialise")
    }

    /// The JSON text as a value to embed in a hub message without being parsed again.
    #[must_use]
    pub fn to_raw_value(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("strings and raw JSON always serialise")
    }
}
