-- SPDX-License-Identifier: MIT
-- What schema.sql makes, in partitions: records that have lapsed are not deleted but go with the partition that they
-- are in. For many commands a day; when it pays, and what it costs, is in src/design/0010-scale-out.md. PostgreSQL 12
-- and later, version 1, as schema.sql: the store is the same, and its ensure_schema() accepts what this has made.
--
-- To run it: `psql --single-transaction -v ON_ERROR_STOP=1 -f schema_partitioned.sql`, before the first service starts;
-- for another name, replace each nexus_idempotency by it, also by one with a schema, such as app.commands.
--
-- Then, by the owner, from cron or the like:
--   SELECT nexus_idempotency_rotate((extract(epoch FROM now()) * 1000000)::bigint - 3600000000, '12 hours');
-- which drops the partitions of what lapsed more than an hour ago, and lets a new one begin every 12 hours. It may be
-- called more often. If it is not called, everything goes on in the newest partition, which grows. Errors 55P03, 40P01
-- and 40001 mean that it has done nothing and is to be called again: a transaction that has used the table was open, be
-- it a dump. Services wait for it for 200 ms at most (ALTER FUNCTION ... SET lock_timeout for another limit).
--
-- Each look-up goes through all partitions: choose a length that makes them few, about half of the time that results
-- are kept. purge_expired() works, but reads the table from its beginning, as there is no index of the deadlines; leave
-- it to small tables.
--
-- How it works. There is one open period, into which all records are inserted; it is the column's default, and changes
-- only under a lock that no open transaction shares. So all transactions that are under way insert into one partition,
-- whose primary key lets one of them win, and whoever comes after a change sees all that went before. A save moves its
-- record into the open period. So a record in a closed period never changes there, it only leaves; once all that are
-- left have lapsed, they have for good, and the partition can be dropped without another look under the lock.
-- For the same reason: change no record by hand but with nexus_idempotency_save, and call the functions in transactions
-- that are READ COMMITTED, as the store does. A snapshot from before a change of the period would not show what was
-- inserted before it, and nothing would refuse a second record.
--
-- nexus_idempotency is a view with the columns of schema.sql's table; how to look at what is stored is written there.
-- The partitions and their sizes:
--   SELECT inhrelid::regclass, pg_size_pretty(pg_total_relation_size(inhrelid)) FROM pg_inherits
--   WHERE inhparent = 'nexus_idempotency_rows'::regclass;
--
-- The least that a service needs, where <role> owns none of this:
--   GRANT SELECT ON nexus_idempotency_schema, nexus_idempotency TO <role>;
--   GRANT SELECT, INSERT, UPDATE, DELETE ON nexus_idempotency_rows TO <role>;   -- DELETE: only if it purges

CREATE TABLE nexus_idempotency_rows (
  -- As in schema.sql.
  fence              bigint   NOT NULL,
  created_at         bigint   NOT NULL,
  last_transition_at bigint   NOT NULL,
  expires_at         bigint,
  period             integer  NOT NULL DEFAULT 0, -- a number, which grows
  status             smallint NOT NULL,
  tenant             bytea    NOT NULL,
  operation          bytea    NOT NULL,
  client_key         bytea    NOT NULL,
  fingerprint        bytea    NOT NULL,
  attempt_token      bytea    NOT NULL,
  result             bytea
) PARTITION BY LIST (period);

-- The first period, which the first rotation ends. Each partition has its key to itself: one of all of them would have
-- to hold the period. The fillfactor leaves room for the completed version beside the claim, which then goes: with
-- results of 200 bytes 94 of 100 completions are HOT, the log is 8 % and the index 18 % shorter, and no space is lost.
CREATE TABLE nexus_idempotency_p0 PARTITION OF nexus_idempotency_rows (
  PRIMARY KEY (tenant, operation, client_key)
) FOR VALUES IN (0) WITH (fillfactor = 60);

CREATE VIEW nexus_idempotency AS
SELECT fence, created_at, last_transition_at, expires_at, status,
       tenant, operation, client_key, fingerprint, attempt_token, result
FROM nexus_idempotency_rows;

-- The functions of schema.sql; see there.

CREATE FUNCTION nexus_idempotency_claim(
  new_tenant bytea, new_operation bytea, new_client_key bytea, new_status smallint, new_fingerprint bytea,
  new_attempt_token bytea, new_fence bigint, new_result bytea, new_created_at bigint, new_last_transition_at bigint,
  new_expires_at bigint
) RETURNS nexus_idempotency LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $function$
DECLARE
  stored nexus_idempotency%ROWTYPE;
BEGIN
  LOOP
    -- From here on the transaction has the lock that a change of the period waits for.
    SELECT r.* INTO stored FROM nexus_idempotency AS r
    WHERE r.tenant = new_tenant AND r.operation = new_operation AND r.client_key = new_client_key;
    IF FOUND THEN
      RETURN stored;
    END IF;

    INSERT INTO nexus_idempotency_rows (
      fence, created_at, last_transition_at, expires_at, status,
      tenant, operation, client_key, fingerprint, attempt_token, result
    ) VALUES (
      new_fence, new_created_at, new_last_transition_at, new_expires_at, new_status,
      new_tenant, new_operation, new_client_key, new_fingerprint, new_attempt_token, new_result
    ) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END LOOP;
