-- name: value_as_shown
-- A value of the plan as the column would show it; an error where the column cannot hold it.
SELECT {value}::{type}::text

-- name: pattern_is_valid
-- An error where the pattern is no regular expression.
SELECT '' ~ {pattern}

-- name: try_links
-- Finds nothing, and is an error where the columns of a rule's way to its parent cannot be compared.
SELECT 1 FROM {relation} AS batch, {tables} WHERE {links} LIMIT 0

-- name: try_condition
-- Finds nothing, and is an error where the server cannot carry out a condition.
SELECT 1 FROM {relation} AS batch WHERE {condition} LIMIT 0

-- name: try_value
-- Finds nothing, and is an error where the server cannot make this of a row.
SELECT {value}::{type} FROM {relation} AS batch LIMIT 0

-- name: stand_in
-- An empty table with the columns of a row, on which an expression is tried; it goes with the transaction.
CREATE TEMPORARY TABLE batch (LIKE {relation}) ON COMMIT DROP

-- name: stand_in_has_no_tenant
-- A rule must not ask for what it decides.
ALTER TABLE pg_temp.batch DROP COLUMN IF EXISTS {column}

-- name: index_by_expression
-- The server allows here only what depends on the row alone: one boolean expression, without queries, aggregates,
-- window functions, sets, parameters, other tables, and without a function that is not immutable.
CREATE INDEX vital_expression ON pg_temp.batch ((1)) WHERE ({expression})

-- name: not_of_the_server
-- Functions and operators of the expression that somebody has made, and may make anew at any time.
SELECT pg_describe_object(refclassid, refobjid, 0)
FROM pg_depend
WHERE classid = 'pg_class'::regclass
  AND objid = 'pg_temp.vital_expression'::regclass
  AND refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
ORDER BY 1

-- name: index_that_votes_want
-- The statement that makes rows be found by these columns; NULL where an index leads to them, or the table (with its
-- partitions) is small.
SELECT 'CREATE INDEX CONCURRENTLY ON ' || %(relation)s::text || ' (' || (SELECT string_agg(quote_ident(c), ', ') FROM unnest(%(columns)s::text[]) AS c) || ');'
WHERE COALESCE((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(to_regclass(%(relation)s::text))), pg_relation_size(to_regclass(%(relation)s::text))) > 1048576
  AND NOT EXISTS (
      SELECT
      FROM pg_index AS i
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = to_regclass(%(relation)s::text)
        AND i.indisvalid
        AND i.indpred IS NULL
        AND a.attname = ANY(%(columns)s::text[])
  )
