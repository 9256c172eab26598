-- name: applied_saved_state
-- What VITAL noted when it applied this statement; no row where it did not.
-- And whether the table that it was made for is another one by now, of the same name or of none.
SELECT memo, relid IS NOT NULL AND relid IS DISTINCT FROM to_regclass(NULLIF(relation, ''))
FROM vital.applied_statement
WHERE statement = %(statement)s::text AND phase = %(phase)s::text

-- name: note_applied
-- Remember that this change is ours. An online statement is noted before it starts: a kill may leave its index behind.
-- Where it is made again, what was there before the first time counts; a list of things gets those that are new.
INSERT INTO vital.applied_statement AS noted (phase, statement, memo, relation, relid, run_id)
VALUES (%(phase)s::text, %(statement)s::text, %(memo)s, %(relation)s::text, to_regclass(NULLIF(%(relation)s::text, '')), %(run)s)
ON CONFLICT (statement) DO UPDATE
SET relation = EXCLUDED.relation,
    relid = COALESCE((SELECT c.oid::regclass FROM pg_class AS c WHERE c.oid = noted.relid), EXCLUDED.relid),
    memo = CASE
        WHEN jsonb_typeof(noted.memo) = 'array' AND jsonb_typeof(EXCLUDED.memo) = 'array'
            THEN noted.memo || ARRAY_TO_JSON(ARRAY(
                SELECT thing FROM jsonb_array_elements(EXCLUDED.memo) AS thing WHERE NOT noted.memo @> jsonb_build_array(thing)
            ))::jsonb
        ELSE noted.memo
    END

-- name: forget_applied
-- The change was undone.
DELETE FROM vital.applied_statement WHERE statement = %(statement)s::text

-- name: is_partitioned
-- A row where the table's rows are in partitions.
SELECT true FROM pg_class WHERE oid = to_regclass(%(relation)s::text) AND relkind = 'p'

-- name: is_valid_index
-- A row where the index is there and complete.
SELECT true FROM pg_index WHERE indexrelid = to_regclass(%(index)s::text) AND indisvalid

-- name: build_piece
-- A table's or a partition's index, beside its readers and writers.
CREATE INDEX CONCURRENTLY {index} ON {relation} ({columns}) {where}

-- name: drop_piece
-- Also what a failed attempt has left.
DROP INDEX CONCURRENTLY IF EXISTS {index}

-- name: build_whole
-- The partitioned table's index takes over what its partitions have: nothing is read.
CREATE INDEX IF NOT EXISTS {index} ON {relation} ({columns}) {where}

-- name: drop_whole
-- With the pieces that it has taken over.
DROP INDEX IF EXISTS {index}

-- name: has_many_rows
-- Whether a table has more than a few rows.
SELECT count(*) > %(few)s FROM (SELECT 1 FROM {relation} LIMIT %(few)s + 1) AS looked_at

-- name: needs_index_for_undo
-- Whether a table, which is ours to change, has no index that leads with a column of its reference.
SELECT EXISTS (
    SELECT
    FROM pg_class AS c
    WHERE c.oid = to_regclass(%(child)s::text)
      AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (
          SELECT
          FROM pg_index AS i
          JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
          WHERE i.indrelid = c.oid
            AND i.indisvalid
            AND i.indpred IS NULL
            AND a.attname = ANY(%(columns)s::text[])
      )
)

-- name: index_for_undo
-- What is noted of such an index: the columns of the reference.
SELECT jsonb_build_object('refers_by', {columns}::text[])

-- name: indexes_for_undo
-- Those that are noted, and what for.
SELECT phase, relation, ARRAY(SELECT jsonb_array_elements_text(memo -> 'refers_by'))
FROM vital.applied_statement
WHERE memo ? 'refers_by'

-- name: look_in
-- The table, for an instant: no more than an index needs that is dropped beside its writers.
LOCK TABLE {relation} IN SHARE UPDATE EXCLUSIVE MODE

-- name: moved_tables
-- Tables that are called otherwise than when something was noted about them, their names now, and whether another table has
-- the old name. One that something else was noted about is that.
WITH noted AS (
    SELECT relation, relid::oid AS oid FROM vital.applied_statement WHERE relid IS NOT NULL
    UNION
    SELECT relation, relid::oid FROM vital.baseline WHERE relid IS NOT NULL
)
SELECT noted.relation, format('%%s.%%s', n.nspname, c.relname), to_regclass(NULLIF(noted.relation, '')) IS NOT NULL
FROM noted
JOIN pg_class AS c ON c.oid = noted.oid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE noted.oid IS DISTINCT FROM to_regclass(NULLIF(noted.relation, ''))
  AND NOT EXISTS (SELECT FROM noted AS other WHERE other.oid = noted.oid AND other.relation <> noted.relation)
ORDER BY 1
