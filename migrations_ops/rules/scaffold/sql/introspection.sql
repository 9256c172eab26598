-- name: relations_to_plan
-- Everything with rows or columns in the schemas asked for; else in those that hold a table of this role's. Partitions
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
          )
          ELSE n.nspname = ANY(%(schemas)s::text[])
      END
ORDER BY 1

-- name: columns_to_plan
-- Each column of these tables: its kind as a plan says it, and whether it always has a value.
SELECT a.attname::text,
       CASE
           WHEN t.typcategory IN ('S', 'E') THEN 'text'
           WHEN t.typname IN ('int2', 'int4', 'int8') THEN 'integer'
           WHEN t.typname = 'bool' THEN 'boolean'
           ELSE t.typname::text
       END,
       a.attnotnull
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%(relation)s::text)
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum

-- name: unique_keys_to_plan
-- Each unique key, the primary one first; and what keeps it from becoming unique per tenant, or an empty text.
SELECT i.indisprimary,
       ARRAY(
           SELECT a.attname::text
           FROM unnest(i.indkey) WITH ORDINALITY AS part (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
           WHERE part.place <= i.indnkeyatts
           ORDER BY part.place
       ),
       CASE
           WHEN i.indpred IS NOT NULL THEN 'it holds for some rows only'
           WHEN i.indexprs IS NOT NULL THEN 'it is made of expressions'
           WHEN i.indnatts > i.indnkeyatts THEN 'it carries other columns'
           WHEN NOT i.indimmediate THEN 'it is deferrable'
           WHEN pg_get_indexdef(i.indexrelid) LIKE '%% NULLS NOT DISTINCT%%' THEN 'it takes NULLs for equal'
           WHEN c.relkind = 'p' THEN 'its table is partitioned'
           WHEN f.referring IS NOT NULL THEN format('%%s refers to it', f.referring)
           ELSE ''
       END,
       i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
LEFT JOIN LATERAL (
    SELECT min(k.conrelid::regclass::text) AS referring
    FROM pg_constraint AS k
    WHERE k.contype = 'f'
      AND k.confrelid = i.indrelid
      AND k.conindid = i.indexrelid
) AS f ON true
WHERE i.indrelid = to_regclass(%(relation)s::text)
  AND i.indisunique
  AND i.indisvalid
ORDER BY NOT i.indisprimary, i.indexrelid::regclass::text

-- name: references_to_plan
-- Each foreign key of a table: its columns, the table it leads to, and the columns there.
SELECT ARRAY(
           SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS part (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = part.attnum
           ORDER BY part.place
       ),
       format('%%I.%%I', n.nspname, p.relname),
       ARRAY(
           SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS part (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = part.attnum
           ORDER BY part.place
       )
FROM pg_constraint AS f
JOIN pg_class AS p ON p.oid = f.confrelid
JOIN pg_namespace AS n ON n.oid = p.relnamespace
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND f.conrelid = to_regclass(%(relation)s::text)
ORDER BY f.conname

-- name: has_more_rows_than
-- Whether a table has more rows than a list that everybody may read is likely to have.
SELECT count(*) > %(limit)s FROM (SELECT FROM {relation} LIMIT %(limit)s + 1) AS first

-- name: rows_of_the_root
-- The rows that become tenants: their keys, and what people call them.
SELECT ARRAY[{keys}], COALESCE({label}::text, '') FROM {relation} AS t ORDER BY {order} LIMIT %(limit)s
