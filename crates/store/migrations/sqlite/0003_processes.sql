-- What several processes need to share one node.

-- A change of the fence waits for whoever relies on it (FOR KEY SHARE), and a renewal of the lease does not.
CREATE UNIQUE INDEX node_lease_fence ON node_lease (node, fence);

-- Whose node runs on this database: another one may not.
CREATE TABLE node_identity (
    node       TEXT NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL
) STRICT;

-- What other processes ask of the one that runs the node.
CREATE TABLE node_command (
    id             BLOB NOT NULL PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('create_invoice')),
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'done', 'refused', 'unavailable')),
    amount_msat    INTEGER CHECK (amount_msat > 0),
    description    TEXT NOT NULL,
    expiry_seconds INTEGER NOT NULL CHECK (expiry_seconds > 0),
    bolt11         TEXT,
    payment_hash   BLOB,
    expires_at     INTEGER NOT NULL, -- milliseconds since 1970 by the database's clock
    CHECK ((state = 'done') = (bolt11 IS NOT NULL)),
    CHECK ((state = 'done') = (payment_hash IS NOT NULL))
) STRICT;
CREATE INDEX node_command_waiting ON node_command (expires_at) WHERE state = 'waiting';
