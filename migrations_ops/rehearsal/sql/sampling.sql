-- name: tables_of_the_platform
-- Every table with rows of its own, but those of VITAL, of extensions, of the server and of a provider; partitions by
-- their root.
SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind = 'p'
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('information_schema', 'vital')
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND n.nspname <> ALL(%(left)s::text[])
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1

-- name: planned_rows
-- How many rows the planner expects, from the table's size today.
EXPLAIN (FORMAT JSON) SELECT 1 FROM {source} AS t

-- name: whole_table
-- All rows of a small table.
COPY (SELECT {columns} FROM {source} AS t) TO STDOUT

-- name: some_of_table
-- The rows of pages chosen at random, so many that the sample has about the size that was asked for.
COPY (SELECT {columns} FROM {source} AS t TABLESAMPLE SYSTEM ({percent})) TO STDOUT

-- name: into_copy
-- The same rows into the copy.
COPY {relation} ({columns}) FROM STDIN

-- name: missing_references
-- What rows of the copy refer to that the copy has not got.
SELECT DISTINCT {keys}
FROM {child} AS c
WHERE {complete}
  AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {same})

-- name: rows_referred_to
-- The rows with these keys.
COPY (SELECT {columns} FROM {source} AS t JOIN unnest({values}) AS wanted ({names}) ON {same}) TO STDOUT

-- name: drop_dangling
-- Rows whose parent was deleted while the sample was taken.
DELETE FROM {child} AS c
WHERE {complete}
  AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {same})
RETURNING 1

-- name: positions_of_sequences
-- Where the sequences are, so that new rows of the copy meet no sampled ones.
SELECT format('%%I.%%I', schemaname, sequencename), last_value
FROM pg_sequences
WHERE last_value IS NOT NULL
  AND schemaname <> 'vital'

-- name: move_sequence
-- A sequence of the copy goes where its original is.
SELECT setval(to_regclass(%(sequence)s::text), %(position)s)
WHERE to_regclass(%(sequence)s::text) IS NOT NULL

-- name: analyze_copy
-- The planner knows the copy as it knows the original.
ANALYZE
