//! Where the two databases need different SQL: every such place has its name here.
//!
//! Everything else is one text for both. What to keep in mind when writing it: parameters are `$1`,
//! `$2`, …, and each is first used in that order; `SUM` of integers is `CAST(SUM(x) AS BIGINT)`,
//! because PostgreSQL makes it NUMERIC; a failed statement ends its transaction; constraints are
//! never deferred, because on SQLite a commit carries the acts of others too; rows of several
//! accounts are touched in the order of ids.

/// Which database a transaction runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL, or a database that speaks its protocol.
    Postgres,
}

/// One statement in two texts.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

impl Statement {
    /// The text for `dialect`.
    #[must_use]
    pub const fn on(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// `for_update!("SELECT …", "…")`: locks the rows that a query finds until the transaction ends.
/// SQLite has one writer, and so nothing to lock. What follows the clause (a closing parenthesis)
/// is the second part.
#[macro_export]
macro_rules! for_update {
    ($before:literal $(, $after:literal)?) => {
        $crate::differences::Statement {
            sqlite: concat!($before $(, $after)?),
            postgres: concat!($before, " FOR UPDATE" $(, $after)?),
        }
    };
}

/// `for_share!("SELECT …", " OF e")`: as [`for_update!`], and several may hold the rows so at once; whoever wants to
/// change them waits for all of them. The second part names the tables whose rows are meant, where there are several.
#[macro_export]
macro_rules! for_share {
    ($before:literal, $of:literal) => {
        $crate::differences::Statement {
            sqlite: $before,
            postgres: concat!($before, " FOR SHARE", $of),
        }
    };
}

/// `for_update_skip_locked!("SELECT …", "…")`: as [`for_update!`], and passes over rows that
/// another transaction has locked, so that several workers claim different rows.
#[macro_export]
macro_rules! for_update_skip_locked {
    ($before:literal $(, $after:literal)?) => {
        $crate::differences::Statement {
            sqlite: concat!($before $(, $after)?),
            postgres: concat!($before, " FOR UPDATE SKIP LOCKED" $(, $after)?),
        }
    };
}

/// `at_database_time!("before", "after")`: a statement with the database's own time in it, in milliseconds since
/// 1970, so that the clocks of several machines need not agree.
#[macro_export]
macro_rules! at_database_time {
    ($before:literal, $after:literal) => {
        $crate::differences::Statement {
            sqlite: concat!(
                $before,
                "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
                $after
            ),
            postgres: concat!(
                $before,
                "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
                $after
            ),
        }
    };
}

/// Takes the lease of node `$1` for holder `$2`, for `$3` milliseconds, unless a live one stands in
/// the way; answers with the new fence. On SQLite the lock on the file is the lease, and nothing
/// stands in the way. On PostgreSQL the database's own clock measures it, so that the clocks of
/// several machines need not agree.
pub(crate) const TAKE_LEASE: Statement = Statement {
    sqlite: "INSERT INTO node_lease (node, holder, fence, expires_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (node) DO UPDATE SET
            holder = excluded.holder, fence = node_lease.fence + 1, expires_at = excluded.expires_at
        RETURNING fence",
    postgres: "INSERT INTO node_lease (node, holder, fence, expires_at)
        VALUES ($1, $2, 1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $3)
        ON CONFLICT (node) DO UPDATE SET
            holder = excluded.holder, fence = node_lease.fence + 1, expires_at = excluded.expires_at
        WHERE node_lease.expires_at
            <= CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)
        RETURNING fence",
};

/// Who has the lease of node `$1`, and whether it lives; on SQLite whoever has the file.
pub(crate) const LEASE_HOLDER: Statement = Statement {
    sqlite: "SELECT holder, 0 FROM node_lease WHERE node = $1",
    postgres: "SELECT holder,
            CASE WHEN expires_at > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)
                THEN 1 ELSE 0 END
        FROM node_lease WHERE node = $1",
};

