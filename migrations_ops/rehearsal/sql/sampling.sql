-- name: tables_of_the_platform
-- Every table with rows of its own, but those of VITAL, of extensions and of the server; partitions by their root.
SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind = 'p'
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('information_schema', 'vital')
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1

-- name: columns_to_copy
-- The columns that hold values of their own: generated ones are made anew.
SELECT a.attname::text
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(relation)s::text)
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attnum

-- name: planned_rows
-- How many rows the planner expects, from the table's size today.
EXPLAIN (FORMAT JSON) SELECT FROM {source} AS t

-- name: whole_table
-- All rows of a small table.
COPY (SELECT {columns} FROM {source} AS t) TO STDOUT

-- name: some_of_table
-- The rows of pages chosen at random, so many that the sample has about the size that was asked for.
COPY (SELECT {columns} FROM {source} AS t TABLESAMPLE SYSTEM ({percent})) TO STDOUT

-- name: into_copy
-- The same rows into the copy.
COPY {relation} ({columns}) FROM STDIN

-- name: every_reference
-- Each foreign key: child, parent, their columns, the parent's types, and whether old rows were checked.
SELECT format('%%I.%%I', cn.nspname, c.relname), format('%%I.%%I', pn.nspname, p.relname), p.relkind = 'p',
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS part (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number ORDER BY part.place),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS part (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number ORDER BY part.place),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM unnest(k.confkey) WITH ORDINALITY AS part (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number ORDER BY part.place),
       k.convalidated
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS cn ON cn.oid = c.relnamespace AND cn.nspname <> 'vital'
JOIN pg_class AS p ON p.oid = k.confrelid
JOIN pg_namespace AS pn ON pn.oid = p.relnamespace AND pn.nspname <> 'vital'
WHERE k.contype = 'f'
  AND k.conparentid = 0
ORDER BY 1, 2, k.conname

-- name: missing_references
-- What rows of the copy refer to that the copy has not got.
SELECT DISTINCT {keys}
FROM {child} AS c
WHERE {complete}
  AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})

-- name: rows_referred_to
-- The rows with these keys.
COPY (SELECT {columns} FROM {source} AS t JOIN unnest({values}) AS wanted ({names}) ON {same}) TO STDOUT

-- name: drop_dangling
-- Rows whose parent was deleted while the sample was taken.
DELETE FROM {child} AS c
WHERE {complete}
  AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})
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
