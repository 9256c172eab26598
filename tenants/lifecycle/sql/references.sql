-- name: references_to_owned
-- The foreign keys of a table, and of each partition of it, to a table whose rows have an owner: the columns on both sides, the column that names the owner, and whether this role may look.
WITH RECURSIVE whole (relation) AS (
    SELECT to_regclass(%(relation)s::text)::oid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN whole ON i.inhparent = whole.relation
)
SELECT DISTINCT f.own, f.parent_name, f.of_parent,
       CASE WHEN f.parent = to_regclass(%(registry)s::text) THEN 'id' ELSE %(tenant)s::text END,
       has_table_privilege(f.parent, 'SELECT')
FROM ({foreign_keys}) AS f
JOIN whole ON whole.relation = f.child
WHERE f.parent = to_regclass(%(registry)s::text)
   OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = f.parent AND a.attname = %(tenant)s::text AND NOT a.attisdropped)
ORDER BY 2, 1

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
SELECT DISTINCT {key}
FROM unnest(%(rows)s::text[]) AS line
CROSS JOIN LATERAL jsonb_populate_record(NULL::{relation}, line::jsonb) AS g
JOIN {child} AS c ON {same}
WHERE c.{column}::text IS DISTINCT FROM %(tenant)s::text
ORDER BY 1
