//! The people of the operator, their sessions, and the log of what administrators do.
//!
//! A password comes here as its argon2 hash, and a session's token as its SHA-256. A guess counts before the password
//! is checked, so that guesses made at once all count.

use jiff::{SignedDuration, Timestamp};
use payments::ids::{AdminActId, AdminUserId};

use super::ActContext;
use crate::differences::Statement;
use crate::rows::micros;
use crate::{StoreError, Tx, for_update, params};

const USER: Statement = for_update!(
    "SELECT id, password_hash, failures, locked_until FROM admin_user WHERE name = $1 AND removed_at IS NULL"
);

/// How many wrong passwords in a row cost nothing.
const FREE_FAILURES: i64 = 4;
/// What the next one costs; each further one doubles it.
const FIRST_LOCK: SignedDuration = SignedDuration::from_secs(15);
/// The longest that a person is kept out.
const LONGEST_LOCK: SignedDuration = SignedDuration::from_mins(15);

/// Makes a person, or gives one that was removed another password. Answers whether the name was free.
///
/// # Errors
/// The database's; so for every act here.
pub fn create_user(
    tx: &mut Tx<'_>,
    act: &ActContext,
    name: &str,
    password_hash: &str,
) -> Result<bool, StoreError> {
    let id: AdminUserId = act.ids.fresh();
    let made = tx.execute(
        "INSERT INTO admin_user (id, name, password_hash, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, removed_at = NULL, failures = 0,
             locked_until = 0
         WHERE admin_user.removed_at IS NOT NULL",
        params![id.to_bytes(), name, password_hash, micros(act.now)],
    )?;
    Ok(made == 1)
}

/// Gives a person another password, and ends the sessions. Answers whether there is such a person.
///
/// # Errors
/// See [`create_user`].
pub fn set_password(tx: &mut Tx<'_>, name: &str, password_hash: &str) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE admin_user SET password_hash = $1, failures = 0, locked_until = 0
         WHERE name = $2 AND removed_at IS NULL",
        params![password_hash, name],
    )?;
    end_sessions(tx, name)?;
    Ok(changed == 1)
}

/// Removes a person, and ends the sessions. Answers whether there was one.
///
/// # Errors
/// See [`create_user`].
pub fn remove_user(tx: &mut Tx<'_>, act: &ActContext, name: &str) -> Result<bool, StoreError> {
    let removed = tx.execute(
        "UPDATE admin_user SET removed_at = $1 WHERE name = $2 AND removed_at IS NULL",
        params![micros(act.now), name],
    )?;
    end_sessions(tx, name)?;
    Ok(removed == 1)
}

fn end_sessions(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM admin_session WHERE user_id IN (SELECT id FROM admin_user WHERE name = $1)",
        params![name],
    )?;
    Ok(())
}

/// What becomes of an attempt to come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The password is to be checked against this hash.
    Check(AdminUserId, String),
    /// Too many wrong ones: not before this time.
    Locked(Timestamp),
    /// Nobody has this name.
    Unknown,
}

/// Counts an attempt as failed, before its password is checked.
///
/// # Errors
/// See [`create_user`].
pub fn count_attempt(tx: &mut Tx<'_>, act: &ActContext, name: &str) -> Result<Attempt, StoreError> {
    let Some(row) = tx.query_opt(USER.on(tx.dialect()), params![name])? else {
        return Ok(Attempt::Unknown);
    };
    let locked_until = crate::rows::time(&row, 3)?;
    if act.now < locked_until {
        return Ok(Attempt::Locked(locked_until));
    }
    let failures = row.int(2)?.saturating_add(1);
    let id = AdminUserId::from_bytes(row.bytes16(0)?);
    tx.execute(
        "UPDATE admin_user SET failures = $1, locked_until = $2 WHERE id = $3",
        params![
            failures,
            micros(act.now + lock_after(failures)),
            id.to_bytes()
        ],
    )?;
    Ok(Attempt::Check(id, row.text(1)?.to_owned()))
}

fn lock_after(failures: i64) -> SignedDuration {
    let Some(beyond) = failures.checked_sub(FREE_FAILURES + 1) else {
        return SignedDuration::ZERO;
    };
    if beyond < 0 {
        return SignedDuration::ZERO;
    }
    let doubled = u32::try_from(beyond)
        .ok()
        .and_then(|n| 1_i32.checked_shl(n.min(16)));
    let lock = doubled.and_then(|times| FIRST_LOCK.checked_mul(times));
    lock.unwrap_or(LONGEST_LOCK).min(LONGEST_LOCK)
}

/// The password was right: begins a session.
///
/// # Errors
/// See [`create_user`].
pub fn begin_session(
    tx: &mut Tx<'_>,
    act: &ActContext,
    user: AdminUserId,
    token_hash: [u8; 32],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE admin_user SET failures = 0, locked_until = 0 WHERE id = $1",
        params![user.to_bytes()],
    )?;
    tx.execute(
        "DELETE FROM admin_session WHERE user_id = $1 AND expires_at <= $2",
        params![user.to_bytes(), micros(act.now)],
    )?;
    tx.execute(
        "INSERT INTO admin_session (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        params![token_hash, user.to_bytes(), micros(act.now), micros(expires_at)],
    )?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// See [`create_user`].
pub fn end_session(tx: &mut Tx<'_>, token_hash: [u8; 32]) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM admin_session WHERE token_hash = $1",
        params![token_hash],
    )?;
    Ok(())
}

/// What an administrator asks for, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdminAct {
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
}

/// Writes that somebody asks for an act, before it is done.
///
/// # Errors
/// See [`create_user`].
pub fn record_act(
    tx: &mut Tx<'_>,
    act: &ActContext,
    asked: &NewAdminAct,
) -> Result<AdminActId, StoreError> {
    let id: AdminActId = act.ids.fresh();
    tx.execute(
        "INSERT INTO admin_act (id, actor, address, method, path, request, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            id.to_bytes(),
            &asked.actor,
            asked.address.as_ref(),
            &asked.method,
            &asked.path,
            &asked.request,
            micros(act.now)
        ],
    )?;
    Ok(id)
}

/// Writes what became of an act.
///
/// # Errors
/// See [`create_user`].
pub fn record_outcome(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: AdminActId,
    status: u16,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO admin_act_outcome (act_id, status, created_at) VALUES ($1, $2, $3)",
        params![id.to_bytes(), i64::from(status), micros(act.now)],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_cost_more_and_more_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<i64> = (0..12).map(|n| lock_after(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900]);
        assert_eq!(lock_after(i64::MAX), LONGEST_LOCK);
    }
}
