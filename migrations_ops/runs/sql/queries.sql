-- name: unfinished_run
-- The run or undo that is not over, and where it is; there is at most one.
SELECT id, kind, status, phases, plan_digest, scope, progress, seen_at, started_by, reason FROM vital.run WHERE status IN ('running', 'paused', 'failed')

-- name: latest_runs
-- The last runs and undos, the newest first, or this one alone.
SELECT id, kind, status, started_by, reason, started_at, finished_at, scope, phases, in_background, stop_requested, progress, seen_at, error
FROM vital.run
WHERE kind <> 'decide'
  AND (%(id)s::bigint IS NULL OR id = %(id)s::bigint)
ORDER BY id DESC
LIMIT %(limit)s

-- name: phases_of_run
-- What each phase of a run has come to; of one under way, which has no sums yet, what its steps have by now.
SELECT p.phase, p.status, p.run_id, p.started_at, p.completed_at,
       CASE WHEN p.status = 'started' THEN by_now.metrics ELSE p.metrics END, p.error
FROM vital.phase_run AS p
CROSS JOIN LATERAL (
    SELECT jsonb_build_object(
        'seconds', round(sum(s.seconds)::numeric, 3),
        'rows_seen', COALESCE(sum(s.rows_seen), 0),
        'rows_changed', COALESCE(sum(s.rows_changed), 0),
        'findings', COALESCE(sum(s.findings), 0),
        'wal_bytes', COALESCE(sum(s.wal_bytes), 0),
        'longest_lock', COALESCE(max(s.longest_lock), 0),
        'steps', count(*) FILTER (WHERE s.status <> 'started')
    )
    FROM vital.step_run AS s
    WHERE p.status = 'started'
      AND s.phase_run_id = p.id
) AS by_now (metrics)
WHERE p.run_id = %(id)s

-- name: started_step_of_run
-- The step that a run is at, and since when.
SELECT s.step, s.started_at
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE p.run_id = %(id)s
  AND p.status = 'started'
  AND s.status = 'started'
ORDER BY s.id DESC
LIMIT 1

-- name: figures_of_runs
-- How many rows these runs have changed, and what their checks have found, phases under way counted in. A restore has no
-- phases.
SELECT p.run_id, COALESCE(sum(s.rows_changed), 0)::bigint, COALESCE(sum(s.findings), 0)::bigint
FROM vital.phase_run AS p
JOIN vital.step_run AS s ON s.phase_run_id = p.id
WHERE p.run_id = ANY(%(runs)s::bigint[])
GROUP BY 1
UNION ALL
SELECT run_id, sum(rows)::bigint, 0
FROM vital.restore_entry
WHERE run_id = ANY(%(runs)s::bigint[])
GROUP BY 1

-- name: rows_restored
-- What a restore has written, by table and kind, and how much of it was undone since.
SELECT relation, kind, sum(rows)::bigint,
       COALESCE(sum(rows - COALESCE(cardinality(conflicts), 0)) FILTER (WHERE undone_at IS NOT NULL), 0)::bigint
FROM vital.restore_entry
WHERE run_id = %(id)s
GROUP BY 1, 2
ORDER BY 1, 2

-- name: findings_of_run
-- What the checks of this run found, and how much that is in all.
SELECT phase, check_name, severity, relation, key, message, found_at, count(*) OVER ()
FROM vital.finding
WHERE run_id = %(id)s
ORDER BY severity, check_name, relation, key
LIMIT %(limit)s

-- name: run_with_plan
-- A run with the plan that it was opened with.
SELECT id, kind, status, scope, phases, started_by, reason, started_at, finished_at, error, plan_digest, plan
FROM vital.run
WHERE id = %(id)s

-- name: latest_run
-- The last run or undo of phases.
SELECT max(id) FROM vital.run WHERE kind NOT IN ('decide', 'restore')

-- name: actions_of_run
-- What people did to a run, and why.
SELECT at, who, action, reason FROM vital.audit WHERE facts @> jsonb_build_object('run', %(id)s::bigint) ORDER BY id

-- name: checks_of_run
-- What the checks of a run came to, in the order in which they were asked.
SELECT p.phase, s.step, s.relation, s.outcome, s.findings
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE p.run_id = %(id)s
  AND s.outcome IN ('PASS', 'WARN', 'FAIL')
ORDER BY p.phase, s.id

-- name: comparison_in_run
-- The tables against their baseline, as a check of this run found them.
SELECT s.facts
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE p.run_id = %(id)s
  AND s.facts IS NOT NULL
ORDER BY s.id DESC
LIMIT 1

-- name: rows_of_run
-- The rows that a run gave a tenant or added, for each table and tenant; of an undo those that it took back.
SELECT relation, COALESCE(after ->> 'tenant_id', ''), kind, sum(rows)::bigint
FROM vital.ledger
WHERE CASE %(kind)s::text
          WHEN 'undo' THEN undone_at BETWEEN %(started_at)s AND COALESCE(%(finished_at)s, clock_timestamp())
          ELSE run_id = %(id)s
      END
GROUP BY relation, after ->> 'tenant_id', kind
HAVING kind = 'insert' OR after ->> 'tenant_id' IS NOT NULL
ORDER BY 1, 2, 3

-- name: last_validation
-- When the validation was last through, whatever it found, and its status.
SELECT extract(epoch FROM completed_at)::double precision, status
FROM vital.phase_run
WHERE phase = '005_post_validation'
  AND completed_at IS NOT NULL
ORDER BY completed_at DESC
LIMIT 1

-- name: some_rows_of_tenant
-- How many rows of the table are a tenant's, counted as far as it matters.
SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE {tenant} = %(tenant)s::uuid LIMIT %(most)s) AS looked_at

-- name: oid_of_database
-- What tells this database from others of its server, whatever it is reached by.
SELECT oid FROM pg_database WHERE datname = current_database()
