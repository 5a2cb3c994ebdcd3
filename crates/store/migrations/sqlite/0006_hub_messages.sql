-- Messages between the hubs of several processes: on SQLite there is one process, and no row.
CREATE TABLE hub_message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL -- milliseconds since 1970 by the database's clock
) STRICT;
CREATE INDEX hub_message_created ON hub_message (created_at);
