//! The bodies of requests, as their readers in `wire` take them. Unknown fields are allowed everywhere: clients send
//! some.

use serde_json::{Value, json};
use wire::bitvora::{Currency, EventName};

/// A UUID, as ids are.
#[must_use]
pub fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// An object. A field that may be left out may be null as well.
fn object(required: &[&str], properties: &Value) -> Value {
    let mut properties = properties.clone();
    if let Some(properties) = properties.as_object_mut() {
        let optional = properties.iter_mut();
        for (_, form) in optional.filter(|(name, _)| !required.contains(&name.as_str())) {
            *form = or_null(form);
        }
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn nullable(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

/// A value of this form, or null.
fn or_null(form: &Value) -> Value {
    json!({"anyOf": [form, {"type": "null"}]})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// Satoshis, down to a thousandth.
fn sats() -> Value {
    json!({"type": "number", "minimum": 0.001, "maximum": 2_100_000_000_000_000_u64, "multipleOf": 0.001})
}

fn metadata() -> Value {
    json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
}

fn currencies() -> Value {
    let known = Currency::all().iter().map(|currency| currency.as_str());
    json!({"enum": known.collect::<Vec<_>>(), "description": "In any letter case."})
}

/// A withdrawal.
#[must_use]
pub fn withdrawal() -> Value {
    let properties = json!({
        "destination": {"type": "string", "description": "A BOLT 11 invoice."},
        "amount": {"type": "number", "exclusiveMinimum": 0},
        "currency": currencies(),
        "amount_sats": {"type": "integer", "minimum": 1, "description": "Instead of amount and currency."},
        "metadata": metadata(),
        "send_all": {"type": "boolean"},
        "fee_limit_sats": {"type": "number", "minimum": 0},
    });
    object(&["destination"], &properties)
}

/// An invoice.
#[must_use]
pub fn invoice() -> Value {
    let properties = json!({
        "amount": sats(),
        "currency": {"enum": ["sats"], "description": "In any letter case; btc is taken as well."},
        "description": {"type": "string", "maxLength": 639},
        "expiry_seconds": {"type": "integer", "minimum": 1, "maximum": 2_592_000},
        "metadata": metadata(),
    });
    object(&["amount", "currency"], &properties)
}

/// An on-chain address.
#[must_use]
pub fn on_chain_address() -> Value {
    object(&[], &json!({"metadata": metadata()}))
}

/// An account.
#[must_use]
pub fn account() -> Value {
    object(
        &["name"],
        &json!({"name": {"type": "string", "pattern": "[a-z]"}}),
    )
}

fn key_rules() -> Value {
    let texts = json!({"type": ["array", "null"], "maxItems": 50, "items": {"type": "string"}});
    let scopes = json!({
        "type": ["array", "null"],
        "items": {"enum": payments::api_key::Scope::ALL.map(payments::api_key::Scope::name)},
    });
    let budget = object(
        &["limit_sats", "seconds"],
        &json!({
            "limit_sats": {"type": "integer", "minimum": 1, "maximum": 2_100_000_000_000_000_u64},
            "seconds": {"type": "integer", "minimum": 1, "maximum": 31_622_400},
        }),
    );
    let sats =
        json!({"type": ["integer", "null"], "minimum": 1, "maximum": 2_100_000_000_000_000_u64});
    json!({
        "scopes": scopes,
        "expires_at": or_null(&time()),
        "networks": texts,
        "destinations": texts,
        "max_payment_sats": sats,
        "approval_above_sats": sats,
        "budgets": {"type": ["array", "null"], "maxItems": 5, "items": budget},
    })
}

/// What may be changed of an API key.
#[must_use]
pub fn key_settings() -> Value {
    object(&[], &key_rules())
}

/// An API key.
#[must_use]
pub fn key() -> Value {
    let mut properties = key_rules();
    properties["name"] = json!({"type": "string", "pattern": "[a-z]"});
    properties["account_id"] = or_null(&uuid());
    object(&["name"], &properties)
}

/// A name and a password.
#[must_use]
pub fn credentials() -> Value {
    let properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9._@-]+$"},
        "password": {"type": "string", "minLength": 12, "maxLength": 256},
    });
    object(&["name", "password"], &properties)
}

/// A password.
#[must_use]
pub fn password() -> Value {
    let password = json!({"type": "string", "minLength": 12, "maxLength": 256});
    object(&["password"], &json!({"password": password}))
}

fn webhook_fields() -> Value {
    let events = EventName::all().iter().map(|event| event.as_str());
    json!({
        "url": {"type": "string", "format": "uri"},
        "events": {"type": ["array", "null"], "minItems": 1, "items": {"enum": events.collect::<Vec<_>>()}},
        "description": {"type": ["string", "null"], "maxLength": 200},
        "headers": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "ordered": nullable("boolean"),
        "retry_seconds": {
            "type": ["array", "null"], "minItems": 1, "maxItems": 10, "items": {"type": "integer", "minimum": 1},
        },
        "max_in_flight": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
        "per_second": {"type": ["integer", "null"], "minimum": 1, "maximum": 10_000},
    })
}

/// A webhook.
#[must_use]
pub fn webhook() -> Value {
    let mut properties = webhook_fields();
    properties["account_id"] = or_null(&uuid());
    object(&["url"], &properties)
}

/// What may be changed of a webhook.
#[must_use]
pub fn webhook_settings() -> Value {
    object(&[], &webhook_fields())
}

/// How a secret is replaced.
#[must_use]
pub fn rotation() -> Value {
    object(&[], &json!({}))
}

/// The time whose events are sent again.
#[must_use]
pub fn replay() -> Value {
    object(
        &["from"],
        &json!({"from": time(), "until": or_null(&time())}),
    )
}

/// To whom suspended money is given.
#[must_use]
pub fn assignment() -> Value {
    object(&["account_id"], &json!({"account_id": uuid()}))
}

fn address() -> Value {
    let pattern = "^0[23][0-9a-f]{64}@[a-z0-9.-]+:[0-9]{1,5}$";
    json!({"type": "string", "pattern": pattern, "description": "PUBKEY@HOST:PORT"})
}

/// A peer of the node.
#[must_use]
pub fn peer() -> Value {
    object(&["peer"], &json!({"peer": address()}))
}

/// A channel.
#[must_use]
pub fn channel() -> Value {
    let properties = json!({
        "peer": address(),
        "amount_sats": {"type": "integer", "minimum": 1},
        "announced": {"type": "boolean"},
    });
    object(&["peer", "amount_sats"], &properties)
}

/// How a channel is closed.
#[must_use]
pub fn closing() -> Value {
    object(&[], &json!({"force": {"type": "boolean"}}))
}
