-- SPDX-License-Identifier: MIT
-- The table of SqliteIdempotencyStore. ensure_schema() runs exactly this, in one transaction, with
-- the configured table's name in every place of nexus_idempotency. To run it by hand:
--   sqlite3 file.db 'PRAGMA journal_mode = WAL' 'BEGIN IMMEDIATE' '.read schema.sql' 'COMMIT'
-- Running it again changes nothing.
--
-- To look (the texts are bytes, for which no collation counts):
--   SELECT cast(tenant AS TEXT), cast(operation AS TEXT), cast(client_key AS TEXT),
--          CASE status WHEN 0 THEN 'pending' WHEN 1 THEN 'completed' WHEN 2 THEN 'failed'
--                      ELSE 'expired' END,
--          datetime(created_at / 1000000, 'unixepoch'),
--          datetime(expires_at / 1000000, 'unixepoch')
--     FROM nexus_idempotency;
--
-- Backups. The newest records are in the file's -wal companion, so never copy the file alone, nor
-- both while a process has it open. Use `sqlite3 file.db "VACUUM INTO 'copy.db'"`, `.backup`, or
-- the online backup API. A backup that is put back has forgotten what was executed after it was
-- made: retries of those commands run again.
--
-- Growth. The -wal file is moved into the database (a checkpoint) by a writer whenever it has about
-- 4 MB. A transaction that stays open, also a reader's in a shell, keeps it from being emptied, and
-- it grows; `PRAGMA wal_checkpoint(TRUNCATE)` empties it once that has ended. What purges remove is
-- used again for new records; the file shrinks only by VACUUM.

-- One row: which version of the table this is. The store refuses any other than its own.
CREATE TABLE IF NOT EXISTS nexus_idempotency_schema (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO nexus_idempotency_schema (only_row, version) VALUES (1, 1) ON CONFLICT DO NOTHING;

-- One row a command. Times are microseconds since 1970-01-01 00:00:00 UTC.
CREATE TABLE IF NOT EXISTS nexus_idempotency (
  -- Whose command, which, and the client's own name for this one.
  tenant BLOB NOT NULL CHECK (length(tenant) BETWEEN 1 AND 128),
  operation BLOB NOT NULL CHECK (length(operation) BETWEEN 1 AND 128),
  client_key BLOB NOT NULL CHECK (length(client_key) BETWEEN 1 AND 256),
  -- 0 pending, 1 completed, 2 failed, 3 expired
  status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
  -- What the request was, to refuse another one under the same key.
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) BETWEEN 1 AND 512),
  -- The attempt that may report the outcome, or did. Secret while the status is 0.
  attempt_token BLOB NOT NULL CHECK (length(attempt_token) BETWEEN 1 AND 128),
  -- Grows with every execution of the key.
  fence INTEGER NOT NULL CHECK (fence >= 0),
  -- NULL: none. Without bytes: there was one, but it was empty or too large to be kept.
  result BLOB CHECK (length(result) <= 65536),
  created_at INTEGER NOT NULL,
  last_transition_at INTEGER NOT NULL,
  -- The end of the lease, of the replays or of the refusal. NULL: never.
  expires_at INTEGER,
  PRIMARY KEY (tenant, operation, client_key)
) STRICT;

-- For purges.
CREATE INDEX IF NOT EXISTS nexus_idempotency_expiry
  ON nexus_idempotency (expires_at) WHERE expires_at IS NOT NULL;
