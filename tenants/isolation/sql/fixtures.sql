-- name: columns_to_fill
-- Every column that an INSERT may name: its type beneath domains and arrays, whether it needs a value, whether it is part
-- of what makes rows unique (an expression or a generated column counts as the columns that it is made of), whether a
-- sequence gives it. A composite type's own columns are asked for in the same way.
WITH RECURSIVE beneath AS (
    SELECT a.attnum, t.oid, t.typtype, t.typbasetype, t.typnotnull
    FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass({name})
      AND a.attnum > 0
      AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull
    FROM beneath AS b
    JOIN pg_type AS t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
), typed AS (
    SELECT b.attnum, b.typnotnull, CASE WHEN base.typcategory = 'A' AND base.typelem <> 0 THEN base.typelem ELSE base.oid END AS oid,
           base.typcategory = 'A' AND base.typelem <> 0 AS is_array
    FROM beneath AS b
    JOIN pg_type AS base ON base.oid = b.oid
    WHERE b.typtype <> 'd'
), distinguishing AS (
    SELECT d.refobjsubid AS attnum
    FROM pg_index AS i
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid OR d.classid = 'pg_constraint'::regclass
        AND d.objid = (SELECT oid FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = i.indrelid AND contype IN ('p', 'u', 'x') LIMIT 1)
    WHERE i.indrelid = to_regclass({name})
      AND (i.indisunique OR i.indisexclusion)
      AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = i.indrelid
      AND d.refobjsubid > 0
), spread AS (
    SELECT attnum FROM distinguishing
    UNION
    SELECT d.refobjsubid
    FROM distinguishing AS g
    JOIN pg_attribute AS a ON a.attrelid = to_regclass({name}) AND a.attnum = g.attnum AND a.attgenerated <> ''
    JOIN pg_attrdef AS made ON made.adrelid = a.attrelid AND made.adnum = a.attnum
    JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = made.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
)
SELECT a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS kind,
       t.typname::text AS base,
       t.typcategory::text AS category,
       typed.is_array,
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid) AS labels,
       CASE WHEN t.typtype = 'c' THEN (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = t.typrelid) END AS composite,
       (SELECT s.typname::text FROM pg_range AS r JOIN pg_type AS s ON s.oid = r.rngsubtype WHERE r.rngtypid = t.oid) AS subtype,
       (a.attnotnull OR typed.typnotnull) AND NOT a.atthasdef AND a.attidentity = '' AS needed,
       a.attnum IN (SELECT attnum FROM spread) AS unique,
       a.attidentity <> '' OR EXISTS (
           SELECT
           FROM pg_attrdef AS d
           JOIN pg_depend AS on_sequence ON on_sequence.classid = 'pg_attrdef'::regclass AND on_sequence.objid = d.oid
           JOIN pg_class AS s ON s.oid = on_sequence.refobjid AND s.relkind = 'S'
           WHERE d.adrelid = a.attrelid
             AND d.adnum = a.attnum
       ) AS drawn
FROM pg_attribute AS a
JOIN typed ON typed.attnum = a.attnum
JOIN pg_type AS t ON t.oid = typed.oid
WHERE a.attrelid = to_regclass({name})
  AND a.attgenerated = ''
ORDER BY a.attnum

-- name: unique_keys_of
-- The columns of each key that no two rows may share, and whether ON CONFLICT may name them. A column that only says which rows
-- the key is of distinguishes none of them; what an expression is made of is known by what the index depends on alone.
SELECT array_agg(DISTINCT a.attname::text),
       bool_and(i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisexclusion)
FROM pg_index AS i
JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid OR d.classid = 'pg_constraint'::regclass
    AND d.objid = (SELECT oid FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = i.indrelid AND contype IN ('p', 'u', 'x') LIMIT 1)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
WHERE i.indrelid = to_regclass({name})
  AND (i.indisunique OR i.indisexclusion)
  AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid = i.indrelid
  AND d.refobjsubid > 0
  AND (i.indexprs IS NOT NULL OR a.attnum = ANY(i.indkey))
GROUP BY i.indexrelid

-- name: columns_of_check
-- What a CHECK that refused a planted row is about, of the table or of a domain, and how it is written. Without a name it
-- was that no partition takes the row: then what partitions are chosen by, with the bound of one.
SELECT a.attname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = to_regclass({name})
    AND a.attnum > 0
    AND (k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey) OR k.contypid <> 0 AND k.contypid = a.atttypid)
WHERE k.conname = {constraint_name}
  AND k.contype = 'c'
UNION ALL
SELECT a.attname::text, (
           SELECT pg_get_expr(c.relpartbound, c.oid)
           FROM pg_inherits AS i
           JOIN pg_class AS c ON c.oid = i.inhrelid
           WHERE i.inhparent = part.partrelid AND c.oid <> part.partdefid
           ORDER BY c.relname DESC
           LIMIT 1
       )
FROM pg_partition_tree({name}) AS tree
JOIN pg_partitioned_table AS part ON part.partrelid = tree.relid
JOIN pg_attribute AS a ON a.attrelid = part.partrelid AND a.attnum = ANY(part.partattrs)
WHERE {constraint_name} = ''
  AND a.attnum > 0

-- name: sample_row
-- A row that passes every CHECK of its table; its harmless values serve where invented ones are refused.
SELECT {values} FROM {relation} AS t LIMIT 1

-- name: existing_key
-- A row to refer to in a table that is not ours to write.
SELECT {columns} FROM {relation} AS t WHERE num_nulls({columns}) = 0 LIMIT 1

-- name: existing_row
-- A row of the tenant's own, where none can be planted.
SELECT {key}, jsonb_object(ARRAY[{texts}]::text[]) FROM {relation} AS t WHERE t.{tenant} = {owner}::uuid LIMIT 1

-- name: plant_rows
-- Rows to attack.
INSERT INTO {relation} AS t ({columns}) OVERRIDING SYSTEM VALUE VALUES {rows} RETURNING {columns_of_key}

-- name: planted_rows
-- The same rows, as they stand.
SELECT {columns_of_key}, {key}, jsonb_object(ARRAY[{texts}]::text[]) FROM {relation} AS t WHERE ({columns_of_key}) IN ({keys})