END
$function$;

-- If another transaction has just moved the record, this ends with 40001, and the store repeats it.
CREATE FUNCTION nexus_idempotency_save(
  if_attempt_token bytea, if_fingerprint bytea, if_status smallint, if_lease smallint, if_now bigint,
  new_tenant bytea, new_operation bytea, new_client_key bytea, new_status smallint, new_fingerprint bytea,
  new_attempt_token bytea, new_fence bigint, new_result bytea, new_created_at bigint, new_last_transition_at bigint,
  new_expires_at bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $function$
BEGIN
  UPDATE nexus_idempotency_rows AS r
  SET fence = new_fence,
      created_at = new_created_at,
      last_transition_at = new_last_transition_at,
      expires_at = CASE
        WHEN r.status = 0 AND new_status = 0 AND r.attempt_token = new_attempt_token
          THEN CASE WHEN r.expires_at > new_expires_at OR r.expires_at IS NULL THEN r.expires_at ELSE new_expires_at END
        ELSE new_expires_at
      END,
      period = DEFAULT, -- the open one
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

CREATE FUNCTION nexus_idempotency_purge(before bigint, at_most bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $function$
DECLARE
  removed bigint;
BEGIN
  -- Chosen once: a subquery in the condition would be executed for each partition, by servers before 14.
  WITH due AS MATERIALIZED (
    SELECT c.tenant, c.operation, c.client_key FROM nexus_idempotency_rows AS c
    WHERE c.expires_at < before
    LIMIT at_most
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM nexus_idempotency_rows AS r USING due AS d
  WHERE r.tenant = d.tenant AND r.operation = d.operation AND r.client_key = d.client_key
    AND r.expires_at < before;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END
$function$;

-- The version that the library looks for, and the open period: one row.
CREATE TABLE nexus_idempotency_schema (
  version      integer     NOT NULL,
  period       integer     NOT NULL,
  period_began timestamptz NOT NULL
);
INSERT INTO nexus_idempotency_schema (version, period, period_began) VALUES (1, 0, '-infinity');

-- Drops each closed period of which all records have lapsed before a time, or all but `carry`, which it first moves
-- into the open period: those of failures that are kept for ever, for example. Then lets a new period begin, if the
-- open one is as old as `length`. Returns how many periods it dropped.
CREATE FUNCTION nexus_idempotency_rotate(before bigint, length interval, carry bigint DEFAULT 10000)
RETURNS integer LANGUAGE plpgsql VOLATILE SET lock_timeout = '200ms' SET jit = off AS $function$
DECLARE
  open_period integer;
  next_period integer;
  began timestamptz;
  old_period integer;
  due integer[] := '{}';
  kept bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'nexus_idempotency_rotate must see what has just been committed: use READ COMMITTED'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  -- One rotation at a time. What is closed now was closed by one that has been committed.
  SELECT s.period, s.period_began INTO STRICT open_period, began FROM nexus_idempotency_schema AS s FOR UPDATE;

  FOR old_period IN
    SELECT substring(c.relname FROM '[0-9]+$')::integer AS number
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'nexus_idempotency_rows'::regclass
    ORDER BY number
  LOOP
    CONTINUE WHEN old_period = open_period;
    EXECUTE 'SELECT count(*) FROM (SELECT FROM nexus_idempotency_p' || old_period ||
            ' WHERE expires_at IS NULL OR expires_at >= $1 LIMIT $2) AS k'
      INTO kept USING before, carry + 1;
    CONTINUE WHEN kept > carry;
    IF kept > 0 THEN
      EXECUTE 'UPDATE nexus_idempotency_rows SET period = DEFAULT WHERE period = ' || old_period ||
              ' AND (expires_at IS NULL OR expires_at >= $1)'
        USING before;
    END IF;
    due := due || old_period;
  END LOOP;

  IF clock_timestamp() >= began + length THEN
    next_period := open_period + 1;
  ELSIF due = '{}' THEN
    RETURN 0;
  END IF;

  -- Everyone goes through this table. Its partitions need no lock that is waited for, unless by a vacuum.
  LOCK TABLE ONLY nexus_idempotency_rows IN ACCESS EXCLUSIVE MODE;
  FOREACH old_period IN ARRAY due LOOP
    EXECUTE 'DROP TABLE nexus_idempotency_p' || old_period;
  END LOOP;
  IF next_period IS NOT NULL THEN
    EXECUTE 'CREATE TABLE nexus_idempotency_p' || next_period || ' PARTITION OF nexus_idempotency_rows'
            ' (PRIMARY KEY (tenant, operation, client_key)) FOR VALUES IN (' || next_period ||
            ') WITH (fillfactor = 60)';
    EXECUTE 'ALTER TABLE ONLY nexus_idempotency_rows ALTER COLUMN period SET DEFAULT ' || next_period;
    UPDATE nexus_idempotency_schema SET period = next_period, period_began = clock_timestamp();
  END IF;
  RETURN cardinality(due);
END
$function$;
