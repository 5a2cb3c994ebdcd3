-- Who may do what: the budgets of API keys, the people of the operator and their sessions, and what they did.

-- How much of a budget is used: what is held or spent within its window. It changes by conditional updates alone.
CREATE TABLE key_budget (
    api_key_id     BLOB NOT NULL REFERENCES api_key (id),
    window_seconds INTEGER NOT NULL CHECK (window_seconds > 0),
    limit_msat     INTEGER NOT NULL CHECK (limit_msat > 0),
    used_msat      INTEGER NOT NULL DEFAULT 0 CHECK (used_msat >= 0),
    PRIMARY KEY (api_key_id, window_seconds)
) STRICT, WITHOUT ROWID;

-- What each withdrawal takes of a budget, until it has left the window or came back.
CREATE TABLE key_spend (
    withdrawal_id  BLOB NOT NULL,
    window_seconds INTEGER NOT NULL,
    api_key_id     BLOB NOT NULL,
    amount_msat    INTEGER NOT NULL CHECK (amount_msat >= 0),
    is_counted     INTEGER NOT NULL CHECK (is_counted IN (0, 1)),
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (withdrawal_id, window_seconds)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_spend_counted ON key_spend (api_key_id, window_seconds, created_at) WHERE is_counted = 1;

CREATE TABLE admin_user (
    id            BLOB NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL, -- argon2id, in PHC form
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0), -- in a row
    locked_until  INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    removed_at    INTEGER
) STRICT;

CREATE TABLE admin_session (
    token_hash BLOB NOT NULL PRIMARY KEY, -- SHA-256 of what the cookie holds
    user_id    BLOB NOT NULL REFERENCES admin_user (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_session_of_user ON admin_session (user_id);

-- What administrators did. It is written before the act, and its outcome after it, so that a crash hides nothing.
CREATE TABLE admin_act (
    id         BLOB NOT NULL PRIMARY KEY,
    actor      TEXT NOT NULL,
    address    TEXT,
    method     TEXT NOT NULL,
    path       TEXT NOT NULL,
    request    TEXT NOT NULL, -- the body without its secrets, cut
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE admin_act_outcome (
    act_id     BLOB NOT NULL PRIMARY KEY REFERENCES admin_act (id),
    status     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER admin_act_is_not_changed BEFORE UPDATE ON admin_act
BEGIN SELECT RAISE(ABORT, 'what administrators did is never changed'); END;
CREATE TRIGGER admin_act_is_not_deleted BEFORE DELETE ON admin_act
BEGIN SELECT RAISE(ABORT, 'what administrators did is never deleted'); END;
CREATE TRIGGER admin_act_outcome_is_not_changed BEFORE UPDATE ON admin_act_outcome
BEGIN SELECT RAISE(ABORT, 'what administrators did is never changed'); END;
CREATE TRIGGER admin_act_outcome_is_not_deleted BEFORE DELETE ON admin_act_outcome
BEGIN SELECT RAISE(ABORT, 'what administrators did is never deleted'); END;
