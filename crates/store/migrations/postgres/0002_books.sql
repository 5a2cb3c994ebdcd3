-- The books: ledger accounts, postings and transfers, and the business rows that explain them.
-- Amounts are millisatoshi, times are microseconds since 1970, ids are UUIDv7 bytes.

CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('ledger_account', 999), ('api_key', 0);

-- Bounded accounts keep their counters with every transfer; the others are derived from the transfers.
CREATE TABLE ledger_account (
    number     BIGINT NOT NULL PRIMARY KEY,
    bounded    BIGINT NOT NULL CHECK (bounded IN (0, 1)),
    dr_pending BIGINT NOT NULL DEFAULT 0 CHECK (dr_pending >= 0),
    dr_posted  BIGINT NOT NULL DEFAULT 0 CHECK (dr_posted >= 0),
    cr_pending BIGINT NOT NULL DEFAULT 0 CHECK (cr_pending >= 0),
    cr_posted  BIGINT NOT NULL DEFAULT 0 CHECK (cr_posted >= 0),
    entry_seq  BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT ledger_account_not_overdrawn CHECK (bounded = 0 OR dr_pending + dr_posted <= cr_posted)
);
INSERT INTO ledger_account (number, bounded) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0);

CREATE TABLE posting (
    id         BYTEA NOT NULL PRIMARY KEY,
    code       TEXT NOT NULL,
    fact_kind  TEXT NOT NULL,
    fact_id    BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
-- One fact is booked once.
CREATE UNIQUE INDEX posting_fact ON posting (fact_kind, fact_id);

CREATE TABLE transfer (
    id          BYTEA NOT NULL PRIMARY KEY,
    posting_id  BYTEA NOT NULL REFERENCES posting (id),
    leg         BIGINT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('single', 'pending', 'post', 'void')),
    debit       BIGINT NOT NULL REFERENCES ledger_account (number),
    credit      BIGINT NOT NULL REFERENCES ledger_account (number),
    amount_msat BIGINT NOT NULL CHECK (amount_msat > 0),
    pending_id  BYTEA REFERENCES transfer (id),
    CHECK (debit <> credit),
    CHECK ((kind IN ('post', 'void')) = (pending_id IS NOT NULL))
);
CREATE UNIQUE INDEX transfer_leg ON transfer (posting_id, leg);
-- A hold is resolved at most once.
CREATE UNIQUE INDEX transfer_resolution ON transfer (pending_id) WHERE pending_id IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a posting or transfer is never changed or deleted'; END; $$;
CREATE TRIGGER posting_is_not_changed BEFORE UPDATE OR DELETE ON posting
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_is_not_changed BEFORE UPDATE OR DELETE ON transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The numbered statement of each bounded account.
CREATE TABLE entry (
    account       BIGINT NOT NULL REFERENCES ledger_account (number),
    seq           BIGINT NOT NULL,
    transfer_id   BYTEA NOT NULL REFERENCES transfer (id),
    posted_msat   BIGINT NOT NULL,
    pending_msat  BIGINT NOT NULL,
    balance_msat  BIGINT NOT NULL,
    PRIMARY KEY (account, seq)
);

CREATE TABLE account (
    id             BYTEA NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL,
    ledger_account BIGINT NOT NULL UNIQUE REFERENCES ledger_account (number),
    created_at     BIGINT NOT NULL,
    event_seq      BIGINT NOT NULL DEFAULT 0, -- the account_seq of its newest event
    closed_at      BIGINT
);

CREATE TABLE api_key (
    id         BYTEA NOT NULL PRIMARY KEY,
    account_id BYTEA NOT NULL REFERENCES account (id),
    number     BIGINT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    hash       BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    scopes              TEXT NOT NULL, -- names, with commas
    expires_at          BIGINT,
    revoked_at          BIGINT,
    networks            TEXT, -- with commas; NULL: from everywhere
    destinations        TEXT, -- public keys, with commas; NULL: all
    max_payment_msat    BIGINT CHECK (max_payment_msat > 0),
    approval_above_msat BIGINT CHECK (approval_above_msat >= 0)
);

