-- name: partitions_with_key
-- Which rows partitions of a table hold that have this key of their own: a condition for each.
SELECT pg_get_partition_constraintdef(f.child)
FROM pg_partition_tree(to_regclass(%(child)s::text)) AS one
JOIN ({foreign_keys}) AS f ON f.child = one.relid
WHERE one.relid <> to_regclass(%(child)s::text)
  AND NOT f.is_inherited
  AND f.parent_name = %(parent)s::text
  AND f.own = %(own)s::text[]
  AND f.of_parent = %(key)s::text[]
  AND pg_get_partition_constraintdef(f.child) IS NOT NULL
ORDER BY 1

-- name: tables_that_a_key_leads_to
-- Where a key leads to partitions of a table, or to tables that inherit from it: all that hold the rows there.
WITH RECURSIVE members AS (
    SELECT to_regclass(%(parent)s::text)::oid AS relation
    UNION
    SELECT i.inhrelid FROM members AS m JOIN pg_inherits AS i ON i.inhparent = m.relation
), led_to AS (
    SELECT f.parent AS relation, f.parent_is_partitioned
    FROM ({foreign_keys}) AS f
    JOIN members AS m ON m.relation = f.parent
    WHERE f.child_name = %(child)s::text
      AND f.own = %(own)s::text[]
      AND f.of_parent = %(key)s::text[]
      AND NOT f.is_inherited
)
SELECT DISTINCT COALESCE(leaf.relid::oid, l.relation)
FROM led_to AS l
LEFT JOIN LATERAL pg_partition_tree(l.relation) AS leaf ON l.parent_is_partitioned
ORDER BY 1

-- name: lies_in_partition
-- Predicate: the row is one of those that a partition holds.
EXISTS (SELECT 1 FROM (SELECT {row}.*) AS vital_row WHERE {conditions})

-- name: lies_in_tables
-- Predicate: these tables hold the row.
{row}.tableoid = ANY({tables}::oid[])

-- name: work_as
-- Until the transaction ends, in this role; answers which it was.
SELECT current_setting('role'), set_config('role', %(role)s::text, true)

-- name: rows_are_shown
-- Whether the role at work sees every row of the table.
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname::text = (parse_ident(%(relation)s::text))[2]
  AND n.nspname::text = (parse_ident(%(relation)s::text))[1]

-- name: values_to_be_deleted
-- What a key would refer to of rows that were added since and are to go.
SELECT d.number, {value}
FROM {differences} AS d
JOIN {relation} AS t ON {same_row}
WHERE d.kind = 'added'
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL
  AND d.number > %(after)s
  AND (%(numbers)s::bigint[] IS NULL OR d.number = ANY(%(numbers)s::bigint[]))
  AND {may_be_led_to}
ORDER BY d.number
LIMIT %(rows)s

-- name: values_of_restored
-- The same of rows with these keys.
SELECT given.vital_key, {value}
FROM {relation} AS t
JOIN unnest(%(keys)s::text[]) AS given (vital_key) ON {same_row}
WHERE {may_be_led_to}

-- name: rows_that_refer
-- How many rows of a table refer to each of these values.
SELECT given.value, count(*)
FROM unnest(%(values)s::text[]) AS given (value)
JOIN {child} AS c ON {same_value}
GROUP BY 1

-- name: is_referred_to_now
-- Rows to be deleted that rows of a table refer to, which would go with them, and how many these are.
UPDATE {differences} AS d
SET reason = CASE WHEN found.rows = 1 THEN %(one)s::text ELSE found.rows::text || %(many)s::text END
FROM {relation} AS t
CROSS JOIN LATERAL (SELECT count(*) AS rows FROM {child} AS c WHERE {refers} AND NOT ({is_itself})) AS found
WHERE {same_row}
  AND found.rows > 0
  AND d.kind = 'added'
  AND d.chosen
  AND NOT d.done
  AND d.reason IS NULL

-- name: tables_of_partitions
-- Those of these tables that are partitions, each with the table that it is a part of. They are found by name in the catalogue:
-- to_regclass refuses where the schema may not be used.
SELECT given.name, quote_ident(wn.nspname) || '.' || quote_ident(w.relname)
FROM unnest(%(relations)s::text[]) AS given (name)
JOIN pg_class AS c ON c.relname::text = (parse_ident(given.name))[2] AND c.relispartition
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname::text = (parse_ident(given.name))[1]
JOIN pg_class AS w ON w.oid = pg_partition_root(c.oid)
JOIN pg_namespace AS wn ON wn.oid = w.relnamespace
