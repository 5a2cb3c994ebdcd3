//! The people who administer the server, their sessions, and the log of what was done.
//!
//! A password is read and never written.

use std::fmt;

use serde::Serialize;

use crate::Problem;
use crate::fields::{Fields, invalid, missing};
use crate::schema::describe;
use crate::time::Micros;

/// The longest name, in characters.
const MAX_NAME: usize = 64;
/// The shortest password, in characters (NIST SP 800-63B: at least 8 with rate limiting; we ask for more).
const MIN_PASSWORD: usize = 12;
/// The longest password, in bytes.
const MAX_PASSWORD: usize = 256;

/// POST `/admin/v1/users`, and POST `/admin/v1/session`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads the body of a login.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of class validation that names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(body)?;
        let name = fields.required_string("name")?.trim().to_owned();
        if name.is_empty() {
            return Err(missing("name"));
        }
        Ok(Self {
            name,
            password: password(&fields)?,
        })
    }

    /// Reads the body of a creation: the password must be worth something.
    ///
    /// # Errors
    ///
    /// See [`Self::parse`].
    pub fn parse_new(body: &[u8]) -> Result<Self, Problem> {
        let new = Self::parse(body)?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
        if new.name.chars().count() > MAX_NAME || !new.name.chars().all(plain) {
            let why = "it must be at most 64 letters, digits, dots, dashes, underscores and @";
            return Err(invalid("name", why));
        }
        worth_something(&new.password)?;
        Ok(new)
    }

    /// Reads the body of PUT `/admin/v1/users/{name}/password`.
    ///
    /// # Errors
    ///
    /// See [`Self::parse`].
    pub fn parse_password(body: &[u8]) -> Result<String, Problem> {
        let password = password(&Fields::parse(body)?)?;
        worth_something(&password)?;
        Ok(password)
    }
}

fn password(fields: &Fields<'_>) -> Result<String, Problem> {
    let password = fields.required_string("password")?;
    match password.len() {
        0 => Err(missing("password")),
        1..=MAX_PASSWORD => Ok(password),
        _ => Err(invalid("password", "it must be at most 256 bytes long")),
    }
}

fn worth_something(password: &str) -> Result<(), Problem> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(invalid("password", "it must have at least 12 characters"));
    }
    Ok(())
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminUser {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Micros,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminSession {
    /// Whose it is.
    pub name: String,
    /// What the header `X-CSRF-Token` must hold with every call that changes something.
    pub csrf_token: String,
    /// When it ends.
    pub expires_at: Micros,
}

/// What an administrator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminAct {
    /// Its id, which is also the cursor.
    pub id: String,
    /// Who: the admin token, a person, or an API key with its number.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
    /// The method of the call.
    pub method: String,
    /// The path of the call.
    pub path: String,
    /// What was asked, as JSON text without its secrets.
    pub request: String,
    /// When it was asked.
    pub asked_at: Micros,
    /// What the server answered; null when it died before it could.
    pub status: Option<i64>,
    /// When it answered.
    pub answered_at: Option<Micros>,
}

describe! { AdminUser, "AdminUser", flat [],
    name => "name",
    created_at => "created_at",
}

describe! { AdminSession, "AdminSession", flat [],
    name => "name",
    csrf_token => "csrf_token",
    expires_at => "expires_at",
}

describe! { AdminAct, "AdminAct", flat [],
    id => "id",
    actor => "actor",
    address => "address",
    method => "method",
    path => "path",
    request => "request",
    asked_at => "asked_at",
    status => "status",
    answered_at => "answered_at",
}
