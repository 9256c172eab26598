-- name: unique_keys
-- The table's unique indexes, the primary key first: the columns of each; NULL stands for an expression.
SELECT array_agg(a.attname::text ORDER BY part.number)
FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (attnum, number)
LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum AND part.attnum > 0
WHERE i.indrelid = to_regclass(%(relation)s::text)
  AND i.indisunique
  AND part.number <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary
ORDER BY i.indisprimary DESC, i.indexrelid::regclass::text

-- name: columns_of_keys
-- Of each column: its type, whether it may be empty, the sequence that numbers it, whether it refers to another row.
SELECT a.attname::text,
       format_type(a.atttypid, NULL),
       NOT a.attnotnull,
       pg_get_serial_sequence(%(relation)s::text, a.attname),
       EXISTS (
           SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conrelid = a.attrelid AND a.attnum = ANY(f.conkey)
       )
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(relation)s::text)
  AND a.attnum > 0
  AND NOT a.attisdropped

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

-- name: copy_rows
-- A tenant's rows once more, for another tenant.
INSERT INTO {relation} ({columns})
OVERRIDING SYSTEM VALUE
SELECT {values}
FROM {relation} AS t {joins}
WHERE t.{tenant} = {id}::uuid

-- name: refer_across
-- How many rows of the tenant refer to rows of another one that is not the Platform, by that other one.
SELECT t.{tenant}::text, count(*)
FROM {child} AS c
JOIN {parent} AS t ON {same}
WHERE c.{tenant} = {id}::uuid
  AND t.{tenant} IS DISTINCT FROM {id}::uuid
  AND t.{tenant} IS DISTINCT FROM {platform}::uuid
GROUP BY 1
