-- name: ready_to_write
-- Rows of this kind (deleted: they are gone; changed: they have other values) that can be put back now: what they refer to
-- is there, and their unique values are free.
SELECT d.number
FROM {differences} AS d
JOIN {stage} AS s ON s.ctid = d.place
WHERE d.kind = {kind}
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND d.number > %(after)s
  AND {ready}
ORDER BY d.number
LIMIT %(rows)s

-- name: ready_to_delete
-- Rows that were added since and that no row refers to.
SELECT d.number
FROM {differences} AS d
JOIN {relation} AS t ON {same_row}
WHERE d.kind = 'added'
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND d.number > %(after)s
  AND {unreferred}
ORDER BY d.number
LIMIT %(rows)s

-- name: in_the_way
-- Rows whose present values stand in the way of others: they refer to a row that is to go, or hold what another must have.
SELECT d.number
FROM {differences} AS d
JOIN {relation} AS t ON {same_row}
WHERE d.kind = 'changed'
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND ({stands})
ORDER BY d.number
LIMIT %(rows)s

-- name: refers_to_added
-- Predicate on `t`: it refers to a row that was added since and is to go.
EXISTS (
    SELECT 1 FROM {parent} AS p
    JOIN {parent_differences} AS a ON a.key = {parent_key}
    WHERE a.kind = 'added' AND a.chosen AND NOT a.done AND a.reason IS NULL AND {refers}
)

-- name: holds_for_another
-- Predicate on `t`: another row is to have its unique values.
EXISTS (
    SELECT 1 FROM {stage} AS s
    JOIN {differences} AS w ON w.place = s.ctid
    WHERE w.chosen AND NOT w.done AND w.reason IS NULL AND w.kind IN ('deleted', 'changed') AND w.key <> d.key AND {same_values}
)

-- name: parent_is_there
-- Predicate: the row that is referred to is there, or none is.
(NOT ({is_given}) OR {refers_to_itself} OR EXISTS (SELECT 1 FROM {parent} AS p WHERE {refers} AND {may_be_referred_to}))

-- name: refers_as_now
-- Predicate: the row refers to what it refers to now.
EXISTS (SELECT 1 FROM {relation} AS t WHERE {same_row} AND {refers_now})

-- name: value_is_free
-- Predicate: no other row has these unique values.
NOT EXISTS (SELECT 1 FROM {relation} AS o WHERE {same_values} AND NOT ({same_row}))

-- name: nobody_refers
-- Predicate on `t`: no row but itself refers to it.
NOT EXISTS (SELECT 1 FROM {child} AS c WHERE {refers} AND NOT ({is_itself}))

-- name: given_rows
-- The rows of a batch as the backup has them.
SELECT d.number AS vital_number, d.key AS vital_key, d.version AS vital_seen, s.*
FROM {differences} AS d
JOIN {stage} AS s ON s.ctid = d.place
WHERE d.number = ANY(%(numbers)s::bigint[])

-- name: put_back
-- Rows that are gone come back, each as the backup has it, and are remembered.
WITH given AS MATERIALIZED (
    {given}
), added AS (
    INSERT INTO {relation} AS t ({columns})
    OVERRIDING SYSTEM VALUE
    SELECT {values} FROM given AS s ORDER BY s.vital_number
    RETURNING {key} AS vital_key, {image} AS image, {now} AS now
), judged AS (
    SELECT a.vital_key, a.image, a.now IS NOT DISTINCT FROM {wanted} AS same FROM added AS a JOIN given AS s USING (vital_key)
), noted AS (
    INSERT INTO vital.restore_entry (run_id, tenant_id, kind, relation, keys, after, rows)
    SELECT %(run)s, %(tenant)s::uuid, 'insert', %(relation)s::text, array_agg(vital_key ORDER BY vital_key), jsonb_agg(image ORDER BY vital_key), count(*)
    FROM judged
    HAVING count(*) > 0
), ours AS (
    INSERT INTO {versions} VALUES (pg_current_xact_id()::xid::text) ON CONFLICT DO NOTHING
), marked AS (
    UPDATE {differences} SET done = true WHERE number = ANY(%(numbers)s::bigint[])
)
SELECT (SELECT array_agg(vital_number) FROM given), count(*) = (SELECT count(*) FROM given) AND COALESCE(bool_and(same), true) FROM judged

