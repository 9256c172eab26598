-- name: ledger_by_table
-- What the ledger holds about each table: entries, the rows that they are about, how many of them are undone, the oldest.
SELECT relation, count(*), COALESCE(sum(rows), 0)::bigint, count(*) FILTER (WHERE undone_at IS NOT NULL), min(written_at)
FROM vital.ledger
GROUP BY relation
ORDER BY 3 DESC, relation

-- name: ledger_bytes
-- What it takes on disk, with its indexes.
SELECT pg_total_relation_size('vital.ledger')

-- name: undone_before
-- How many entries were undone so long ago, and the rows that they are about.
SELECT count(*), COALESCE(sum(rows), 0)::bigint FROM vital.ledger WHERE undone_at < now() - %(days)s::integer * interval '1 day'

-- name: purge_undone
-- Some entries that were undone so long ago: what they say is no longer so, and no undo asks for them.
DELETE FROM vital.ledger
WHERE id IN (
    SELECT id FROM vital.ledger WHERE undone_at < now() - %(days)s::integer * interval '1 day' ORDER BY id LIMIT %(entries)s
)
RETURNING rows

-- name: is_there_by_key
-- Whether the table still has the row.
SELECT EXISTS (SELECT FROM {relation} AS t WHERE {key} = %(key)s::text)

-- name: entries_of_key
-- The entries that are about this row.
SELECT id FROM vital.ledger WHERE relation = %(relation)s::text AND keys @> ARRAY[%(key)s::text] ORDER BY id

-- name: forget_key
-- The row's key, and what is remembered beside it, out of an entry; an entry about nothing else goes.
WITH left_over AS (
    SELECT l.id, array_agg(k.key ORDER BY k.place) AS keys,
           CASE WHEN l.hashes IS NOT NULL THEN array_agg(l.hashes[k.place] ORDER BY k.place) END AS hashes
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) WITH ORDINALITY AS k (key, place)
    WHERE l.id = %(id)s
      AND k.key <> %(key)s::text
    GROUP BY l.id
), gone AS (
    DELETE FROM vital.ledger WHERE id = %(id)s AND NOT EXISTS (SELECT FROM left_over)
)
UPDATE vital.ledger AS l
SET keys = left_over.keys, hashes = left_over.hashes, rows = cardinality(left_over.keys),
    conflicts = array_remove(l.conflicts, %(key)s::text)
FROM left_over
WHERE l.id = left_over.id

-- name: forget_elsewhere
-- Decisions and findings about the row.
WITH decided AS (
    DELETE FROM vital.override WHERE relation = %(relation)s::text AND key = %(key)s::text RETURNING key
), found AS (
    DELETE FROM vital.finding WHERE relation = %(relation)s::text AND key = %(key)s::text RETURNING key
)
SELECT (SELECT count(*) FROM decided), (SELECT count(*) FROM found)
