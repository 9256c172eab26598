-- name: triggers_of_ours
-- Triggers that the migration has put on the platform's tables.
SELECT DISTINCT t.tgrelid::regclass::text
FROM pg_trigger AS t
WHERE t.tgrelid = ANY(SELECT to_regclass(name) FROM unnest(%(relations)s::text[]) AS name)
  AND (starts_with(t.tgname::text, 'vital_') OR t.tgname = 'A_vital_new_tenant')

-- name: note_rehearsal
-- The one row that a rehearsal leaves in the platform's database.
INSERT INTO vital.rehearsal (held_by, plan_digest, exact, forecast)
VALUES (%(by)s::text, %(digest)s::text, %(exact)s, %(forecast)s)
RETURNING id, held_at

-- name: has_rehearsals
-- Whether rehearsals are remembered here at all.
SELECT to_regclass('vital.rehearsal') IS NOT NULL

-- name: last_rehearsal
-- The last rehearsal, or the last of this plan.
SELECT id, held_at, held_by, plan_digest, exact, forecast
FROM vital.rehearsal
WHERE plan_digest = %(digest)s::text
   OR %(digest)s::text = ''
ORDER BY id DESC
LIMIT 1
