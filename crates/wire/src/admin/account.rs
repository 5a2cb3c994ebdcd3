//! Accounts and API keys in the admin API.
//!
//! A key is shown once, at creation; afterwards only its id and name are.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Problem;
use crate::fields::{Fields, invalid, missing};
use crate::schema::describe;
use crate::time::Micros;

/// POST `/admin/v1/accounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateAccountRequest {
    /// A name for people, not blank.
    pub name: String,
}

impl CreateAccountRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            name: name(&Fields::parse(body)?)?,
        })
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id, the `company_id` of the Bitvora API.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was closed.
    pub closed_at: Option<Micros>,
}

/// An account in a list, with what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountWithBalance {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// What can be spent now.
    pub balance_msat: i64,
    /// What is held for withdrawals under way.
    pub held_msat: i64,
}

/// POST `/admin/v1/keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKeyRequest {
    /// A name for people, not blank.
    pub name: String,
    /// The account; `None` means the only one.
    pub account_id: Option<String>,
    /// What the key may do.
    pub settings: KeySettings,
}

/// What may be said of a key when it is made, and changed later (PATCH `/admin/v1/keys/{id}`). `None` leaves it as it
/// is; `Some(None)` and an empty list end the rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// What it may do: `read`, `receive`, `send`, `webhooks`, `admin`.
    pub scopes: Option<Vec<String>>,
    /// From when on it opens nothing, in microseconds since 1970.
    pub expires_at: Option<Option<i64>>,
    /// From where it may be used: addresses or networks.
    pub networks: Option<Vec<String>>,
    /// The nodes it may pay.
    pub destinations: Option<Vec<String>>,
    /// The most that one payment may carry.
    pub max_payment_sats: Option<Option<u64>>,
    /// Above this a payment waits for an approval.
    pub approval_above_sats: Option<Option<u64>>,
    /// How much it may spend over time.
    pub budgets: Option<Vec<KeyBudget>>,
}

/// How much a key may spend within any stretch of time of one length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyBudget {
    /// The most, fees included, in satoshis.
    pub limit_sats: u64,
    /// The length, in seconds.
    pub seconds: u32,
}

impl KeySettings {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Self::read(&Fields::parse(body)?)
    }

    fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        Ok(Self {
            scopes: fields.strings("scopes")?,
            expires_at: expiry(fields)?,
            networks: fields.strings("networks")?,
            destinations: fields.strings("destinations")?,
            max_payment_sats: sats(fields, "max_payment_sats")?,
            approval_above_sats: sats(fields, "approval_above_sats")?,
            budgets: budgets(fields)?,
        })
    }
}

fn expiry(fields: &Fields<'_>) -> Result<Option<Option<i64>>, Problem> {
    if fields.is_null("expires_at") {
        return Ok(Some(None));
    }
    let text = fields.string("expires_at")?;
    text.map(|text| {
        let time: Result<Timestamp, _> = text.parse();
        time.map(|time| Some(time.as_microsecond()))
            .map_err(|_| invalid("expires_at", "it must be a time of RFC 3339"))
    })
    .transpose()
}

fn sats(fields: &Fields<'_>, name: &'static str) -> Result<Option<Option<u64>>, Problem> {
    if fields.is_null(name) {
        return Ok(Some(None));
    }
    let text = fields.raw(name)?;
    text.map(|text| whole(name, text).map(Some)).transpose()
}

fn whole(name: &'static str, text: &str) -> Result<u64, Problem> {
    text.parse()
        .map_err(|_| invalid(name, "it must be a whole number of satoshis"))
}

fn budgets(fields: &Fields<'_>) -> Result<Option<Vec<KeyBudget>>, Problem> {
    if fields.is_null("budgets") {
        return Ok(Some(Vec::new()));
    }
    let why = "it must be an array of {\"limit_sats\": whole number, \"seconds\": whole number}";
    let Some(text) = fields.raw("budgets")? else {
        return Ok(None);
    };
    let rows: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| invalid("budgets", why))?;
    let budget = |row: &&RawValue| {
        let fields = Fields::parse(row.get().as_bytes()).map_err(|_| invalid("budgets", why))?;
        let number = |name| fields.raw(name)?.ok_or_else(|| invalid("budgets", why));
        Ok(KeyBudget {
            limit_sats: whole("budgets", number("limit_sats")?)?,
            seconds: number("seconds")?
                .parse()
                .map_err(|_| invalid("budgets", why))?,
        })
    };
    rows.iter()
        .map(budget)
        .collect::<Result<_, Problem>>()
        .map(Some)
}

impl CreateKeyRequest {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            name: name(&fields)?,
            account_id: fields.string("account_id")?,
            settings: KeySettings::read(&fields)?,
        })
    }
}

/// An API key, as a list shows it: without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its id, the part of the key before the `|`.
    pub id: String,
    /// The account it belongs to.
    pub account_id: String,
    /// A name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From when on it opens nothing.
    pub expires_at: Option<Micros>,
    /// From where it may be used; empty: from everywhere.
    pub networks: Vec<String>,
    /// The nodes it may pay; empty: all.
    pub destinations: Vec<String>,
    /// The most that one payment may carry, in whole satoshis.
    pub max_payment_sats: Option<u64>,
    /// Above this a payment waits for an approval.
    pub approval_above_sats: Option<u64>,
    /// How much it may spend over time.
    pub budgets: Vec<KeyBudget>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
}

/// The answer to the creation of a key, with the key.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CreatedApiKey {
    /// What a list would show.
    #[serde(flatten)]
    pub info: ApiKey,
    /// The key itself, `<integer>|<uuid>`; it is shown only here.
    pub key: String,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CreatedApiKey")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

fn name(fields: &Fields<'_>) -> Result<String, Problem> {
    let name = fields.required_string("name")?;
    match name.trim() {
        "" => Err(missing("name")),
        trimmed => Ok(trimmed.to_owned()),
    }
}

describe! { Account, "Account", flat [],
    id => "id",
    name => "name",
    created_at => "created_at",
    closed_at => "closed_at",
}

describe! { KeyBudget, "KeyBudget", flat [],
    limit_sats => "limit_sats",
    seconds => "seconds",
}

describe! { ApiKey, "ApiKey", flat [],
    id => "id",
    account_id => "account_id",
    name => "name",
    scopes => "scopes",
    expires_at => "expires_at",
    networks => "networks",
    destinations => "destinations",
    max_payment_sats => "max_payment_sats",
    approval_above_sats => "approval_above_sats",
    budgets => "budgets",
    created_at => "created_at",
    revoked_at => "revoked_at",
}

describe! { CreatedApiKey, "CreatedApiKey", flat [info],
    key => "key",
}

describe! { AccountWithBalance, "AccountWithBalance", flat [account],
    balance_msat => "balance_msat",
    held_msat => "held_msat",
}
