-- The books: ledger accounts, postings and transfers, and the business rows that explain them.
-- Amounts are millisatoshi, times are microseconds since 1970, ids are UUIDv7 bytes.

CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('ledger_account', 999), ('api_key', 0);

-- Bounded accounts keep their counters with every transfer; the others are derived from the transfers.
CREATE TABLE ledger_account (
    number     INTEGER NOT NULL PRIMARY KEY,
    bounded    INTEGER NOT NULL CHECK (bounded IN (0, 1)),
    dr_pending INTEGER NOT NULL DEFAULT 0 CHECK (dr_pending >= 0),
    dr_posted  INTEGER NOT NULL DEFAULT 0 CHECK (dr_posted >= 0),
    cr_pending INTEGER NOT NULL DEFAULT 0 CHECK (cr_pending >= 0),
    cr_posted  INTEGER NOT NULL DEFAULT 0 CHECK (cr_posted >= 0),
    entry_seq  INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT ledger_account_not_overdrawn CHECK (bounded = 0 OR dr_pending + dr_posted <= cr_posted)
) STRICT;
INSERT INTO ledger_account (number, bounded) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0);

CREATE TABLE posting (
    id         BLOB NOT NULL PRIMARY KEY,
    code       TEXT NOT NULL,
    fact_kind  TEXT NOT NULL,
    fact_id    BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
-- One fact is booked once.
CREATE UNIQUE INDEX posting_fact ON posting (fact_kind, fact_id);

CREATE TABLE transfer (
    id          BLOB NOT NULL PRIMARY KEY,
    posting_id  BLOB NOT NULL REFERENCES posting (id),
    leg         INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('single', 'pending', 'post', 'void')),
    debit       INTEGER NOT NULL REFERENCES ledger_account (number),
    credit      INTEGER NOT NULL REFERENCES ledger_account (number),
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    pending_id  BLOB REFERENCES transfer (id),
    CHECK (debit <> credit),
    CHECK ((kind IN ('post', 'void')) = (pending_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX transfer_leg ON transfer (posting_id, leg);
-- A hold is resolved at most once.
CREATE UNIQUE INDEX transfer_resolution ON transfer (pending_id) WHERE pending_id IS NOT NULL;

CREATE TRIGGER posting_is_not_changed BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'a posting is never changed'); END;
CREATE TRIGGER posting_is_not_deleted BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'a posting is never deleted'); END;
CREATE TRIGGER transfer_is_not_changed BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END;
CREATE TRIGGER transfer_is_not_deleted BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;

-- The numbered statement of each bounded account.
CREATE TABLE entry (
    account       INTEGER NOT NULL REFERENCES ledger_account (number),
    seq           INTEGER NOT NULL,
    transfer_id   BLOB NOT NULL REFERENCES transfer (id),
    posted_msat   INTEGER NOT NULL,
    pending_msat  INTEGER NOT NULL,
    balance_msat  INTEGER NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id             BLOB NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL,
    ledger_account INTEGER NOT NULL UNIQUE REFERENCES ledger_account (number),
    created_at     INTEGER NOT NULL,
    event_seq      INTEGER NOT NULL DEFAULT 0, -- the account_seq of its newest event
    closed_at      INTEGER
) STRICT;

CREATE TABLE api_key (
    id         BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES account (id),
    number     INTEGER NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    scopes              TEXT NOT NULL, -- names, with commas
    expires_at          INTEGER,
    revoked_at          INTEGER,
    networks            TEXT, -- with commas; NULL: from everywhere
    destinations        TEXT, -- public keys, with commas; NULL: all
    max_payment_msat    INTEGER CHECK (max_payment_msat > 0),
    approval_above_msat INTEGER CHECK (approval_above_msat >= 0)
) STRICT;

CREATE TABLE invoice (
    id            BLOB NOT NULL PRIMARY KEY,
    account_id    BLOB NOT NULL REFERENCES account (id),
    payment_hash  BLOB NOT NULL UNIQUE,
    bolt11        TEXT NOT NULL,
    amount_msat   INTEGER CHECK (amount_msat > 0),
    description   TEXT NOT NULL,
    metadata      TEXT,
    state         TEXT NOT NULL CHECK (state IN ('open', 'settled', 'expired')),
    received_msat INTEGER,
    settled_at    INTEGER,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CHECK ((state = 'settled') = (received_msat IS NOT NULL)),
    CHECK ((state = 'settled') = (settled_at IS NOT NULL))
) STRICT;
CREATE INDEX invoice_of_account ON invoice (account_id, id);
CREATE INDEX invoice_running_out ON invoice (expires_at) WHERE state = 'open';

-- Money that came in and belongs to nobody known, until a person assigns it.
CREATE TABLE suspense_item (
    id           BLOB NOT NULL PRIMARY KEY,
    payment_hash BLOB NOT NULL,
    invoice_id   BLOB REFERENCES invoice (id),
    amount_msat  INTEGER NOT NULL CHECK (amount_msat > 0),
    reason       TEXT NOT NULL CHECK (reason IN ('no_invoice', 'paid_internally', 'paid_again')),
    state        TEXT NOT NULL CHECK (state IN ('open', 'assigned')),
    posting_id   BLOB NOT NULL UNIQUE REFERENCES posting (id),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX suspense_item_in_state ON suspense_item (state, id);

CREATE TABLE deposit (
    id                BLOB NOT NULL PRIMARY KEY,
    account_id        BLOB NOT NULL REFERENCES account (id),
    invoice_id        BLOB REFERENCES invoice (id),
    suspended_id      BLOB UNIQUE REFERENCES suspense_item (id),
    payment_hash      BLOB NOT NULL,
    amount_msat       INTEGER NOT NULL CHECK (amount_msat >= 0),
    platform_fee_msat INTEGER NOT NULL CHECK (platform_fee_msat >= 0),
    state             TEXT NOT NULL CHECK (state IN ('settled', 'failed')),
    posting_id        BLOB REFERENCES posting (id),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    CHECK ((state = 'settled') = (posting_id IS NOT NULL)),
    CHECK (invoice_id IS NOT NULL OR suspended_id IS NOT NULL)
) STRICT;
-- What was assigned out of suspense comes beside the invoice's own deposits.
CREATE UNIQUE INDEX deposit_of_invoice ON deposit (invoice_id, state) WHERE suspended_id IS NULL;
CREATE INDEX deposit_of_account ON deposit (account_id, id);

CREATE TABLE withdrawal (
    id                BLOB NOT NULL PRIMARY KEY,
    account_id        BLOB NOT NULL REFERENCES account (id),
    api_key_id        BLOB NOT NULL REFERENCES api_key (id),
    client_id         TEXT,
    bolt11            TEXT NOT NULL,
    payment_hash      BLOB NOT NULL,
    destination       BLOB NOT NULL,
    amount_msat       INTEGER NOT NULL CHECK (amount_msat > 0),
    fee_reserve_msat  INTEGER NOT NULL CHECK (fee_reserve_msat >= 0),
    platform_fee_msat INTEGER NOT NULL CHECK (platform_fee_msat >= 0),
    -- 1 when it took all the account had: what the route leaves of the reserve is the platform's.
    keeps_reserve     INTEGER NOT NULL CHECK (keeps_reserve IN (0, 1)),
    metadata          TEXT,
    state             TEXT NOT NULL CHECK
        (state IN ('unapproved', 'reserved', 'dispatched', 'settled', 'failed')),
    fee_msat          INTEGER CHECK (fee_msat >= 0),
    preimage          BLOB,
    failure           TEXT,
    hold_posting_id   BLOB NOT NULL REFERENCES posting (id),
    attempts          INTEGER NOT NULL DEFAULT 0,
    next_attempt_at   INTEGER NOT NULL,
    resend_barred     INTEGER NOT NULL DEFAULT 0 CHECK (resend_barred IN (0, 1)),
    -- 1 when it failed in the books and was paid after all: nobody may pay its hash again.
    contradicted      INTEGER NOT NULL DEFAULT 0 CHECK (contradicted IN (0, 1)),
    routes_not_found  INTEGER NOT NULL DEFAULT 0,
    waits_for_room    INTEGER NOT NULL DEFAULT 0 CHECK (waits_for_room IN (0, 1)),
    claim_id          BLOB,
    expires_at        INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    CHECK ((state = 'settled') = (fee_msat IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK (resend_barred = 0 OR state IN ('reserved', 'failed')),
    CHECK (contradicted = 0 OR state = 'failed'),
    CHECK (waits_for_room = 0 OR state = 'reserved')
) STRICT;
-- One payment for each payment hash: an attempt that failed, and whose failure is final, makes room; no other does.
CREATE UNIQUE INDEX withdrawal_payment_hash ON withdrawal (payment_hash)
    WHERE state <> 'failed' OR resend_barred = 1 OR contradicted = 1;
CREATE INDEX withdrawal_history_of_hash ON withdrawal (payment_hash);
CREATE INDEX withdrawal_of_account ON withdrawal (account_id, id);
CREATE INDEX withdrawal_due ON withdrawal (next_attempt_at) WHERE state = 'reserved' AND resend_barred = 0;
CREATE INDEX withdrawal_barred ON withdrawal (id) WHERE resend_barred = 1;
CREATE INDEX withdrawal_waiting ON withdrawal (created_at) WHERE waits_for_room = 1;
CREATE INDEX withdrawal_unapproved ON withdrawal (expires_at) WHERE state = 'unapproved';
CREATE INDEX withdrawal_in_flight ON withdrawal (id) WHERE state = 'dispatched';

CREATE TABLE idempotency (
    account_id   BLOB NOT NULL REFERENCES account (id),
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    response     BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, scope, key)
) STRICT, WITHOUT ROWID;

-- The outbox. The bodies are what is signed and sent, to the byte. account_seq counts the events of an account without
-- gaps, in the order of their commits; seq is given out before the commit.
CREATE TABLE event (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB NOT NULL UNIQUE,
    account_id   BLOB NOT NULL REFERENCES account (id),
    account_seq  INTEGER NOT NULL,
    api_key_id   BLOB REFERENCES api_key (id),
    kind         TEXT NOT NULL,
    subject_id   BLOB NOT NULL,
    webhook_body BLOB NOT NULL,
    hub_body     BLOB NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX event_of_subject ON event (subject_id, seq);
CREATE UNIQUE INDEX event_of_account ON event (account_id, account_seq);

CREATE TABLE webhook_endpoint (
    id            BLOB NOT NULL PRIMARY KEY,
    account_id    BLOB NOT NULL REFERENCES account (id),
    url           TEXT NOT NULL,
    description   TEXT NOT NULL,
    headers       TEXT NOT NULL, -- a JSON object of strings
    secret        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
    reason        TEXT CHECK (reason IN ('operator', 'gone', 'failing')),
    -- 1: the next event about the same object waits until the one before is taken or given up.
    ordered       INTEGER NOT NULL CHECK (ordered IN (0, 1)),
    retry_seconds TEXT, -- the delays before the second attempt and those after it, with commas; NULL: the usual ones
    max_in_flight INTEGER NOT NULL CHECK (max_in_flight > 0),
    per_second    INTEGER CHECK (per_second > 0),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    disabled_at   INTEGER,
    CHECK ((state = 'disabled') = (reason IS NOT NULL)),
    CHECK ((state = 'disabled') = (disabled_at IS NOT NULL))
) STRICT;
CREATE INDEX webhook_endpoint_of_account ON webhook_endpoint (account_id, id);
CREATE INDEX webhook_endpoint_active ON webhook_endpoint (id) WHERE state = 'active';

-- Secrets that were replaced and still sign, until they expire.
CREATE TABLE webhook_old_secret (
    endpoint_id BLOB NOT NULL REFERENCES webhook_endpoint (id),
    number      INTEGER NOT NULL,
    secret      TEXT NOT NULL,
    is_promoted INTEGER NOT NULL CHECK (is_promoted IN (0, 1)), -- 1: its successor signs the Bitvora header already
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, number)
) STRICT, WITHOUT ROWID;

-- How an endpoint fares. It stands apart so that what happens to money never waits for it.
CREATE TABLE webhook_health (
    endpoint_id     BLOB NOT NULL PRIMARY KEY REFERENCES webhook_endpoint (id),
    is_proven       INTEGER NOT NULL DEFAULT 0 CHECK (is_proven IN (0, 1)), -- 1: it has taken something before
    failures        INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0), -- in a row
    failing_since   INTEGER,
    paused_until    INTEGER NOT NULL DEFAULT 0, -- 0: not paused; in the past: to be probed
    pauses          INTEGER NOT NULL DEFAULT 0 CHECK (pauses >= 0), -- in a row
    rate_used_until INTEGER NOT NULL DEFAULT 0,
    CHECK ((failures > 0) = (failing_since IS NOT NULL))
) STRICT;
CREATE INDEX webhook_health_good ON webhook_health (endpoint_id) WHERE is_proven = 1 AND failures = 0;

CREATE TABLE webhook_subscription (
    endpoint_id BLOB NOT NULL REFERENCES webhook_endpoint (id),
    event_name  TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, event_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_delivery (
    event_id    BLOB NOT NULL REFERENCES event (id),
    endpoint_id BLOB NOT NULL REFERENCES webhook_endpoint (id),
    seq         INTEGER NOT NULL, -- that of the event
    subject_id  BLOB NOT NULL,
    ordered     INTEGER NOT NULL CHECK (ordered IN (0, 1)),
    followed    INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1)), -- 1: another may wait for its end
    state       TEXT NOT NULL CHECK
        (state IN ('blocked', 'pending', 'leased', 'delivered', 'exhausted', 'failed_permanent', 'cancelled')),
    attempts    INTEGER NOT NULL DEFAULT 0, -- that were ever made
    tries       INTEGER NOT NULL DEFAULT 0, -- that the schedule counts: a replay begins it anew
    next_at     INTEGER NOT NULL,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0, -- milliseconds since 1970 by the database's clock
    PRIMARY KEY (event_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, seq) WHERE state = 'pending';
CREATE INDEX webhook_delivery_leased ON webhook_delivery (lease_until) WHERE state = 'leased';
CREATE INDEX webhook_delivery_open ON webhook_delivery (endpoint_id, subject_id, seq)
    WHERE state IN ('blocked', 'pending', 'leased');
CREATE INDEX webhook_delivery_dead ON webhook_delivery (endpoint_id, seq)
    WHERE state IN ('exhausted', 'failed_permanent');
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, seq);

-- Every attempt. What an endpoint answered is untrusted.
CREATE TABLE webhook_attempt (
    event_id         BLOB NOT NULL,
    endpoint_id      BLOB NOT NULL,
    number           INTEGER NOT NULL CHECK (number > 0),
    started_at       INTEGER NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'unknown')),
    status           INTEGER,
    error            TEXT,
    dns_us           INTEGER,
    connect_us       INTEGER,
    tls_us           INTEGER,
    first_byte_us    INTEGER,
    total_us         INTEGER NOT NULL,
    response_excerpt BLOB NOT NULL,
    PRIMARY KEY (event_id, endpoint_id, number),
    FOREIGN KEY (event_id, endpoint_id) REFERENCES webhook_delivery (event_id, endpoint_id)
) STRICT, WITHOUT ROWID;

-- What a rail reported and nothing could apply: it waits for a person.
CREATE TABLE rail_report (
    id           BLOB NOT NULL PRIMARY KEY,
    kind         TEXT NOT NULL,
    payment_hash BLOB NOT NULL,
    amount_msat  INTEGER,
    preimage     BLOB,
    error        TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- Why the movement of money is stopped; no reason while it is not. Whoever lets money out holds the row.
CREATE TABLE halt (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    reason     TEXT,
    created_at INTEGER,
    CHECK ((reason IS NULL) = (created_at IS NULL))
) STRICT;
INSERT INTO halt (id) VALUES (1);
