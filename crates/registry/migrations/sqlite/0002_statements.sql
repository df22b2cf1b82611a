PRAGMA user_version = 2;

-- Signed statements as they were found, each with the payload it signs; several
-- signers of one payload are several rows.
CREATE TABLE statements (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE REFERENCES log (sequence),
    payload TEXT NOT NULL,
    claim TEXT NOT NULL,
    subjects TEXT NOT NULL,
    at TEXT NOT NULL,
    bundle TEXT NOT NULL REFERENCES blobs (digest)
);
CREATE INDEX statements_by_payload ON statements (payload);

CREATE TRIGGER statements_are_not_replaced BEFORE INSERT ON statements
WHEN EXISTS (SELECT 1 FROM statements WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;
CREATE TRIGGER statements_are_not_changed BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;
CREATE TRIGGER statements_are_not_deleted BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;
