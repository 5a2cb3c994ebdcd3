-- Who runs the node: only the holder of the current fence writes its state, until expires_at.
CREATE TABLE node_lease (
    node       TEXT   NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    fence      BIGINT NOT NULL CONSTRAINT node_lease_fence_positive CHECK (fence > 0),
    expires_at BIGINT NOT NULL -- milliseconds since 1970 by the database's clock
);

-- The state of a Lightning node (LDK: KVStore). Namespaces may be empty, keys may not.
CREATE TABLE node_state (
    node         TEXT  NOT NULL,
    primary_ns   TEXT  NOT NULL,
    secondary_ns TEXT  NOT NULL,
    key          TEXT  NOT NULL,
    value        BYTEA NOT NULL,
    PRIMARY KEY (node, primary_ns, secondary_ns, key)
);
