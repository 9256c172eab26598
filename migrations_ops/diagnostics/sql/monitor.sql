-- name: pass_locked_tables_by
-- A table that somebody has locked is looked at the next time.
SELECT set_config('lock_timeout', '300ms', false)

-- name: strain_now
-- Connections to this server and the most it takes; sessions of this database that wait for a lock; statements that have
-- run for more than a second, and for how many seconds the longest. What others do is as far as this role may see it.
SELECT count(*)::integer, current_setting('max_connections')::integer,
       (
           SELECT count(DISTINCT pid)::integer FROM pg_locks
           WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ),
       count(*) FILTER (WHERE slow)::integer, COALESCE(max(seconds) FILTER (WHERE slow), 0)::double precision
FROM (
    SELECT extract(epoch FROM clock_timestamp() - query_start) AS seconds,
           state = 'active' AND datname = current_database() AND pid <> pg_backend_pid() AND NOT starts_with(application_name, 'vital ')
           AND clock_timestamp() - query_start > interval '1 second' AS slow
    FROM pg_stat_activity
    WHERE COALESCE(backend_type, 'client backend') = 'client backend'
) AS session

-- name: without_tenant
-- Rows of a table that are nobody's, up to so many.
SELECT {name}, (SELECT count(*) FROM (SELECT FROM {relation} WHERE {tenant} IS NULL LIMIT {most}) AS counted)

-- name: written_late
-- Rows that old code has written without a tenant, and that got theirs on the way, so far.
SELECT COALESCE(sum(rows), 0)::bigint FROM vital.ledger WHERE kind = 'late' AND undone_at IS NULL

-- name: last_validation
-- When the validation was last through, whatever it found, and its status.
SELECT extract(epoch FROM completed_at)::double precision, status
FROM vital.phase_run
WHERE phase = '005_post_validation'
  AND completed_at IS NOT NULL
ORDER BY completed_at DESC
LIMIT 1
