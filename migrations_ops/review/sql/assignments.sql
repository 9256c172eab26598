-- name: is_indexed_by_row
-- Whether the ledger can be asked about single rows: 004 builds the index when it has assigned them.
SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('vital.ledger_by_row') AND indisvalid)

-- name: table_has_column
-- Whether the table has its tenants by now.
SELECT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = to_regclass(%(relation)s::text) AND attname = %(column)s::text AND NOT attisdropped
)

-- name: last_rules
-- The newest standing entry of each of these rows: its rule, the run that wrote it, and itself.
SELECT DISTINCT ON (key) key, l.rule, l.run_id, l.id
FROM vital.ledger AS l
CROSS JOIN LATERAL unnest(l.keys) AS key
WHERE l.relation = %(relation)s::text
  AND l.kind <> 'reference'
  AND l.undone_at IS NULL
  AND vital.key_hashes(l.keys) && vital.key_hashes(%(keys)s::text[])
  AND key = ANY(%(keys)s::text[])
ORDER BY key, l.id DESC

-- name: rules_at_work
-- The rules by which rows of a table were decided, those of most rows first.
SELECT rule, sum(rows)::bigint
FROM vital.ledger
WHERE relation = %(relation)s::text
  AND kind <> 'reference'
  AND undone_at IS NULL
  AND rule <> ''
GROUP BY rule
ORDER BY 2 DESC, 1

-- name: rows_of_rule
-- Rows that a rule has decided about, read from a place in the ledger on; some are decided otherwise by now.
SELECT l.id, entry.number, entry.key
FROM vital.ledger AS l
CROSS JOIN LATERAL unnest(l.keys) WITH ORDINALITY AS entry (key, number)
WHERE l.relation = %(relation)s::text
  AND l.rule = %(rule)s::text
  AND l.undone_at IS NULL
  AND {beyond}
LIMIT %(rows)s

-- name: older_in_ledger
-- Fragment: what comes after a place, the newest entry first.
l.id <= %(entry)s AND (l.id < %(entry)s OR entry.number > %(number)s) ORDER BY l.id DESC, entry.number

-- name: newer_in_ledger
-- Fragment: what comes before a place, the nearest first.
l.id >= %(entry)s AND (l.id > %(entry)s OR entry.number < %(number)s) ORDER BY l.id, entry.number DESC
