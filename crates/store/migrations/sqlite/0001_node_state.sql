-- Who runs the node. On SQLite the lock on the file is the lease; the fence still tells handles apart.
CREATE TABLE node_lease (
    node       TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT    NOT NULL,
    fence      INTEGER NOT NULL CONSTRAINT node_lease_fence_positive CHECK (fence > 0),
    expires_at INTEGER NOT NULL -- milliseconds since 1970 by the database's clock
) STRICT;

-- The state of a Lightning node (LDK: KVStore). Namespaces may be empty, keys may not.
CREATE TABLE node_state (
    node         TEXT NOT NULL,
    primary_ns   TEXT NOT NULL,
    secondary_ns TEXT NOT NULL,
    key          TEXT NOT NULL,
    value        BLOB NOT NULL,
    PRIMARY KEY (node, primary_ns, secondary_ns, key)
) STRICT;
