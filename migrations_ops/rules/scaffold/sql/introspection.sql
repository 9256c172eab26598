-- name: relations_to_plan
-- Everything with rows or columns in the schemas asked for; else in those that hold a table of this role's; of roles that
-- it is a member of only where it owns no table of public itself (Supabase's auth is no part of a platform). Partitions
-- belong to their table, and what an extension made to the extension.
SELECT format('%%I.%%I', n.nspname, c.relname), c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text,
       pg_has_role(current_user, c.relowner, 'USAGE'),
       (SELECT format_type(t.atttypid, t.atttypmod) FROM pg_attribute AS t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relpersistence <> 't'
  AND NOT c.relispartition
  AND n.nspname <> ALL(ARRAY['vital', 'information_schema'])
  AND n.nspname NOT LIKE 'pg\_%%'
  AND (n.nspname, c.relname) <> ('public', 'migration_tracking')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND CASE cardinality(%(schemas)s::text[])
          WHEN 0 THEN EXISTS (
              SELECT
              FROM pg_class AS ours
              WHERE ours.relnamespace = n.oid
                AND ours.relkind IN ('r', 'p')
                AND pg_has_role(current_user, ours.relowner, 'USAGE')
                AND NOT EXISTS (
                    SELECT
                    FROM pg_class AS p
                    WHERE p.relnamespace = to_regnamespace('public')
                      AND p.relkind IN ('r', 'p')
                    HAVING bool_or(pg_get_userbyid(p.relowner) = current_user) AND bool_and(p.relowner <> ours.relowner)
                )
          )
          ELSE n.nspname = ANY(%(schemas)s::text[])
      END
ORDER BY 1

-- name: families
-- Tables that others of these inherit from, over however many steps: the nearest to the top first. (A partition is no heir.)
WITH RECURSIVE named AS (
    SELECT relation, to_regclass(relation)::oid AS oid FROM unnest(%(relations)s::text[]) AS relation
), line AS (
    SELECT i.inhparent AS above, i.inhrelid AS heir, 1 AS steps
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhparent AND c.relkind = 'r'
    UNION ALL
    SELECT line.above, i.inhrelid, line.steps + 1
    FROM line
    JOIN pg_inherits AS i ON i.inhparent = line.heir
)
SELECT top.relation, array_agg(DISTINCT below.relation ORDER BY below.relation)
FROM line
JOIN named AS top ON top.oid = line.above
JOIN named AS below ON below.oid = line.heir
GROUP BY top.relation
ORDER BY max(line.steps) DESC, top.relation

-- name: has_rows_of_its_own
-- Whether a table has rows that are no heir's.
SELECT EXISTS (SELECT FROM ONLY {relation})

-- name: has_more_rows_than
-- Whether a table has more rows than a list that everybody may read is likely to have.
SELECT count(*) > %(limit)s FROM (SELECT 1 FROM {relation} LIMIT %(limit)s + 1) AS first

-- name: rows_of_the_root
-- The rows that become tenants: their keys, and what people call them.
SELECT ARRAY[{keys}], COALESCE({label}::text, '') FROM {relation} AS t ORDER BY {order} LIMIT %(limit)s

-- name: has_blank
-- Whether a row says nothing in a column.
SELECT EXISTS (SELECT 1 FROM {relation} AS t WHERE btrim(COALESCE({column}::text, '')) = '')

-- name: is_used_by_several
-- Whether rows of two owners refer to the same row, among the first rows that refer to one.
SELECT EXISTS (
    SELECT
    FROM (SELECT t.*, (t.tableoid, t.ctid)::text AS vital_row_place FROM {child} AS t WHERE {given} LIMIT %(limit)s) AS t0
    {joins}
    GROUP BY {reference}
    HAVING count(DISTINCT {owner}) > 1
)

-- name: joined_owner
-- One step towards the row that names the owner.
JOIN {parent} AS {alias} ON {key} = {own}

-- name: rows_in
-- How many rows a table has.
SELECT count(*) FROM {relation}