/// Whether the lease of node `$1` still has fence `$2`. On PostgreSQL nobody takes the lease over before the
/// transaction has ended. The lock is the weakest that does so: the unique index `node_lease_fence` makes a change of
/// the fence wait for it, and a renewal not.
pub(crate) const HOLD_FENCE: Statement = Statement {
    sqlite: "SELECT fence FROM node_lease WHERE node = $1 AND fence = $2",
    postgres: "SELECT fence FROM node_lease WHERE node = $1 AND fence = $2 FOR KEY SHARE",
};

/// Prolongs the lease of node `$2` with fence `$3` by `$1` milliseconds from now. Changing the row
/// also locks it, so that nobody takes the lease over before the writes of the same transaction are
/// committed.
pub(crate) const KEEP_LEASE: Statement = Statement {
    sqlite: "UPDATE node_lease SET expires_at = $1 WHERE node = $2 AND fence = $3",
    postgres: "UPDATE node_lease
        SET expires_at = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $1
        WHERE node = $2 AND fence = $3",
};

/// The time by the database's clock, in microseconds since 1970.
pub(crate) const DATABASE_TIME: Statement = Statement {
    sqlite: "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
};

/// Claims due deliveries to endpoint `$1` at time `$2`, `$3` at most, for `$4` milliseconds of the database's clock.
/// Materialised, because a planner may run a sub-select with LIMIT and SKIP LOCKED once for each row it joins.
pub(crate) const CLAIM_DELIVERIES: Statement = Statement {
    sqlite: "WITH due AS MATERIALIZED (
            SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'pending' AND next_at <= $2
            ORDER BY next_at, seq LIMIT $3)
        UPDATE webhook_delivery SET state = 'leased', lease_token = lease_token + 1,
            lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + $4
        WHERE endpoint_id = $1 AND event_id IN (SELECT event_id FROM due)
        RETURNING event_id, seq, next_at, tries, lease_token,
            (SELECT v.webhook_body FROM event v WHERE v.id = webhook_delivery.event_id)",
    postgres: "WITH due AS MATERIALIZED (
            SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'pending' AND next_at <= $2
            ORDER BY next_at, seq LIMIT $3 FOR UPDATE SKIP LOCKED)
        UPDATE webhook_delivery SET state = 'leased', lease_token = lease_token + 1,
            lease_until = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $4
        WHERE endpoint_id = $1 AND event_id IN (SELECT event_id FROM due)
        RETURNING event_id, seq, next_at, tries, lease_token,
            (SELECT v.webhook_body FROM event v WHERE v.id = webhook_delivery.event_id)",
};

/// The deliveries whose leases ran out by the database's clock; with `$1` = 1 all that are leased.
pub(crate) const STALE_DELIVERIES: Statement = Statement {
    sqlite: "SELECT event_id, endpoint_id, attempts FROM webhook_delivery
        WHERE state = 'leased' AND ($1 = 1 OR lease_until <= CAST(unixepoch('subsec') * 1000 AS INTEGER))
        LIMIT 1000",
    postgres: "SELECT event_id, endpoint_id, attempts FROM webhook_delivery
        WHERE state = 'leased'
            AND ($1 = CAST(1 AS BIGINT) OR lease_until <= CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))
        LIMIT 1000 FOR UPDATE SKIP LOCKED",
};

/// Writes the end of a claimed delivery and its attempt: `$1` the state, `$2` when it is due next, `$3` to `$5` the
/// claim, the rest the attempt. Nothing, when the claim is not the latest.
pub(crate) const RECORD_DELIVERY: &str = "WITH done AS (
        UPDATE webhook_delivery SET state = $1, attempts = attempts + 1, tries = tries + 1, next_at = $2
        WHERE event_id = $3 AND endpoint_id = $4 AND state = 'leased' AND lease_token = $5
        RETURNING event_id, endpoint_id, attempts, followed, subject_id),
    logged AS (INSERT INTO webhook_attempt (event_id, endpoint_id, number, started_at, outcome, status, error,
            dns_us, connect_us, tls_us, first_byte_us, total_us, response_excerpt)
        SELECT event_id, endpoint_id, attempts, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM done)
    SELECT followed, subject_id FROM done";
