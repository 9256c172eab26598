-- name: rows_to_move
-- The keys of the rows that a condition matches and that are not there already; a row without a tenant is a finding's.
SELECT {key}
FROM {relation} AS batch
WHERE {matches}
  AND batch.{tenant} <> %(to)s::uuid
  AND (%(from)s::uuid IS NULL OR batch.{tenant} = %(from)s::uuid)
ORDER BY 1

-- name: last_move
-- The number of the move that was just written down.
SELECT id FROM vital.audit WHERE action = %(action)s::text ORDER BY id DESC LIMIT 1

-- name: rows_of_move
-- The rows that stand where a move has put them.
SELECT o.relation, o.key
FROM vital.audit AS a
JOIN vital.override AS o ON o.decided_at = (a.facts ->> 'moment')::timestamptz
WHERE a.id = %(number)s::bigint AND a.action = %(action)s::text
ORDER BY o.relation, o.key
