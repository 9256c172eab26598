-- name: run_with_plan
-- A run with the plan that it was opened with.
SELECT id, kind, status, scope, phases, started_by, started_at, finished_at, error, plan_digest, plan
FROM vital.run
WHERE id = %(id)s

-- name: latest_run
-- The last run or undo.
SELECT max(id) FROM vital.run WHERE kind <> 'decide'

-- name: acts_of_run
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
  AND (kind = 'insert' OR after ? 'tenant_id')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- name: decisions_before
-- What people had decided about rows by then, the latest first; and how many decisions that is in all.
SELECT relation, key, tenant_id::text, reason, decided_by, decided_at, count(*) OVER ()
FROM vital.override
WHERE decided_at <= COALESCE(%(finished_at)s, clock_timestamp())
ORDER BY decided_at DESC, id DESC
LIMIT %(limit)s

-- name: rehearsal_before
-- What the last rehearsal of a run's plan had foretold when it began.
SELECT id, held_at, forecast
FROM vital.rehearsal
WHERE plan_digest = %(plan_digest)s::text
  AND held_at <= %(started_at)s
  AND forecast IS NOT NULL
ORDER BY id DESC
LIMIT 1
