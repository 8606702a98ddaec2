-- SPDX-License-Identifier: MIT
-- The tables and functions of the PostgreSQL store, for PostgreSQL 12 and later, version 1.
--
-- PostgresIdempotencyStore::ensure_schema() runs this text, with its table's name in place of nexus_idempotency. To run
-- it by hand: `psql --single-transaction -v ON_ERROR_STOP=1 -f schema.sql`; for another name, replace each
-- nexus_idempotency by it (sed will do), also by one with a schema, such as app.commands.
--
-- To look at what is stored:
--   SELECT convert_from(tenant, 'UTF8') AS tenant, convert_from(operation, 'UTF8') AS operation,
--          convert_from(client_key, 'UTF8') AS client_key, status, fence,
--          to_timestamp(last_transition_at / 1e6) AS last_transition, to_timestamp(expires_at / 1e6) AS expires
--   FROM nexus_idempotency ORDER BY last_transition_at DESC LIMIT 20;
-- attempt_token is a secret: who has the one of a running execution can complete it.
--
-- The least that a service needs, where <role> owns none of this (the functions run with the caller's rights):
--   GRANT SELECT ON nexus_idempotency_schema TO <role>;
--   GRANT SELECT, INSERT, UPDATE, DELETE ON nexus_idempotency TO <role>;   -- DELETE: only if it purges
-- Every role may execute functions unless that was revoked.
--
-- To purge without a service, here what lapsed more than an hour ago, repeated while it gives 1000:
--   SELECT nexus_idempotency_purge((extract(epoch FROM now()) * 1000000)::bigint - 3600000000, 1000);
--
-- Vacuum: a command makes two row versions (claimed, completed) and leaves both dead, one when it completes and one when
-- it is purged. Autovacuum keeps up with that if it is let; a transaction left open for hours on this server keeps it
-- from removing anything. The fillfactor is left at 100: no update is HOT, because the deadline is indexed and changes,
-- and less was measured to save 3 % of the log and no space.
--
-- Backups: whoever restores an older state forgets what was completed since, and a client that retries then executes
-- again. It matters only within the time that results are kept. A dump (pg_dump) holds this as any other table.

-- The limits are the library's: it writes nothing else, and reports what isn't so as corrupt. They are no CHECKs, because
-- PostgreSQL makes each ready anew in every statement that writes: eight took a quarter of a command's time, syncs apart.
CREATE TABLE nexus_idempotency (
  -- Numbers first, so that no byte is lost to alignment. Times are microseconds since 1970, UTC.
  fence              bigint   NOT NULL, -- grows with every execution of the key; not negative
  created_at         bigint   NOT NULL, -- when this execution began
  last_transition_at bigint   NOT NULL,
  expires_at         bigint,            -- when the claim or the result lapses; null: never
  status             smallint NOT NULL, -- 0 pending, 1 completed, 2 failed, 3 expired
  -- Texts are bytes: any byte may occur, and no collation has a say in what is equal.
  tenant             bytea    NOT NULL, -- 1 to 128 bytes
  operation          bytea    NOT NULL, -- 1 to 128
  client_key         bytea    NOT NULL, -- 1 to 256
  fingerprint        bytea    NOT NULL, -- of the request; 1 to 512
  attempt_token      bytea    NOT NULL, -- 1 to 128
  result             bytea,             -- up to 65,536; null: none; without bytes: omitted
  PRIMARY KEY (tenant, operation, client_key)
);

-- For purges, which go by the deadline.
CREATE INDEX ON nexus_idempotency (expires_at) WHERE expires_at IS NOT NULL;

-- The functions keep their plans for as long as a session lasts, and a plan made while the table is small would read all
-- of it even when it has grown: hence their settings.

-- Inserts a record if its key is free. Returns null if it did, else the record that is there.
-- A loop and not one statement: a statement cannot see a row that was committed after it began, which is just the row
-- that it lost to. Each statement of a volatile function sees what is committed by then (in READ COMMITTED). It looks
-- before it inserts, so that a replay writes nothing. The insertion waits for a concurrent one of the same key.
CREATE FUNCTION nexus_idempotency_claim(
  new_tenant bytea, new_operation bytea, new_client_key bytea, new_status smallint, new_fingerprint bytea,
  new_attempt_token bytea, new_fence bigint, new_result bytea, new_created_at bigint, new_last_transition_at bigint,
  new_expires_at bigint
) RETURNS nexus_idempotency LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $function$
DECLARE
  stored nexus_idempotency%ROWTYPE;
BEGIN
  LOOP
    SELECT r.* INTO stored FROM nexus_idempotency AS r
    WHERE r.tenant = new_tenant AND r.operation = new_operation AND r.client_key = new_client_key;
    IF FOUND THEN
      RETURN stored;
    END IF;

    INSERT INTO nexus_idempotency (
      fence, created_at, last_transition_at, expires_at, status,
      tenant, operation, client_key, fingerprint, attempt_token, result
    ) VALUES (
      new_fence, new_created_at, new_last_transition_at, new_expires_at, new_status,
      new_tenant, new_operation, new_client_key, new_fingerprint, new_attempt_token, new_result
    ) ON CONFLICT (tenant, operation, client_key) DO NOTHING;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    -- It was there, and may be gone again: look once more.
  END LOOP;
END
$function$;

-- Replaces a record if the stored one is as the if_... say. Returns whether it did.
-- if_lease: 0 any, 1 live (not lapsed at if_now), 2 lapsed at if_now. If another transaction has changed the row
-- meanwhile, the statement waits for it and judges the row as that one left it.
CREATE FUNCTION nexus_idempotency_save(
  if_attempt_token bytea, if_fingerprint bytea, if_status smallint, if_lease smallint, if_now bigint,
  new_tenant bytea, new_operation bytea, new_client_key bytea, new_status smallint, new_fingerprint bytea,
  new_attempt_token bytea, new_fence bigint, new_result bytea, new_created_at bigint, new_last_transition_at bigint,
  new_expires_at bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $function$
BEGIN
  UPDATE nexus_idempotency AS r
  SET fence = new_fence,
      created_at = new_created_at,
      last_transition_at = new_last_transition_at,
      -- A renewal keeps the later of the two deadlines; none is later than any.
      expires_at = CASE
        WHEN r.status = 0 AND new_status = 0 AND r.attempt_token = new_attempt_token
          THEN CASE WHEN r.expires_at > new_expires_at OR r.expires_at IS NULL THEN r.expires_at ELSE new_expires_at END
        ELSE new_expires_at
      END,
      status = new_status,
      fingerprint = new_fingerprint,
      attempt_token = new_attempt_token,
      result = new_result
  WHERE r.tenant = new_tenant AND r.operation = new_operation AND r.client_key = new_client_key
    AND r.attempt_token = if_attempt_token AND r.fingerprint = if_fingerprint AND r.status = if_status
    AND CASE if_lease
          WHEN 0 THEN true
          WHEN 1 THEN r.expires_at IS NULL OR r.expires_at >= if_now
          ELSE r.expires_at < if_now
        END;
  RETURN FOUND;
END
$function$;

-- Removes records whose deadline is before a time, at most so many, oldest first. Returns how many it removed.
-- Records that others have locked are passed over; the condition holds at the moment of removal, because the rows are
-- locked when it is judged.
CREATE FUNCTION nexus_idempotency_purge(before bigint, at_most bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $function$
DECLARE
  removed bigint;
BEGIN
  DELETE FROM nexus_idempotency AS r
  WHERE r.ctid = ANY (ARRAY(
      SELECT c.ctid FROM nexus_idempotency AS c
      WHERE c.expires_at < before
      ORDER BY c.expires_at LIMIT at_most
      FOR UPDATE SKIP LOCKED))
    AND r.expires_at < before;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END
$function$;

-- What the library looks for: one row.
CREATE TABLE nexus_idempotency_schema (version integer NOT NULL);
INSERT INTO nexus_idempotency_schema (version) VALUES (1);
