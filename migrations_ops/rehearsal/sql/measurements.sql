-- name: content_of_table
-- A table's rows and the order-independent fingerprint of all its columns.
SELECT count(*), COALESCE(sum({hash}), 0) FROM {table} AS t

-- name: sizes_of_tables
-- What each table takes on disk, its indexes, TOAST and partitions included.
SELECT format('%%I.%%I', n.nspname, c.relname),
       pg_total_relation_size(c.oid)
       + COALESCE((SELECT sum(pg_total_relation_size(f.relid)) FROM pg_partition_tree(c.oid) AS f WHERE f.relid <> c.oid), 0)::bigint
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND NOT starts_with(n.nspname::text, 'pg_')

-- name: tenants_of_rows
-- How many rows each tenant has in a table.
SELECT t.{tenant}::text, count(*) FROM {table} AS t GROUP BY 1

-- name: steps_of_last_run
-- What each step of the run cost.
SELECT p.phase, s.step, s.relation, s.rows_changed, s.seconds, s.wal_bytes, s.longest_lock
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE p.run_id = (SELECT max(id) FROM vital.run WHERE kind = 'run')
ORDER BY s.id

-- name: phases_of_last_run
-- How long each phase of the run took.
SELECT phase, (metrics ->> 'seconds')::float
FROM vital.phase_run
WHERE run_id = (SELECT max(id) FROM vital.run WHERE kind = 'run')
ORDER BY id

-- name: failed_findings
-- What the checks that failed have found.
SELECT check_name, relation, key, message FROM vital.finding WHERE severity = 'FAIL' ORDER BY id LIMIT 100

-- name: most_wal_kept
-- How much WAL the server keeps between two checkpoints, where nothing holds it longer.
SELECT pg_size_bytes(current_setting('max_wal_size'))

-- name: never_filtered
-- What row level security would hide is an error instead, in this session.
SELECT set_config('row_security', 'off', false)

-- name: filtered_again
-- Policies count again in this session: while isolation is on only vital_operator's shows every row.
SELECT set_config('row_security', 'on', false)
