//! What went through an account, day by day.

use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::ids::AccountId;

use crate::{Row, StoreError, Tx, params};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What went through an account on one day of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub number: i64,
    /// What came in.
    pub received_msat: Msat,
    /// What went out and arrived.
    pub sent_msat: Msat,
    /// What that cost, and what was kept of what came in.
    pub fees_msat: Msat,
    /// Withdrawals that arrived.
    pub settled: i64,
    /// Withdrawals that did not.
    pub failed: i64,
}

/// The days of the last `days` on which something was asked for, in order. A withdrawal belongs to the day of its
/// request.
///
/// # Errors
/// The database's.
pub fn activity(
    tx: &mut Tx<'_>,
    account: AccountId,
    now: Timestamp,
    days: i64,
) -> Result<Vec<Day>, StoreError> {
    let today = now.as_microsecond().div_euclid(DAY);
    let first = today - days + 1;
    let from = Timestamp::from_microsecond(first * DAY).unwrap_or(Timestamp::UNIX_EPOCH);
    // Ids begin with their time (UUIDv7), so that the index by id is one by time.
    let since = least_id(from);
    let rows = tx.query(
        "SELECT day, CAST(SUM(received) AS BIGINT), CAST(SUM(sent) AS BIGINT), CAST(SUM(fees) AS BIGINT),
                CAST(SUM(settled) AS BIGINT), CAST(SUM(failed) AS BIGINT)
         FROM (
             SELECT created_at / $1 AS day, amount_msat AS received, 0 AS sent, platform_fee_msat AS fees,
                    0 AS settled, 0 AS failed
             FROM deposit WHERE account_id = $2 AND id >= $3 AND state = 'settled'
             UNION ALL
             SELECT created_at / $1, 0,
                    CASE WHEN state = 'settled' THEN amount_msat ELSE 0 END,
                    CASE WHEN state = 'settled' THEN fee_msat + platform_fee_msat ELSE 0 END,
                    CASE WHEN state = 'settled' THEN 1 ELSE 0 END,
                    CASE WHEN state = 'failed' THEN 1 ELSE 0 END
             FROM withdrawal WHERE account_id = $2 AND id >= $3
         ) AS one GROUP BY day HAVING day >= $4 ORDER BY day",
        params![DAY, account.to_bytes(), since, first],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Day, StoreError> {
    Ok(Day {
        number: row.int(0)?,
        received_msat: crate::rows::msat(row, 1)?,
        sent_msat: crate::rows::msat(row, 2)?,
        fees_msat: crate::rows::msat(row, 3)?,
        settled: row.int(4)?,
        failed: row.int(5)?,
    })
}

/// No id that was made at `from` or later is less.
fn least_id(from: Timestamp) -> [u8; 16] {
    let millis = from.as_millisecond() - SignedDuration::from_secs(1).as_millis() as i64;
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.max(0).to_be_bytes()[2..]);
    id
}
