"""The tables of the store."""

SCHEMA = """
-- One row a mail. A mail without a Message-ID is never the duplicate of another.
-- A pruned mail keeps its row, so that a late duplicate of it is still known.
CREATE TABLE IF NOT EXISTS messages (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT UNIQUE,
    sender      TEXT NOT NULL,
    recipients  TEXT NOT NULL,              -- JSON list
    subject     TEXT NOT NULL,
    author      TEXT NOT NULL,              -- the From header
    job_id      TEXT,
    received_at REAL NOT NULL,              -- Unix seconds
    size        INTEGER NOT NULL,           -- bytes
    digest      BLOB NOT NULL,
    pruned      INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX IF NOT EXISTS shown_messages ON messages (id) WHERE pruned = 0;

-- Apart, so that listing never drags the bytes of mails through memory.
CREATE TABLE IF NOT EXISTS contents (
    message INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    raw     BLOB NOT NULL
);

-- One row each time a mail was brought. replied_at stays NULL when the process died,
-- or the connection did, between the commit and the reply (RFC 1047).
CREATE TABLE IF NOT EXISTS deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message     INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    received_at REAL NOT NULL,
    replied_at  REAL,
    reply       TEXT,
    sender      TEXT NOT NULL,
    recipients  TEXT NOT NULL,
    peer        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    same_bytes  INTEGER NOT NULL,
    rule        TEXT,                       -- the fault rules that hit it, in words
    dialogue    TEXT NOT NULL               -- JSON list of [seconds, who, text]
);
CREATE INDEX IF NOT EXISTS deliveries_of_message ON deliveries (message);

CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('refused', 0);
INSERT OR IGNORE INTO counters
    SELECT 'kept_bytes', coalesce(sum(size), 0) FROM messages WHERE pruned = 0;
"""