CREATE TABLE invoice (
    id            BYTEA NOT NULL PRIMARY KEY,
    account_id    BYTEA NOT NULL REFERENCES account (id),
    payment_hash  BYTEA NOT NULL UNIQUE,
    bolt11        TEXT NOT NULL,
    amount_msat   BIGINT CHECK (amount_msat > 0),
    description   TEXT NOT NULL,
    metadata      TEXT,
    state         TEXT NOT NULL CHECK (state IN ('open', 'settled', 'expired')),
    received_msat BIGINT,
    settled_at    BIGINT,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK ((state = 'settled') = (received_msat IS NOT NULL)),
    CHECK ((state = 'settled') = (settled_at IS NOT NULL))
);
CREATE INDEX invoice_of_account ON invoice (account_id, id);
CREATE INDEX invoice_running_out ON invoice (expires_at) WHERE state = 'open';

-- Money that came in and belongs to nobody known, until a person assigns it.
CREATE TABLE suspense_item (
    id           BYTEA NOT NULL PRIMARY KEY,
    payment_hash BYTEA NOT NULL,
    invoice_id   BYTEA REFERENCES invoice (id),
    amount_msat  BIGINT NOT NULL CHECK (amount_msat > 0),
    reason       TEXT NOT NULL CHECK (reason IN ('no_invoice', 'paid_internally', 'paid_again')),
    state        TEXT NOT NULL CHECK (state IN ('open', 'assigned')),
    posting_id   BYTEA NOT NULL UNIQUE REFERENCES posting (id),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX suspense_item_in_state ON suspense_item (state, id);

CREATE TABLE deposit (
    id                BYTEA NOT NULL PRIMARY KEY,
    account_id        BYTEA NOT NULL REFERENCES account (id),
    invoice_id        BYTEA REFERENCES invoice (id),
    suspended_id      BYTEA UNIQUE REFERENCES suspense_item (id),
    payment_hash      BYTEA NOT NULL,
    amount_msat       BIGINT NOT NULL CHECK (amount_msat >= 0),
    platform_fee_msat BIGINT NOT NULL CHECK (platform_fee_msat >= 0),
    state             TEXT NOT NULL CHECK (state IN ('settled', 'failed')),
    posting_id        BYTEA REFERENCES posting (id),
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    CHECK ((state = 'settled') = (posting_id IS NOT NULL)),
    CHECK (invoice_id IS NOT NULL OR suspended_id IS NOT NULL)
);
-- What was assigned out of suspense comes beside the invoice's own deposits.
CREATE UNIQUE INDEX deposit_of_invoice ON deposit (invoice_id, state) WHERE suspended_id IS NULL;
CREATE INDEX deposit_of_account ON deposit (account_id, id);

CREATE TABLE withdrawal (
    id                BYTEA NOT NULL PRIMARY KEY,
    account_id        BYTEA NOT NULL REFERENCES account (id),
    api_key_id        BYTEA NOT NULL REFERENCES api_key (id),
    client_id         TEXT,
    bolt11            TEXT NOT NULL,
    payment_hash      BYTEA NOT NULL,
    destination       BYTEA NOT NULL,
    amount_msat       BIGINT NOT NULL CHECK (amount_msat > 0),
    fee_reserve_msat  BIGINT NOT NULL CHECK (fee_reserve_msat >= 0),
    platform_fee_msat BIGINT NOT NULL CHECK (platform_fee_msat >= 0),
    -- 1 when it took all the account had: what the route leaves of the reserve is the platform's.
    keeps_reserve     BIGINT NOT NULL CHECK (keeps_reserve IN (0, 1)),
    metadata          TEXT,
    state             TEXT NOT NULL CHECK
        (state IN ('unapproved', 'reserved', 'dispatched', 'settled', 'failed')),
    fee_msat          BIGINT CHECK (fee_msat >= 0),
    preimage          BYTEA,
    failure           TEXT,
    hold_posting_id   BYTEA NOT NULL REFERENCES posting (id),
    attempts          BIGINT NOT NULL DEFAULT 0,
    next_attempt_at   BIGINT NOT NULL,
    resend_barred     BIGINT NOT NULL DEFAULT 0 CHECK (resend_barred IN (0, 1)),
    -- 1 when it failed in the books and was paid after all: nobody may pay its hash again.
    contradicted      BIGINT NOT NULL DEFAULT 0 CHECK (contradicted IN (0, 1)),
    routes_not_found  BIGINT NOT NULL DEFAULT 0,
    waits_for_room    BIGINT NOT NULL DEFAULT 0 CHECK (waits_for_room IN (0, 1)),
    claim_id          BYTEA,
    expires_at        BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    CHECK ((state = 'settled') = (fee_msat IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK (resend_barred = 0 OR state IN ('reserved', 'failed')),
    CHECK (contradicted = 0 OR state = 'failed'),
    CHECK (waits_for_room = 0 OR state = 'reserved')
);
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
    account_id   BYTEA NOT NULL REFERENCES account (id),
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    response     BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (account_id, scope, key)
);

-- The outbox. The bodies are what is signed and sent, to the byte. account_seq counts the events of an account without
-- gaps, in the order of their commits; seq is given out before the commit.
CREATE TABLE event (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           BYTEA NOT NULL UNIQUE,
    account_id   BYTEA NOT NULL REFERENCES account (id),
    account_seq  BIGINT NOT NULL,
    api_key_id   BYTEA REFERENCES api_key (id),
    kind         TEXT NOT NULL,
    subject_id   BYTEA NOT NULL,
    webhook_body BYTEA NOT NULL,
    hub_body     BYTEA NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX event_of_subject ON event (subject_id, seq);
CREATE UNIQUE INDEX event_of_account ON event (account_id, account_seq);

CREATE TABLE webhook_endpoint (
    id            BYTEA NOT NULL PRIMARY KEY,
    account_id    BYTEA NOT NULL REFERENCES account (id),
    url           TEXT NOT NULL,
    description   TEXT NOT NULL,
    headers       TEXT NOT NULL, -- a JSON object of strings
    secret        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
    reason        TEXT CHECK (reason IN ('operator', 'gone', 'failing')),
    -- 1: the next event about the same object waits until the one before is taken or given up.
    ordered       BIGINT NOT NULL CHECK (ordered IN (0, 1)),
    retry_seconds TEXT, -- the delays before the second attempt and those after it, with commas; NULL: the usual ones
    max_in_flight BIGINT NOT NULL CHECK (max_in_flight > 0),
    per_second    BIGINT CHECK (per_second > 0),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    disabled_at   BIGINT,
    CHECK ((state = 'disabled') = (reason IS NOT NULL)),
    CHECK ((state = 'disabled') = (disabled_at IS NOT NULL))
);
CREATE INDEX webhook_endpoint_of_account ON webhook_endpoint (account_id, id);
CREATE INDEX webhook_endpoint_active ON webhook_endpoint (id) WHERE state = 'active';

-- Secrets that were replaced and still sign, until they expire.
CREATE TABLE webhook_old_secret (
    endpoint_id BYTEA NOT NULL REFERENCES webhook_endpoint (id),
    number      BIGINT NOT NULL,
    secret      TEXT NOT NULL,
    is_promoted BIGINT NOT NULL CHECK (is_promoted IN (0, 1)), -- 1: its successor signs the Bitvora header already
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, number)
);

-- How an endpoint fares. It stands apart so that what happens to money never waits for it.
CREATE TABLE webhook_health (
    endpoint_id     BYTEA NOT NULL PRIMARY KEY REFERENCES webhook_endpoint (id),
    is_proven       BIGINT NOT NULL DEFAULT 0 CHECK (is_proven IN (0, 1)), -- 1: it has taken something before
    failures        BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0), -- in a row
    failing_since   BIGINT,
    paused_until    BIGINT NOT NULL DEFAULT 0, -- 0: not paused; in the past: to be probed
    pauses          BIGINT NOT NULL DEFAULT 0 CHECK (pauses >= 0), -- in a row
    rate_used_until BIGINT NOT NULL DEFAULT 0,
    CHECK ((failures > 0) = (failing_since IS NOT NULL))
);
CREATE INDEX webhook_health_good ON webhook_health (endpoint_id) WHERE is_proven = 1 AND failures = 0;

CREATE TABLE webhook_subscription (
    endpoint_id BYTEA NOT NULL REFERENCES webhook_endpoint (id),
    event_name  TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, event_name)
);

