-- Who may do what: the budgets of API keys, the people of the operator and their sessions, and what they did.

-- How much of a budget is used: what is held or spent within its window. It changes by conditional updates alone.
CREATE TABLE key_budget (
    api_key_id     BYTEA NOT NULL REFERENCES api_key (id),
    window_seconds BIGINT NOT NULL CHECK (window_seconds > 0),
    limit_msat     BIGINT NOT NULL CHECK (limit_msat > 0),
    used_msat      BIGINT NOT NULL DEFAULT 0 CHECK (used_msat >= 0),
    PRIMARY KEY (api_key_id, window_seconds)
);

-- What each withdrawal takes of a budget, until it has left the window or came back.
CREATE TABLE key_spend (
    withdrawal_id  BYTEA NOT NULL,
    window_seconds BIGINT NOT NULL,
    api_key_id     BYTEA NOT NULL,
    amount_msat    BIGINT NOT NULL CHECK (amount_msat >= 0),
    is_counted     BIGINT NOT NULL CHECK (is_counted IN (0, 1)),
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (withdrawal_id, window_seconds)
);
CREATE INDEX key_spend_counted ON key_spend (api_key_id, window_seconds, created_at) WHERE is_counted = 1;

CREATE TABLE admin_user (
    id            BYTEA NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL, -- argon2id, in PHC form
    failures      BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0), -- in a row
    locked_until  BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL,
    removed_at    BIGINT
);

CREATE TABLE admin_session (
    token_hash BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of what the cookie holds
    user_id    BYTEA NOT NULL REFERENCES admin_user (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX admin_session_of_user ON admin_session (user_id);

-- What administrators did. It is written before the act, and its outcome after it, so that a crash hides nothing.
CREATE TABLE admin_act (
    id         BYTEA NOT NULL PRIMARY KEY,
    actor      TEXT NOT NULL,
    address    TEXT,
    method     TEXT NOT NULL,
    path       TEXT NOT NULL,
    request    TEXT NOT NULL, -- the body without its secrets, cut
    created_at BIGINT NOT NULL
);
CREATE TABLE admin_act_outcome (
    act_id     BYTEA NOT NULL PRIMARY KEY REFERENCES admin_act (id),
    status     BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE FUNCTION refuse_rewriting() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what administrators did is never changed or deleted'; END; $$;
CREATE TRIGGER admin_act_is_not_changed BEFORE UPDATE OR DELETE ON admin_act
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER admin_act_outcome_is_not_changed BEFORE UPDATE OR DELETE ON admin_act_outcome
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
