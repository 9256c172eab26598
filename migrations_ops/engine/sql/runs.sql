-- name: may_open_runs
-- Whether this role may write down that a run starts, and who wants it.
SELECT has_table_privilege('vital.run', 'INSERT') AND has_table_privilege('vital.run', 'UPDATE') AND has_table_privilege('vital.audit', 'INSERT')

-- name: plan_of_run
-- The text of the plan that a run was opened with.
SELECT plan FROM vital.run WHERE id = %(id)s

-- name: standing_plan
-- The plan by which this database was migrated: of the last run of which more stands than 000's look.
SELECT r.id, r.plan
FROM vital.run AS r
WHERE r.kind = 'run'
  AND r.plan <> ''
  AND EXISTS (
      SELECT FROM vital.phase_run AS p WHERE p.run_id = r.id AND p.phase NOT LIKE '000%%' AND p.status <> 'rolled_back'
  )
ORDER BY r.id DESC
LIMIT 1

-- name: rows_written_without_tenant
-- Rows that were written without a tenant and got theirs on the way, for each table.
SELECT relation, sum(rows)::bigint, max(written_at) FROM vital.ledger WHERE kind = 'late' AND undone_at IS NULL GROUP BY relation

-- name: open_run
-- A run starts.
INSERT INTO vital.run (kind, status, phases, plan_digest, plan, started_by, reason, stop_requested, scope, in_background)
VALUES (%(kind)s::text, 'running', %(phases)s, %(digest)s::text, %(plan)s::text, %(by)s::text, %(reason)s::text, '', %(scope)s::text, %(in_background)s)
RETURNING id

-- name: hand_over
-- Who carries a run on from here: whoever resumes it, or the workers.
UPDATE vital.run SET in_background = %(in_background)s WHERE id = %(id)s

-- name: left_to_workers
-- The run that workers are to carry out; whether one does, its lock says.
SELECT id FROM vital.run WHERE status = 'running' AND in_background

-- name: status_of_run
-- How a run stands.
SELECT status FROM vital.run WHERE id = %(id)s

-- name: move_run
-- A run goes from one status to another.
UPDATE vital.run
SET status = %(after)s::text,
    stop_requested = '',
    error = %(error)s,
    finished_at = CASE WHEN %(after)s::text IN ('completed', 'cancelled') THEN clock_timestamp() END
WHERE id = %(id)s
  AND status = %(before)s::text
RETURNING id

-- name: note_progress
-- Where a run is, for whoever looks.
UPDATE vital.run SET progress = %(progress)s, seen_at = clock_timestamp() WHERE id = %(run)s

-- name: stop_requested
-- What somebody asked the run to do.
SELECT stop_requested FROM vital.run WHERE id = %(id)s

-- name: wants_help
-- Whether the run is at work and nobody has asked it to stop.
SELECT status = 'running' AND stop_requested = '' FROM vital.run WHERE id = %(id)s

-- name: request_stop
-- Ask a run to pause or to be given up; it does so between two batches.
UPDATE vital.run
SET stop_requested = CASE stop_requested WHEN 'cancel' THEN 'cancel' ELSE %(what)s::text END
WHERE id = %(id)s
  AND status = 'running'
RETURNING id

-- name: phase_states
-- The last record of each phase in runs of the whole, and of this canary. What a canary did is not the whole.
SELECT DISTINCT ON (p.phase) p.phase, p.status, p.run_id, p.started_at, p.completed_at, p.metrics, p.error
FROM vital.phase_run AS p
JOIN vital.run AS r ON r.id = p.run_id
WHERE r.scope IN ('', %(scope)s::text)
ORDER BY p.phase, p.id DESC

-- name: phases_not_undone
-- Every phase of which something may stand, and what it was limited to: by the last record of the whole and of each canary.
SELECT last.phase, last.scope
FROM (
    SELECT DISTINCT ON (r.scope, p.phase) p.phase, p.status, r.scope
    FROM vital.phase_run AS p
    JOIN vital.run AS r ON r.id = p.run_id
    ORDER BY r.scope, p.phase, p.id DESC
) AS last
WHERE last.status <> 'rolled_back'

-- name: canaries
-- What the runs of a part have come to.
SELECT DISTINCT ON (r.scope, p.phase) r.scope, p.phase, p.status
FROM vital.phase_run AS p
JOIN vital.run AS r ON r.id = p.run_id
WHERE r.scope <> ''
ORDER BY r.scope, p.phase, p.id DESC

-- name: completed_in_run
-- The phases that this run has completed.
SELECT phase FROM vital.phase_run WHERE run_id = %(run)s AND status = 'completed'

-- name: spoil_phase
-- The phase must not pass as completed any more: its undo has begun, or isolation is off.
UPDATE vital.phase_run
SET status = 'failed',
    error = %(error)s
WHERE id IN (
    SELECT DISTINCT ON (r.scope) p.id
    FROM vital.phase_run AS p
    JOIN vital.run AS r ON r.id = p.run_id
    WHERE p.phase = %(phase)s::text
    ORDER BY r.scope, p.id DESC
)
  AND status <> 'rolled_back'

-- name: finding_counts
-- Findings by check, as many as it found; those that a person has decided about or resolved since are left out.
SELECT f.check_name, f.severity, f.relation, greatest(count(*), max(step.findings)) - count(COALESCE(person.key, f.settled_by::text)) AS still
FROM vital.finding AS f
LEFT JOIN vital.override AS person ON person.relation = f.relation AND person.key = f.key AND person.decided_at >= f.found_at
LEFT JOIN LATERAL (
    SELECT s.findings FROM vital.step_run AS s WHERE s.step = f.check_name AND s.relation = f.relation ORDER BY s.id DESC LIMIT 1
) AS step ON true
GROUP BY 1, 2, 3
HAVING greatest(count(*), max(step.findings)) > count(COALESCE(person.key, f.settled_by::text))
ORDER BY 2, 1
