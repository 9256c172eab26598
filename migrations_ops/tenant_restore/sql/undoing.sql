-- name: entries_of_restore
-- What a restore did that stands, the latest first.
SELECT id, kind, relation, tenant_id::text, keys, rows FROM vital.restore_entry WHERE run_id = %(run)s AND undone_at IS NULL ORDER BY id DESC LIMIT %(entries)s

-- name: rows_of_restore
-- Of a run that is a restore: the rows that still can go back, and its status.
SELECT r.status, COALESCE((SELECT sum(e.rows) FROM vital.restore_entry AS e WHERE e.run_id = r.id AND e.undone_at IS NULL), 0)::bigint
FROM vital.run AS r
WHERE r.id = %(run)s
  AND r.kind = 'restore'

-- name: rows_written_by_restore
-- How many rows a restore has written that stand, by table and kind.
SELECT relation, kind, sum(rows)::bigint FROM vital.restore_entry WHERE run_id = %(run)s AND undone_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2

-- name: remembered_rows
-- The rows of an entry, each with its values before and after. Taken out one after the other: to look each up by its place
-- would unpack the whole entry for every row.
SELECT key AS vital_key, was AS vital_before, became AS vital_after
FROM vital.restore_entry AS e
CROSS JOIN LATERAL ROWS FROM (unnest(e.keys), jsonb_array_elements(e.before), jsonb_array_elements(e.after)) AS row (key, was, became)
WHERE e.id = %(id)s
  AND key = ANY(%(keys)s::text[])

-- name: changed_columns
-- The columns that an entry has values of.
SELECT DISTINCT jsonb_object_keys(value) FROM vital.restore_entry AS e CROSS JOIN LATERAL jsonb_array_elements(COALESCE(e.before, e.after)) WHERE e.id = %(id)s

-- name: as_restored
-- Predicate on `t`: it has still the values that it was given.
(SELECT jsonb_object_agg(name, image.now -> name) FROM jsonb_object_keys(e.vital_after) AS name, (SELECT {image}) AS image (now)) = e.vital_after

-- name: delete_restored
-- Rows that came back go again, where they are as they came and nothing refers to them.
WITH e AS (
    {remembered}
)
DELETE FROM {relation} AS t
USING e
WHERE {same_row}
  AND t.{tenant}::text = %(tenant)s::text
  AND {as_restored}
  AND {unreferred}
RETURNING e.vital_key

-- name: change_restored
-- Rows get the values from before, where they still have those that they were given.
WITH e AS (
    {remembered}
)
UPDATE {relation} AS t
SET {assignments}
FROM e
WHERE {same_row}
  AND t.{tenant}::text = %(tenant)s::text
  AND {as_restored}
RETURNING e.vital_key

-- name: insert_deleted
-- Rows that were deleted come back as they were.
WITH e AS (
    {remembered}
)
INSERT INTO {relation} AS t ({columns})
OVERRIDING SYSTEM VALUE
SELECT {values} FROM e WHERE NOT EXISTS (SELECT 1 FROM {relation} AS t WHERE {same_row})
RETURNING {key}

-- name: hold_restored
-- Rows that are about to go again: while they are held nobody comes to refer to them.
SELECT count(*) FROM (SELECT 1 FROM {relation} AS t JOIN unnest(%(keys)s::text[]) AS given (vital_key) ON {same_row} FOR UPDATE OF t) AS held

-- name: keys_still_there
-- Which of these rows there are.
SELECT given.vital_key FROM unnest(%(keys)s::text[]) AS given (vital_key) WHERE EXISTS (SELECT 1 FROM {relation} AS t WHERE {same_row})

-- name: close_restored
-- The entry is undone, but for these rows.
UPDATE vital.restore_entry SET undone_at = clock_timestamp(), conflicts = %(conflicts)s::text[] WHERE id = %(id)s