CREATE TABLE webhook_delivery (
    event_id    BYTEA NOT NULL REFERENCES event (id),
    endpoint_id BYTEA NOT NULL REFERENCES webhook_endpoint (id),
    seq         BIGINT NOT NULL, -- that of the event
    subject_id  BYTEA NOT NULL,
    ordered     BIGINT NOT NULL CHECK (ordered IN (0, 1)),
    followed    BIGINT NOT NULL DEFAULT 0 CHECK (followed IN (0, 1)), -- 1: another may wait for its end
    state       TEXT NOT NULL CHECK
        (state IN ('blocked', 'pending', 'leased', 'delivered', 'exhausted', 'failed_permanent', 'cancelled')),
    attempts    BIGINT NOT NULL DEFAULT 0, -- that were ever made
    tries       BIGINT NOT NULL DEFAULT 0, -- that the schedule counts: a replay begins it anew
    next_at     BIGINT NOT NULL,
    lease_token BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0, -- milliseconds since 1970 by the database's clock
    PRIMARY KEY (event_id, endpoint_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, seq) WHERE state = 'pending';
CREATE INDEX webhook_delivery_leased ON webhook_delivery (lease_until) WHERE state = 'leased';
CREATE INDEX webhook_delivery_open ON webhook_delivery (endpoint_id, subject_id, seq)
    WHERE state IN ('blocked', 'pending', 'leased');
CREATE INDEX webhook_delivery_dead ON webhook_delivery (endpoint_id, seq)
    WHERE state IN ('exhausted', 'failed_permanent');
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, seq);

