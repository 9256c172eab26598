-- name: latest_runs
-- The last runs and undos, the newest first, or this one alone.
SELECT id, kind, status, started_by, started_at, finished_at, scope, phases, in_background, stop_requested, progress, seen_at, error
FROM vital.run
WHERE kind <> 'decide'
  AND (%(id)s::bigint IS NULL OR id = %(id)s::bigint)
ORDER BY id DESC
LIMIT %(limit)s

-- name: phases_of_run
-- What each phase of a run has come to.
SELECT phase, status, run_id, started_at, completed_at, metrics, error FROM vital.phase_run WHERE run_id = %(id)s

-- name: findings_of_run
-- What the checks of this run found, and how much that is in all.
SELECT phase, check_name, severity, relation, key, message, found_at, count(*) OVER ()
FROM vital.finding
WHERE run_id = %(id)s
ORDER BY severity, check_name, relation, key
LIMIT %(limit)s
