-- name: pass_locked_tables_by
-- A table that somebody has locked is looked at the next time.
SELECT set_config('lock_timeout', '300ms', false)

-- name: load_now
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
-- Rows of a table without a tenant, up to so many.
SELECT {name}, (SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE {tenant} IS NULL LIMIT {most}) AS counted)
