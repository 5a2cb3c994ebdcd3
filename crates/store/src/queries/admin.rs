//! The people of the operator, whose session it is, and what administrators did.

use jiff::Timestamp;
use payments::ids::AdminActId;

use crate::rows::{micros, opt_time, time};
use crate::{Row, StoreError, Tx, params};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUser {
    /// The name, by which it comes in.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All people, by name.
///
/// # Errors
/// The database's; so for every query here.
pub fn users(tx: &mut Tx<'_>) -> Result<Vec<AdminUser>, StoreError> {
    let rows = tx.query(
        "SELECT name, created_at FROM admin_user WHERE removed_at IS NULL ORDER BY name",
        params![],
    )?;
    let read = |row: &Row| {
        Ok(AdminUser {
            name: row.text(0)?.to_owned(),
            created_at: time(row, 1)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Whose session it is, and until when.
///
/// # Errors
/// See [`users`].
pub fn session(
    tx: &mut Tx<'_>,
    token_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let found = tx.query_opt(
        "SELECT u.name, s.expires_at FROM admin_session s JOIN admin_user u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.removed_at IS NULL",
        params![token_hash, micros(now)],
    )?;
    found
        .map(|row| Ok((row.text(0)?.to_owned(), time(&row, 1)?)))
        .transpose()
}

/// What an administrator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminAct {
    /// Its id.
    pub id: AdminActId,
    /// Who.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
    /// The method of the call.
    pub method: String,
    /// The path of the call.
    pub path: String,
    /// What was asked, without secrets.
    pub request: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What the server answered; `None`: it died before, and the act may have been done or not.
    pub status: Option<i64>,
    /// When it answered.
    pub answered_at: Option<Timestamp>,
}

/// At most `limit` acts before `before`, newest first.
///
/// # Errors
/// See [`users`].
pub fn acts(
    tx: &mut Tx<'_>,
    before: Option<AdminActId>,
    limit: i64,
) -> Result<Vec<AdminAct>, StoreError> {
    let before = before.map_or([0xff; 16], AdminActId::to_bytes);
    let rows = tx.query(
        "SELECT a.id, a.actor, a.address, a.method, a.path, a.request, a.created_at, o.status, o.created_at
         FROM admin_act a LEFT JOIN admin_act_outcome o ON o.act_id = a.id
         WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2",
        params![before, limit],
    )?;
    let read = |row: &Row| {
        Ok(AdminAct {
            id: AdminActId::from_bytes(row.bytes16(0)?),
            actor: row.text(1)?.to_owned(),
            address: row.opt_text(2)?.map(str::to_owned),
            method: row.text(3)?.to_owned(),
            path: row.text(4)?.to_owned(),
            request: row.text(5)?.to_owned(),
            asked_at: time(row, 6)?,
            status: row.opt_int(7)?,
            answered_at: opt_time(row, 8)?,
        })
    };
    rows.iter().map(read).collect()
}
