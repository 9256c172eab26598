-- name: tuned
-- The limits that somebody set.
SELECT name, value FROM vital.tuning

-- name: tune
-- Somebody sets a limit.
INSERT INTO vital.tuning (name, value, set_by) VALUES (%(name)s::text, %(value)s::text, %(by)s::text)
ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, set_by = EXCLUDED.set_by, set_at = clock_timestamp()

-- name: untune
-- The default again.
DELETE FROM vital.tuning WHERE name = %(name)s::text

-- name: replicas
-- The replica furthest behind: seconds, bytes, its name; a row whose state is hidden says that we may not see.
SELECT extract(epoch FROM replay_lag)::float, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float,
       COALESCE(NULLIF(application_name, ''), client_addr::text, 'a replica'), state IS NULL
FROM pg_stat_replication
WHERE state IS DISTINCT FROM 'backup'

-- name: slots
-- The replication slot that keeps most WAL on the disk: bytes and name.
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float, slot_name::text
FROM pg_replication_slots
WHERE restart_lsn IS NOT NULL
ORDER BY 1 DESC
LIMIT 1

-- name: waiting_sessions
-- How many sessions wait for locks in this database, and one of them with whom it waits for.
SELECT count(DISTINCT l.pid)::float,
       min(format('pid %%s waits for pid %%s', l.pid, array_to_string(pg_blocking_pids(l.pid), ', ')))
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid AND a.datname = current_database()
WHERE NOT l.granted
  AND l.pid <> pg_backend_pid()

-- name: oldest_transaction
-- The oldest transaction of others that keeps VACUUM from cleaning: its age in seconds and whose it is; and how many
-- sessions hide theirs from us.
SELECT max(age)::float, (array_agg(words ORDER BY age DESC NULLS LAST))[1], count(*) FILTER (WHERE hidden)
FROM (
    SELECT extract(epoch FROM clock_timestamp() - a.xact_start) AS age,
           format('pid %%s (%%s, user %%s, %%s)', a.pid, COALESCE(NULLIF(a.application_name, ''), 'no name'), a.usename, a.state) AS words,
           a.state IS NULL AND a.query = '<insufficient privilege>' AS hidden
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database()
      AND a.pid <> pg_backend_pid()
      AND a.application_name NOT LIKE 'vital %%'
      AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL OR a.state IS NULL)
) AS open

-- name: maintenance_of
-- Who cleans or indexes the table just now: autovacuum, VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY.
SELECT l.pid, COALESCE(a.usename::text, 'autovacuum')
FROM pg_locks AS l
LEFT JOIN pg_stat_activity AS a USING (pid)
WHERE l.relation = to_regclass(%(relation)s::text)
  AND l.mode = 'ShareUpdateExclusiveLock'
  AND l.granted
  AND l.pid <> pg_backend_pid()
  AND COALESCE(a.application_name, '') NOT LIKE 'vital %%'

-- name: connections_taken
-- How many of the server's connections are taken, in percent, and of how many.
SELECT 100.0 * sum(numbackends) / current_setting('max_connections')::int, current_setting('max_connections')
FROM pg_stat_database

-- name: data_directory
-- Where the server keeps its data; only some roles may know.
SHOW data_directory

-- name: user_query_settings
-- What a user's own query may do: read, and not for long.
SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', %(timeout)s, true)
