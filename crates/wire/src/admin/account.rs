//! Accounts and API keys in the admin API.
//!
//! A key is shown once, at creation; afterwards only its id and name are.

use std::fmt;

use serde::Serialize;

use crate::Problem;
use crate::fields::{Fields, missing};
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
}

/// POST `/admin/v1/keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKeyRequest {
    /// A name for people, not blank.
    pub name: String,
    /// The account; `None` means the only one.
    pub account_id: Option<String>,
    /// What the key may do; `None` leaves it to the server.
    pub scopes: Option<Vec<String>>,
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
            scopes: fields.strings("scopes")?,
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
