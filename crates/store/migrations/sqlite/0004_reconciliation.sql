-- The books against the node: running sums of what the node can be asked for, and the latest verdict.

-- What has been paid into an account more than out of it, up to the last roll-up. The changes since stand in
-- system_change, one row for each posting, so that no payment waits for another; the sum of both is exact.
CREATE TABLE system_balance (
    account        INTEGER NOT NULL PRIMARY KEY REFERENCES ledger_account (number),
    net_debit_msat INTEGER NOT NULL
) STRICT;
INSERT INTO system_balance (account, net_debit_msat) VALUES (1, 0), (8, 0);

CREATE TABLE system_change (
    posting_id     BLOB NOT NULL REFERENCES posting (id),
    account        INTEGER NOT NULL REFERENCES ledger_account (number),
    net_debit_msat INTEGER NOT NULL,
    PRIMARY KEY (posting_id, account)
) STRICT;

-- One row: what the last look came to, as the process that runs the node saw it, and who asked for a new one.
CREATE TABLE reconciliation (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    verdict      BLOB,
    unexplained  INTEGER NOT NULL DEFAULT 0 CHECK (unexplained >= 0),
    checked_at   INTEGER,
    repaired     INTEGER NOT NULL DEFAULT 0,
    requests     INTEGER NOT NULL DEFAULT 0,
    answered     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO reconciliation (id) VALUES (1);

-- The channels of our node. A closed one is settled when all that it gives back is in the wallet and booked. One that
-- a crash has closed is reopened: wanted, asked (the intent, written before the node is asked), opened as another
-- channel, or given up.
CREATE TABLE channel (
    id           BLOB NOT NULL PRIMARY KEY,
    funding      BLOB,
    state        TEXT NOT NULL CHECK (state IN ('open', 'closed', 'settled')),
    close_reason TEXT,
    opened_at    INTEGER NOT NULL,
    closed_at    INTEGER,
    peer         BLOB,
    is_announced INTEGER NOT NULL DEFAULT 0 CHECK (is_announced IN (0, 1)),
    returned_msat INTEGER CHECK (returned_msat >= 0), -- the most that the node said was ours in it after it was closed
    reopening    TEXT CHECK (reopening IN ('wanted', 'asked', 'opened', 'given_up')),
    reopen_attempts INTEGER NOT NULL DEFAULT 0,
    reopen_at    INTEGER, -- wanted: not before; asked and later: when the node was asked last
    reopen_name  BLOB, -- the node's own name for what it was asked to open
    reopened_as  BLOB UNIQUE,
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK (reopening IS NULL OR (state <> 'open' AND peer IS NOT NULL AND reopen_at IS NOT NULL)),
    CHECK (reopening NOT IN ('asked', 'opened') OR state = 'settled'),
    CHECK ((reopening = 'opened') = (reopened_as IS NOT NULL))
) STRICT;
CREATE INDEX channel_closing ON channel (id) WHERE state = 'closed';
CREATE INDEX channel_reopening ON channel (id) WHERE reopening IN ('wanted', 'asked');
