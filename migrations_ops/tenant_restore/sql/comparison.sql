-- name: compare_backup_with_now
-- Rows that were the tenant's: gone, another tenant's, or with other values.
INSERT INTO {differences} (kind, key, place, version, owner, chosen)
SELECT CASE WHEN {is_gone} THEN 'deleted' WHEN t.{tenant}::text IS DISTINCT FROM %(tenant)s::text THEN 'moved' ELSE 'changed' END,
       {key}, s.ctid, t.xmin::text, t.{tenant}::text, {chosen}
FROM {stage} AS s
LEFT JOIN {relation} AS t ON {same_row}
WHERE s.{tenant}::text = %(tenant)s::text
  AND ({is_gone} OR ({chosen} AND (t.{tenant}::text IS DISTINCT FROM %(tenant)s::text OR {now} IS DISTINCT FROM {then})))

-- name: compare_now_with_backup
-- Rows that are the tenant's and were not: added, or another tenant's then.
INSERT INTO {differences} (kind, key, version, owner, chosen)
SELECT CASE WHEN {is_unknown} THEN 'added' ELSE 'arrived' END, {key}, t.xmin::text, s.{tenant}::text, %(deletes)s
FROM {relation} AS t
LEFT JOIN {stage} AS s ON {same_row}
WHERE t.{tenant}::text = %(tenant)s::text
  AND ({is_unknown} OR s.{tenant}::text IS DISTINCT FROM %(tenant)s::text)
  AND {chosen}

-- name: differ_again
-- Rows that what we did has changed: ones written without a reference at first, and ones that a trigger writes.
INSERT INTO {differences} (kind, key, place, version, owner, chosen, again)
SELECT 'changed', {key}, s.ctid, t.xmin::text, t.{tenant}::text, true, true
FROM {stage} AS s
JOIN {relation} AS t ON {same_row}
WHERE s.{tenant}::text = %(tenant)s::text
  AND t.{tenant}::text = %(tenant)s::text
  AND t.xmin::text IN (SELECT version FROM {versions})
  AND {now} IS DISTINCT FROM {then}
  AND ({chosen} OR EXISTS (SELECT 1 FROM {differences} AS d WHERE d.key = {key} AND d.followed))
  AND NOT EXISTS (SELECT 1 FROM {differences} AS d WHERE d.key = {key} AND d.chosen AND NOT d.done)

-- name: unassigned_then
-- Whether rows that are the tenant's now had no tenant in the backup.
SELECT EXISTS (SELECT 1 FROM {differences} WHERE kind = 'arrived' AND owner IS NULL)

-- name: follow_parents
-- Rows that are gone and that a chosen row refers to are needed as well.
UPDATE {parent_differences} AS p
SET chosen = true,
    followed = true
FROM {parent_stage} AS there
WHERE there.ctid = p.place
  AND p.kind = 'deleted'
  AND NOT p.chosen
  AND EXISTS (
      SELECT 1 FROM {differences} AS d
      JOIN {stage} AS s ON s.ctid = d.place
      WHERE d.chosen AND d.kind IN ('deleted', 'changed') AND {refers}
  )
RETURNING p.number

-- name: follow_children
-- Rows that are gone and that referred to a chosen row that is gone.
UPDATE {differences} AS d
SET chosen = true,
    followed = true
FROM {stage} AS s
WHERE s.ctid = d.place
  AND d.kind = 'deleted'
  AND NOT d.chosen
  AND EXISTS (
      SELECT 1 FROM {parent_differences} AS p
      JOIN {parent_stage} AS there ON there.ctid = p.place
      WHERE p.chosen AND p.kind = 'deleted' AND {refers}
  )
RETURNING d.number

