-- The books against the node: running sums of what the node can be asked for, and the latest verdict.

-- What has been paid into an account more than out of it, up to the last roll-up. The changes since stand in
-- system_change, one row for each posting, so that no payment waits for another; the sum of both is exact.
CREATE TABLE system_balance (
    account        BIGINT NOT NULL PRIMARY KEY REFERENCES ledger_account (number),
    net_debit_msat BIGINT NOT NULL
);
INSERT INTO system_balance (account, net_debit_msat) VALUES (1, 0), (8, 0);

CREATE TABLE system_change (
    posting_id     BYTEA NOT NULL REFERENCES posting (id),
    account        BIGINT NOT NULL REFERENCES ledger_account (number),
    net_debit_msat BIGINT NOT NULL,
    PRIMARY KEY (posting_id, account)
);

-- One row: what the last look came to, as the process that runs the node saw it, and who asked for a new one.
CREATE TABLE reconciliation (
    id           BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    verdict      BYTEA,
    unexplained  BIGINT NOT NULL DEFAULT 0 CHECK (unexplained >= 0),
    checked_at   BIGINT,
    repaired     BIGINT NOT NULL DEFAULT 0,
    requests     BIGINT NOT NULL DEFAULT 0,
    answered     BIGINT NOT NULL DEFAULT 0
);
INSERT INTO reconciliation (id) VALUES (1);

-- The channels of our node. A closed one is settled when all that it gives back is in the wallet and booked.
CREATE TABLE channel (
    id           BYTEA NOT NULL PRIMARY KEY,
    funding      BYTEA,
    state        TEXT NOT NULL CHECK (state IN ('open', 'closed', 'settled')),
    close_reason TEXT,
    opened_at    BIGINT NOT NULL,
    closed_at    BIGINT,
    CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX channel_closing ON channel (id) WHERE state = 'closed';
