-- Messages between the hubs of several processes that do not fit into a notice: it names the row. Rows go soon.
CREATE TABLE hub_message (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL -- milliseconds since 1970 by the database's clock
);
CREATE INDEX hub_message_created ON hub_message (created_at);
