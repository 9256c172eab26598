-- name: latest_runs
-- The last runs and undos, the newest first, or this one alone.
SELECT id, kind, status, started_by, started_at, finished_at, scope, phases, in_background, stop_requested, progress, seen_at, error
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

-- name: findings_of_run
-- What the checks of this run found, and how much that is in all.
SELECT phase, check_name, severity, relation, key, message, found_at, count(*) OVER ()
FROM vital.finding
WHERE run_id = %(id)s
ORDER BY severity, check_name, relation, key
LIMIT %(limit)s
