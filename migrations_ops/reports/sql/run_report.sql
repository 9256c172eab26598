-- name: decisions_before
-- What people had decided about rows by then, the latest first; and how many decisions that is in all.
SELECT relation, key, tenant_id::text, reason, decided_by, decided_at, count(*) OVER ()
FROM vital.override
WHERE decided_at <= COALESCE(%(finished_at)s, clock_timestamp())
ORDER BY decided_at DESC, id DESC
LIMIT %(limit)s

-- name: rehearsal_before
-- What the last rehearsal of a run's plan had forecast when it began.
SELECT id, held_at, forecast
FROM vital.rehearsal
WHERE plan_digest = %(plan_digest)s::text
  AND held_at <= %(started_at)s
  AND forecast IS NOT NULL
ORDER BY id DESC
LIMIT 1