-- Every attempt. What an endpoint answered is untrusted.
CREATE TABLE webhook_attempt (
    event_id         BYTEA NOT NULL,
    endpoint_id      BYTEA NOT NULL,
    number           BIGINT NOT NULL CHECK (number > 0),
    started_at       BIGINT NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'unknown')),
    status           BIGINT,
    error            TEXT,
    dns_us           BIGINT,
    connect_us       BIGINT,
    tls_us           BIGINT,
    first_byte_us    BIGINT,
    total_us         BIGINT NOT NULL,
    response_excerpt BYTEA NOT NULL,
    PRIMARY KEY (event_id, endpoint_id, number),
    FOREIGN KEY (event_id, endpoint_id) REFERENCES webhook_delivery (event_id, endpoint_id)
);

-- What a rail reported and nothing could apply: it waits for a person.
CREATE TABLE rail_report (
    id           BYTEA NOT NULL PRIMARY KEY,
    kind         TEXT NOT NULL,
    payment_hash BYTEA NOT NULL,
    amount_msat  BIGINT,
    preimage     BYTEA,
    error        TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);

-- Why the movement of money is stopped; no reason while it is not. Whoever lets money out holds the row.
CREATE TABLE halt (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    reason     TEXT,
    created_at BIGINT,
    CHECK ((reason IS NULL) = (created_at IS NULL))
);
INSERT INTO halt (id) VALUES (1);
