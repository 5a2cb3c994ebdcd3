//! The reopening of channels that a crash has closed: an intent before the node is asked, and what came of it.
//!
//! Each act moves one row on by one step, and only from where it stands; `payments::reopening` decides which. Money
//! that is halted lets no intent be written.

use jiff::Timestamp;

use super::{ActContext, halt};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Whether the node may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// The intent is written: ask once.
    Yes,
    /// The movement of money is stopped.
    Halted,
    /// Somebody else has moved it on.
    Overtaken,
}

/// Writes the intent to open a channel for `channel_id`, before the node is asked.
///
/// # Errors
/// The database's; so for every act here.
pub fn begin_reopening(
    tx: &mut Tx<'_>,
    act: &ActContext,
    channel_id: [u8; 32],
) -> Result<Begun, StoreError> {
    if halt::hold_moving(tx)?.is_some() {
        return Ok(Begun::Halted);
    }
    let changed = tx.execute(
        "UPDATE channel SET reopening = 'asked', reopen_at = $1, reopen_name = NULL,
             reopen_attempts = reopen_attempts + 1
         WHERE id = $2 AND reopening = 'wanted' AND state = 'settled'",
        params![micros(act.now), channel_id],
    )?;
    Ok(match changed {
        1 => Begun::Yes,
        _ => Begun::Overtaken,
    })
}

/// Keeps the node's own name for what it opens.
///
/// # Errors
/// See [`begin_reopening`].
pub fn name_reopening(tx: &mut Tx<'_>, channel_id: [u8; 32], name: u128) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE channel SET reopen_name = $1 WHERE id = $2 AND reopening = 'asked'",
        params![name.to_be_bytes(), channel_id],
    )?;
    Ok(())
}

/// What was asked for is open, as the channel `opened`. Answers whether it was asked for.
///
/// # Errors
/// See [`begin_reopening`].
pub fn end_reopening(
    tx: &mut Tx<'_>,
    channel_id: [u8; 32],
    opened: [u8; 32],
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE channel SET reopening = 'opened', reopened_as = $1
         WHERE id = $2 AND reopening = 'asked'",
        params![opened, channel_id],
    )?;
    Ok(changed == 1)
}

/// What was asked for came to nothing: it may be asked for again from `due_at` on.
///
/// # Errors
/// See [`begin_reopening`].
pub fn put_back_reopening(
    tx: &mut Tx<'_>,
    channel_id: [u8; 32],
    due_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE channel SET reopening = 'wanted', reopen_at = $1, reopen_name = NULL
         WHERE id = $2 AND reopening = 'asked'",
        params![micros(due_at), channel_id],
    )?;
    Ok(())
}

/// Nothing will be opened for it.
///
/// # Errors
/// See [`begin_reopening`].
pub fn give_up_reopening(tx: &mut Tx<'_>, channel_id: [u8; 32]) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE channel SET reopening = 'given_up' WHERE id = $1 AND reopening = 'wanted'",
        params![channel_id],
    )?;
    Ok(())
}
