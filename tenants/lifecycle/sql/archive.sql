-- name: rows_of_tenant
-- A tenant's rows of a table, each as JSON, in the order of their keys.
SELECT to_jsonb(t)::text FROM {relation} AS t WHERE t.{tenant} = {id}::uuid ORDER BY {key}

-- name: content_of_tenant
-- How many rows of the table are the tenant's, and the order-independent fingerprint of them.
SELECT count(*), COALESCE(sum({hash}), 0)::text FROM {relation} AS t WHERE t.{tenant} = {id}::uuid

-- name: others_referred_to
-- Rows of the Platform's that the tenant's rows refer to.
SELECT DISTINCT {key}
FROM {child} AS c
JOIN {parent} AS t ON {same}
WHERE c.{tenant} = {id}::uuid
  AND t.{tenant} = {platform}::uuid
ORDER BY 1

-- name: keys_of_rows
-- Which of these keys the table has.
SELECT given.key
FROM unnest(%(keys)s::text[]) AS given (key)
JOIN {relation} AS t ON {same_row}

-- name: keys_that_are_there
-- Rows of an archive whose key the table has already, whoever owns it: to a role behind policies an error would not name it.
SELECT {key}
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS given
JOIN {relation} AS t ON {same}
ORDER BY 1

-- name: rows_of_lines
-- Rows as an archive has them.
SELECT {values}
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS given

-- name: put_rows
-- Rows by their values.
INSERT INTO {relation} ({columns})
OVERRIDING SYSTEM VALUE
VALUES {rows}
