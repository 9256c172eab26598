-- name: applied_memo
-- What VITAL noted when it applied this statement; no row where it did not.
SELECT memo FROM vital.applied_statement WHERE statement = %(statement)s::text AND phase = %(phase)s::text

-- name: note_applied
-- Remember that this change is ours. An online statement is noted before it starts: a kill may leave its index behind.
-- Where it is made again, what was there before the first time counts; a list of things gets those that are new.
INSERT INTO vital.applied_statement AS noted (phase, statement, memo, run_id)
VALUES (%(phase)s::text, %(statement)s::text, %(memo)s, %(run)s)
ON CONFLICT (statement) DO UPDATE
SET memo = noted.memo || ARRAY_TO_JSON(ARRAY(
    SELECT thing FROM jsonb_array_elements(EXCLUDED.memo) AS thing WHERE NOT noted.memo @> jsonb_build_array(thing)
))::jsonb
WHERE jsonb_typeof(noted.memo) = 'array'
  AND jsonb_typeof(EXCLUDED.memo) = 'array'

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
-- A partition's index, beside its readers and writers.
CREATE INDEX CONCURRENTLY {index} ON {relation} ({columns})

-- name: drop_piece
-- Also what a failed attempt has left.
DROP INDEX CONCURRENTLY IF EXISTS {index}

-- name: build_whole
-- The partitioned table's index takes over what its partitions have: nothing is read.
CREATE INDEX IF NOT EXISTS {index} ON {relation} ({columns})

-- name: drop_whole
-- With the pieces that it has taken over.
DROP INDEX IF EXISTS {index}

-- name: look_in
-- The table, for an instant: no more than an index needs that is dropped beside its writers.
LOCK TABLE {relation} IN SHARE UPDATE EXCLUSIVE MODE