-- name: parent_is_missing
-- Rows whose reference would lead to no row, or to another tenant's; one that leads there now already may.
UPDATE {differences} AS d
SET reason = CASE WHEN EXISTS (SELECT 1 FROM {parent} AS p WHERE {refers}) THEN %(of_others)s::text ELSE %(gone)s::text END
FROM {stage} AS s
WHERE s.ctid = d.place
  AND d.kind IN ('deleted', 'changed')
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND {is_given}
  AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {refers} AND {may_be_referred_to})
  AND NOT EXISTS (SELECT 1 FROM {relation} AS t WHERE {same_row} AND {refers_now})
  AND NOT ({comes})
RETURNING d.number

-- name: parent_comes
-- Predicate: the row that is referred to will be put back.
EXISTS (
    SELECT 1 FROM {parent_differences} AS c
    JOIN {parent_stage} AS there ON there.ctid = c.place
    WHERE c.kind = 'deleted' AND c.chosen AND c.reason IS NULL AND {comes_by}
)

-- name: key_is_held
-- Rows whose unique values another row has by now, which keeps them.
UPDATE {differences} AS d
SET reason = %(held)s::text || CASE
                 WHEN o.{tenant}::text IS DISTINCT FROM %(tenant)s::text THEN 'a row of another tenant'
                 ELSE 'the row ' || {other_key} || COALESCE((
                     SELECT %(added)s::text FROM {differences} AS a WHERE a.key = {other_key} AND a.kind = 'added'
                 ), '')
             END
FROM {stage} AS s, {relation} AS o
WHERE s.ctid = d.place
  AND {same_values}
  AND NOT ({same_row})
  AND d.kind IN ('deleted', 'changed')
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM {differences} AS x
      WHERE x.key = {other_key} AND x.chosen AND x.reason IS NULL AND NOT x.done AND x.kind = ANY(%(movable)s::text[])
  )
RETURNING d.number

-- name: leave_out
-- Rows that stay as they are, and why.
UPDATE {differences} SET reason = %(reason)s::text WHERE number = ANY(%(numbers)s::bigint[]) AND reason IS NULL

-- name: leave_the_rest
-- The same of those that nothing else was said of.
UPDATE {differences} SET reason = %(reason)s::text WHERE chosen AND NOT done AND reason IS NULL AND kind = ANY(%(kinds)s::text[])

-- name: differences_by_kind
-- How many rows there are of each kind, why they cannot be put back, and the first few of them. One that was taken out of
-- the way of others, to come back as the backup has it, is one that has other values.
SELECT CASE WHEN kind = 'deleted' AND version IS NOT NULL THEN 'changed' ELSE kind END, chosen, done, followed, COALESCE(reason, ''), count(*), (array_agg(key ORDER BY number))[:5]
FROM {differences}
WHERE NOT again OR reason IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 5

-- name: rows_to_write
-- How many rows are still to be written.
SELECT count(*) FROM {differences} WHERE chosen AND NOT done AND reason IS NULL AND kind = ANY(%(kinds)s::text[])

-- name: still_differ
-- Rows that were put back and are not as the backup has them any more: another session has written them since.
SELECT count(*), (array_agg({key}))[:5]
FROM {differences} AS d
JOIN {stage} AS s ON s.ctid = d.place
LEFT JOIN {relation} AS t ON {same_row}
WHERE d.done
  AND d.reason IS NULL
  AND NOT d.again
  AND d.kind IN ('deleted', 'changed')
  AND {now} IS DISTINCT FROM {then}

-- name: content_of_others
-- Everybody else's rows of the table: how many, their fingerprint, and how many of them this restore has written.
SELECT t.{tenant}::text, count(*), COALESCE(sum({hash}), 0)::text, count(*) FILTER (WHERE t.xmin::text IN (SELECT version FROM {versions}))
FROM {relation} AS t
WHERE t.{tenant}::text IS DISTINCT FROM %(tenant)s::text
GROUP BY 1
ORDER BY 1

-- name: readable_tables
-- Those of these tables that the role at work may read.
SELECT given.name
FROM unnest(%(relations)s::text[]) AS given (name)
JOIN pg_class AS c ON c.relname::text = (parse_ident(given.name))[2]
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname::text = (parse_ident(given.name))[1]
WHERE has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')
