PRAGMA application_id = 0x4d575244;
PRAGMA user_version = 1;

-- The append-only log: one line for each decision, approval and exemption,
-- each carrying the hash of the line before.
CREATE TABLE log (
    sequence BIGINT NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
);

-- Reports and manifests by the SHA-256 of their bytes before compression.
CREATE TABLE blobs (
    digest TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    encoding TEXT NOT NULL,
    bytes BLOB NOT NULL
);

CREATE TABLE decisions (
    number BIGINT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE REFERENCES log (sequence),
    name TEXT NOT NULL,
    version TEXT,
    artifact TEXT NOT NULL,
    stage TEXT NOT NULL,
    decision TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    report TEXT NOT NULL REFERENCES blobs (digest),
    policy TEXT NOT NULL,
    manifest TEXT REFERENCES blobs (digest)
);
CREATE INDEX decisions_by_model ON decisions (name, version);
CREATE INDEX decisions_by_artifact ON decisions (artifact);

-- What a version names for good: the first artifact allowed under it.
CREATE TABLE versions (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    artifact TEXT NOT NULL,
    decision BIGINT NOT NULL REFERENCES decisions (number),
    PRIMARY KEY (name, version)
);

CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE REFERENCES log (sequence),
    digest TEXT NOT NULL,
    manifest TEXT NOT NULL,
    stage TEXT NOT NULL,
    role TEXT NOT NULL,
    approver TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX approvals_by_artifact ON approvals (digest);

CREATE TABLE exemptions (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE REFERENCES log (sequence),
    codes TEXT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    compensating_control TEXT,
    requested_by TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    not_before TEXT NOT NULL,
    not_after TEXT NOT NULL
);
CREATE INDEX exemptions_by_artifact ON exemptions (digest);

-- Facts of bytes that were read before; may be emptied at any time.
CREATE TABLE facts_cache (
    key TEXT NOT NULL PRIMARY KEY,
    rank BIGINT NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    encoding TEXT NOT NULL,
    bytes BLOB NOT NULL
);
CREATE INDEX facts_cache_by_rank ON facts_cache (rank);

-- `INSERT OR REPLACE` deletes without firing a delete trigger, hence the insert
-- triggers as well.
CREATE TRIGGER log_grows_by_one BEFORE INSERT ON log
WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM log)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_is_not_changed BEFORE UPDATE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_is_not_cut BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER decisions_grow_by_one BEFORE INSERT ON decisions
WHEN NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM decisions)
    OR EXISTS (SELECT 1 FROM decisions WHERE sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decisions_are_not_changed BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decisions_are_not_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

CREATE TRIGGER approvals_are_not_replaced BEFORE INSERT ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approvals_are_not_changed BEFORE UPDATE ON approvals
BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approvals_are_not_deleted BEFORE DELETE ON approvals
BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;

CREATE TRIGGER exemptions_are_not_replaced BEFORE INSERT ON exemptions
WHEN EXISTS (SELECT 1 FROM exemptions WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'exemptions are append-only'); END;
CREATE TRIGGER exemptions_are_not_changed BEFORE UPDATE ON exemptions
BEGIN SELECT RAISE(ABORT, 'exemptions are append-only'); END;
CREATE TRIGGER exemptions_are_not_deleted BEFORE DELETE ON exemptions
BEGIN SELECT RAISE(ABORT, 'exemptions are append-only'); END;

CREATE TRIGGER versions_are_not_rebound BEFORE INSERT ON versions
WHEN EXISTS (SELECT 1 FROM versions WHERE name = NEW.name AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'a version is bound once'); END;
CREATE TRIGGER versions_are_not_changed BEFORE UPDATE ON versions
BEGIN SELECT RAISE(ABORT, 'a version is bound once'); END;
CREATE TRIGGER versions_are_not_deleted BEFORE DELETE ON versions
BEGIN SELECT RAISE(ABORT, 'a version is bound once'); END;
