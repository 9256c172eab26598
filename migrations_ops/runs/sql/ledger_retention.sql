-- name: ledger_by_table
-- What the ledger and restores of a tenant hold about each table: entries, the rows that they are about, how many of them are undone, the oldest.
SELECT relation, count(*), COALESCE(sum(rows), 0)::bigint, count(*) FILTER (WHERE undone_at IS NOT NULL), min(written_at)
FROM (
    SELECT relation, rows, undone_at, written_at FROM vital.ledger
    UNION ALL
    SELECT relation, rows, undone_at, written_at FROM vital.restore_entry
) AS entry
GROUP BY relation
ORDER BY 3 DESC, relation

-- name: ledger_bytes
-- What it takes on disk, with its indexes, and with what restores of a tenant remember.
SELECT pg_total_relation_size('vital.ledger') + pg_total_relation_size('vital.restore_entry')

-- name: undone_before
-- How many entries were undone so long ago, and the rows that they are about.
SELECT count(*), COALESCE(sum(rows), 0)::bigint
FROM (SELECT rows, undone_at FROM vital.ledger UNION ALL SELECT rows, undone_at FROM vital.restore_entry) AS entry
WHERE undone_at < now() - %(days)s::integer * interval '1 day'

-- name: purge_undone
-- Some entries that were undone so long ago: what they say is no longer so, and no undo asks for them.
WITH of_restores AS (
    DELETE FROM vital.restore_entry
    WHERE id IN (
        SELECT id FROM vital.restore_entry WHERE undone_at < now() - %(days)s::integer * interval '1 day' ORDER BY id LIMIT %(entries)s
    )
    RETURNING rows
), of_ledger AS (
    DELETE FROM vital.ledger
    WHERE id IN (
        SELECT id FROM vital.ledger WHERE undone_at < now() - %(days)s::integer * interval '1 day' ORDER BY id LIMIT %(entries)s
    )
    RETURNING rows
)
TABLE of_restores
UNION ALL
TABLE of_ledger

-- name: is_there_by_key
-- Whether the table still has the row.
SELECT EXISTS (SELECT 1 FROM {relation} AS t WHERE {key} = %(key)s::text)

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

-- name: forget_restored
-- The row's key and values, before and after, out of what restores of a tenant remember; how many entries had them.
WITH entry AS (
    SELECT * FROM vital.restore_entry WHERE relation = %(relation)s::text AND keys @> ARRAY[%(key)s::text]
), left_over AS (
    SELECT e.id, array_agg(k.key ORDER BY k.place) AS keys,
           CASE WHEN e.before IS NOT NULL THEN jsonb_agg(e.before -> (k.place - 1)::integer ORDER BY k.place) END AS before,
           CASE WHEN e.after IS NOT NULL THEN jsonb_agg(e.after -> (k.place - 1)::integer ORDER BY k.place) END AS after
    FROM entry AS e
    CROSS JOIN LATERAL unnest(e.keys) WITH ORDINALITY AS k (key, place)
    WHERE k.key <> %(key)s::text
    GROUP BY e.id, e.before, e.after
), gone AS (
    DELETE FROM vital.restore_entry WHERE id IN (SELECT id FROM entry) AND id NOT IN (SELECT id FROM left_over)
), kept AS (
    UPDATE vital.restore_entry AS e
    SET keys = left_over.keys, before = left_over.before, after = left_over.after, rows = cardinality(left_over.keys),
        conflicts = array_remove(e.conflicts, %(key)s::text)
    FROM left_over
    WHERE e.id = left_over.id
)
SELECT count(*) FROM entry

-- name: forget_elsewhere
-- Decisions and findings about the row.
WITH decided AS (
    DELETE FROM vital.override WHERE relation = %(relation)s::text AND key = %(key)s::text RETURNING key
), found AS (
    DELETE FROM vital.finding WHERE relation = %(relation)s::text AND key = %(key)s::text RETURNING key
)
SELECT (SELECT count(*) FROM decided), (SELECT count(*) FROM found)
