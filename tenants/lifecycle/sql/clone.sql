-- name: sequences_of_columns
-- The sequence that numbers each of these columns.
SELECT name, pg_get_serial_sequence(%(relation)s::text, name) FROM unnest(%(columns)s::text[]) AS name

-- name: numbers_of_tenant
-- The numbers that a column has in the tenant's rows.
SELECT COALESCE(array_agg({column} ORDER BY {column}), '{{}}') FROM {relation} AS t WHERE t.{tenant} = {id}::uuid AND {column} IS NOT NULL

-- name: role_now
-- Who works here.
SELECT current_setting('role')

-- name: next_numbers
-- As many numbers of a sequence, which nobody else is given.
SELECT array_agg(nextval(%(sequence)s::regclass) ORDER BY n) FROM generate_series(1, %(count)s::bigint) AS n

-- name: put_role_on
-- Until the transaction's end, or until the next one is put on.
SELECT set_config('role', %(role)s::text, true)

-- name: copied_rows
-- A tenant's rows with these values.
SELECT {values}
FROM {relation} AS t {joins}
WHERE t.{tenant} = {id}::uuid

-- name: copy_rows
-- The same, once more in the table.
INSERT INTO {relation} ({columns})
OVERRIDING SYSTEM VALUE
{copied}

-- name: refer_across
-- How many rows of the tenant refer to rows of another one that is not the Platform, by that other one.
SELECT t.{tenant}::text, count(*)
FROM {child} AS c
JOIN {parent} AS t ON {same}
WHERE c.{tenant} = {id}::uuid
  AND t.{tenant} IS DISTINCT FROM {id}::uuid
  AND t.{tenant} IS DISTINCT FROM {platform}::uuid
GROUP BY 1
