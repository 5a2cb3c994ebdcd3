//! The channels that a crash has closed, and what became of them.

use bitcoin::secp256k1::PublicKey;
use payments::reopening::{Reopening, Stage};

use crate::{Row, StoreError, Tx, params, rows};

/// The reopenings that have not ended, oldest channel id first.
///
/// # Errors
/// The database's; so for every query here.
pub fn reopenings(tx: &mut Tx<'_>) -> Result<Vec<Reopening>, StoreError> {
    let found = tx.query(
        "SELECT id, peer, is_announced, returned_msat, reopening, state, reopen_at, reopen_name, reopen_attempts
         FROM channel WHERE reopening IN ('wanted', 'asked') ORDER BY id",
        params![],
    )?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let known = channels(tx)?;
    found.iter().map(|row| reopening(row, &known)).collect()
}

/// A channel that the books know.
struct Known {
    id: [u8; 32],
    is_funded: bool,
    is_open: bool,
    opened_at: i64,
    /// Whether another channel was reopened as this one.
    is_taken: bool,
    peer: Option<Vec<u8>>,
}

fn channels(tx: &mut Tx<'_>) -> Result<Vec<Known>, StoreError> {
    tx.query(
        "SELECT channel.id, channel.funding, channel.state, channel.opened_at, origin.id, channel.peer
         FROM channel LEFT JOIN channel AS origin ON origin.reopened_as = channel.id",
        params![],
    )?
    .iter()
    .map(|row| {
        Ok(Known {
            id: row.bytes32(0)?,
            is_funded: row.opt_bytes(1)?.is_some(),
            is_open: row.text(2)? == "open",
            opened_at: row.int(3)?,
            is_taken: row.opt_bytes(4)?.is_some(),
            peer: row.opt_bytes(5)?.map(<[u8]>::to_vec),
        })
    })
    .collect()
}

fn reopening(row: &Row, known: &[Known]) -> Result<Reopening, StoreError> {
    let peer = row.bytes(1)?;
    let at = row.int(6)?;
    let is_other = |channel: &&Known| channel.opened_at < at || channel.is_taken;
    let is_asked = row.text(4)? == "asked";
    let closed_again = known.iter().find(|channel| {
        !is_other(channel)
            && is_asked
            && channel.is_funded
            && !channel.is_open
            && channel.peer.as_deref() == Some(peer)
    });
    let name = row.opt_bytes16(7)?.map(u128::from_be_bytes);
    Ok(Reopening {
        channel_id: row.bytes32(0)?,
        peer: PublicKey::from_slice(peer).map_err(|_| row.corrupt(1, "a public key"))?,
        is_announced: row.bool(2)?,
        returned_sat: rows::opt_msat(row, 3)?
            .and_then(|returned| u64::try_from(returned.floor_sat()).ok()),
        attempts: row.int(8)?,
        stage: if is_asked {
            Stage::Asked { name }
        } else {
            Stage::Wanted {
                due_at: rows::time(row, 6)?,
                is_settled: row.text(5)? == "settled",
            }
        },
        others: known.iter().filter(is_other).map(|c| c.id).collect(),
        closed_again: closed_again.map(|channel| channel.id),
        known: known.iter().map(|channel| channel.id).collect(),
    })
}

/// How many channels a crash has closed, and for how many of them another was opened.
///
/// # Errors
/// See [`reopenings`].
pub fn closed_by_crash(tx: &mut Tx<'_>) -> Result<(i64, i64), StoreError> {
    let row = tx.query_opt(
        "SELECT CAST(COUNT(*) AS BIGINT), CAST(COUNT(reopened_as) AS BIGINT) FROM channel
         WHERE reopening IS NOT NULL",
        params![],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}
