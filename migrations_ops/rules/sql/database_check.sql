-- name: plan_columns
-- Every column of these tables: its type, what family of types that is, the labels of an enum, and whether
-- it always has a value (what is generated has none yet when a trigger is called before the row is written).
SELECT wanted.relation, a.attname, format_type(a.atttypid, a.atttypmod),
       CASE
           WHEN base.name IN ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision') THEN 'number'
           WHEN base.name IN ('date', 'timestamp without time zone') THEN 'time'
           WHEN base.name = 'timestamp with time zone' THEN 'moment'
           WHEN base.name IN ('json', 'jsonb') THEN 'json'
           WHEN base.name IN ('uuid', 'boolean') THEN base.name
           WHEN t.typcategory = 'A' THEN 'texts'
           WHEN t.typcategory IN ('S', 'E') THEN 'text'
           ELSE 'other'
       END,
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid),
       a.attnotnull AND a.attgenerated = ''
FROM unnest({relations}::text[]) AS wanted (relation)
JOIN pg_attribute AS a ON a.attrelid = to_regclass(wanted.relation) AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
CROSS JOIN LATERAL (SELECT format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL) AS name) AS base

-- name: never_null
-- Whether none of these columns is NULL in any row, also in one that is being written.
SELECT count(*) = cardinality({columns}::text[])
FROM pg_attribute
WHERE attrelid = to_regclass({name})
  AND attname = ANY({columns}::text[])
  AND attnotnull
  AND attgenerated = ''

-- name: refers_to
-- Whether a foreign key says of every row that the row it refers to is there by the time it is written.
SELECT EXISTS (
    SELECT
    FROM pg_constraint AS f
    WHERE f.contype = 'f'
      AND f.conrelid = to_regclass({name})
      AND f.confrelid = to_regclass({parent})
      AND f.convalidated
      AND NOT f.condeferrable
      AND ARRAY(
          SELECT format('%%I %%I', c.attname, p.attname)
          FROM unnest(f.conkey, f.confkey) AS part (child, parent)
          JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
          JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
          ORDER BY 1
      ) = ARRAY(SELECT format('%%I %%I', pair.child, pair.parent) FROM unnest({columns}::text[], {keys}::text[]) AS pair (child, parent) ORDER BY 1)
)

-- name: value_as_shown
-- A value of the plan as the column would show it; an error where the column cannot hold it.
SELECT {value}::{type}::text

-- name: pattern_is_valid
-- An error where the pattern is no regular expression.
SELECT '' ~ {pattern}

-- name: is_unique_key
-- Whether these columns tell the rows of a table apart.
SELECT EXISTS (
    SELECT
    FROM pg_index AS i
    WHERE i.indrelid = to_regclass({name})
      AND i.indisunique
      AND i.indisvalid
      AND i.indpred IS NULL
      AND i.indexprs IS NULL
      AND ARRAY(SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
          <@ {keys}::text[]
)

-- name: try_links
-- Finds nothing, and is an error where the columns of a rule's way to its parent cannot be compared.
SELECT FROM {relation} AS batch, {tables} WHERE {links} LIMIT 0

-- name: try_condition
-- Finds nothing, and is an error where the server cannot carry out a condition.
SELECT FROM {relation} AS batch WHERE {condition} LIMIT 0

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