-- name: change_back
-- Rows get the values that the backup has, unless another session has written them since they were compared.
WITH given AS MATERIALIZED (
    {given}
), old AS MATERIALIZED (
    SELECT s.*, t.xmin AS vital_version, {image} AS vital_before
    FROM given AS s
    JOIN {relation} AS t ON {same_row}
    WHERE t.{tenant}::text = %(tenant)s::text
      AND (t.xmin::text = s.vital_seen OR t.xmin::text IN (SELECT version FROM {versions}))
), changed AS (
    UPDATE {relation} AS t
    SET {assignments}
    FROM old AS s
    WHERE {same_row}
      AND t.{tenant}::text = %(tenant)s::text
      AND t.xmin = s.vital_version
    RETURNING s.vital_number, s.vital_key, s.vital_before AS before, {image} AS after, {now} IS NOT DISTINCT FROM {wanted} AS same
), remembered AS (
    SELECT c.vital_key, other.before, other.after
    FROM changed AS c
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(b.key, b.value) AS before, jsonb_object_agg(b.key, a.value) AS after
        FROM jsonb_each(c.before) AS b
        JOIN jsonb_each(c.after) AS a USING (key)
        WHERE a.value IS DISTINCT FROM b.value
    ) AS other
    WHERE other.before IS NOT NULL
), noted AS (
    INSERT INTO vital.restore_entry (run_id, tenant_id, kind, relation, keys, before, after, rows)
    SELECT %(run)s, %(tenant)s::uuid, 'change', %(relation)s::text, array_agg(vital_key ORDER BY vital_key), jsonb_agg(before ORDER BY vital_key),
           jsonb_agg(after ORDER BY vital_key), count(*)
    FROM remembered
    HAVING count(*) > 0
), ours AS (
    INSERT INTO {versions} VALUES (pg_current_xact_id()::xid::text) ON CONFLICT DO NOTHING
), marked AS (
    UPDATE {differences} SET done = %(finished)s WHERE number IN (SELECT vital_number FROM changed)
)
SELECT array_agg(vital_number), COALESCE(bool_and(same), true) FROM changed

-- name: hold_rows_to_delete
-- Rows that are about to be deleted: while they are held nobody comes to refer to them.
SELECT count(*)
FROM (
    SELECT 1 FROM {relation} AS t
    JOIN {differences} AS d ON {same_row}
    WHERE d.number = ANY(%(numbers)s::bigint[])
    FOR UPDATE OF t
) AS held

-- name: delete_added
-- Rows go, unless another session has written them since, or refers to them; `next` is what they are from then on.
WITH gone AS (
    DELETE FROM {relation} AS t
    USING {differences} AS d
    WHERE d.number = ANY(%(numbers)s::bigint[])
      AND {same_row}
      AND t.{tenant}::text = %(tenant)s::text
      AND (t.xmin::text = d.version OR t.xmin::text IN (SELECT version FROM {versions}))
      AND d.reason IS NULL
      AND {unreferred}
    RETURNING d.number, {key} AS vital_key, {image} AS image
), noted AS (
    INSERT INTO vital.restore_entry (run_id, tenant_id, kind, relation, keys, before, rows)
    SELECT %(run)s, %(tenant)s::uuid, 'delete', %(relation)s::text, array_agg(vital_key ORDER BY vital_key), jsonb_agg(image ORDER BY vital_key), count(*)
    FROM gone
    HAVING count(*) > 0
), ours AS (
    INSERT INTO {versions} VALUES (pg_current_xact_id()::xid::text) ON CONFLICT DO NOTHING
), marked AS (
    UPDATE {differences} SET done = %(finished)s, kind = %(next)s::text WHERE number IN (SELECT number FROM gone)
)
SELECT array_agg(number), true FROM gone
