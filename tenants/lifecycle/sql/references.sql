-- name: references_to_owned
-- The foreign keys of a table, and of each partition of it, to a table whose rows have an owner: the columns on both sides, the column that names the owner, and whether this role may look.
WITH RECURSIVE whole (relation) AS (
    SELECT to_regclass(%(relation)s::text)::oid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN whole ON i.inhparent = whole.relation
)
SELECT DISTINCT key.own, format('%%I.%%I', pn.nspname, pc.relname), key.of_parent,
       CASE WHEN f.confrelid = to_regclass(%(registry)s::text) THEN 'id' ELSE %(tenant)s::text END,
       has_table_privilege(f.confrelid, 'SELECT')
FROM pg_constraint AS f
JOIN whole ON whole.relation = f.conrelid
JOIN pg_class AS pc ON pc.oid = f.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY part.number) AS own, array_agg(p.attname::text ORDER BY part.number) AS of_parent
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS part (child, parent, number)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND (
      f.confrelid = to_regclass(%(registry)s::text)
      OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = f.confrelid AND a.attname = %(tenant)s::text AND NOT a.attisdropped)
  )
ORDER BY 2, 1

-- name: loose_references_to
-- Foreign keys to a table that its rows may lack a row for, because they were never validated: the table with a tenant column that has one, and the columns on both sides.
SELECT format('%%I.%%I', cn.nspname, cc.relname), key.own, key.of_parent
FROM pg_constraint AS f
JOIN pg_class AS cc ON cc.oid = f.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_attribute AS tenant ON tenant.attrelid = f.conrelid AND tenant.attname = %(tenant)s::text AND NOT tenant.attisdropped
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY part.number) AS own, array_agg(p.attname::text ORDER BY part.number) AS of_parent
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS part (child, parent, number)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
WHERE f.contype = 'f'
  AND NOT f.convalidated
  AND f.confrelid = to_regclass(%(relation)s::text)
ORDER BY 1, 2

-- name: rows_of_another
-- Rows of an archive that are not of its tenant.
SELECT {key}
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS g
WHERE g.{column}::text IS DISTINCT FROM %(tenant)s::text
ORDER BY 1

-- name: refer_to_others
-- Rows of an archive that would refer to a row here that is neither the tenant's nor the Platform's, and whether anybody owns that.
SELECT {key}, {owner} IS NOT NULL
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS g
{steps}
WHERE {owner}::text IS DISTINCT FROM %(tenant)s::text
  AND {owner}::text IS DISTINCT FROM %(platform)s::text
ORDER BY 1

-- name: others_would_refer
-- Rows of an archive that rows of others here would refer to from then on.
SELECT {key}
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS g
WHERE EXISTS (SELECT FROM {child} AS c WHERE {same} AND c.{column}::text IS DISTINCT FROM %(tenant)s::text)
ORDER BY 1
