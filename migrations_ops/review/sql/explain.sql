-- name: row_and_rules
-- One row: its key as it is noted, its tenant, what the rules read in it, and which of them match.
SELECT {key}, batch.{tenant}::text, {asked}
FROM {relation} AS batch
WHERE {same_row}

-- name: refusal_of_row
-- Why a row has refused its tenant, if it stands as it stood then.
SELECT message || COALESCE(' (SQLSTATE ' || NULLIF(sqlstate, '') || ')', '')
FROM vital.failing_row
WHERE relation = %(relation)s::text
  AND key = %(key)s::text
  AND before = %(before)s
ORDER BY id DESC
LIMIT 1
