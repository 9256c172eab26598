-- name: columns_to_fill
-- Every column that an INSERT may name: its type, whether it needs a value, whether values must differ, whether a sequence
-- gives them, what it refers to. A key of several columns is referred to as a whole, so that its values fit each other.
SELECT a.attname::text,
       format_type(a.atttypid, a.atttypmod),
       COALESCE(element.typname, base.typname)::text,
       COALESCE(element.typcategory, base.typcategory)::text,
       element.oid IS NOT NULL,
       (SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = COALESCE(element.oid, base.oid) ORDER BY e.enumsortorder LIMIT 1),
       (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND a.attidentity = '',
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY(i.indkey)),
       a.attidentity <> '' OR EXISTS (
           SELECT
           FROM pg_attrdef AS d
           JOIN pg_depend AS on_sequence ON on_sequence.classid = 'pg_attrdef'::regclass AND on_sequence.objid = d.oid
           JOIN pg_class AS s ON s.oid = on_sequence.refobjid AND s.relkind = 'S'
           WHERE d.adrelid = a.attrelid
             AND d.adnum = a.attnum
       ),
       f.parent,
       f.parent_key,
       f.conname,
       f.width
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS base ON base.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
LEFT JOIN pg_type AS element ON element.oid = base.typelem AND base.typcategory = 'A'
LEFT JOIN LATERAL (
    SELECT format('%I.%I', n.nspname, c.relname) AS parent, p.attname::text AS parent_key, k.conname::text, cardinality(k.conkey) AS width
    FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.confrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[array_position(k.conkey, a.attnum)]
    WHERE k.contype = 'f'
      AND k.conparentid = 0
      AND k.conrelid = a.attrelid
      AND a.attnum = ANY(k.conkey)
      AND (k.confrelid <> k.conrelid OR cardinality(k.conkey) = 1)
    ORDER BY cardinality(k.conkey) DESC, k.conname
    LIMIT 1
) AS f ON true
WHERE a.attrelid = to_regclass({name})
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attnum

-- name: columns_of_check
-- What a CHECK that refused a planted row is about, and how it is written.
SELECT a.attname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
WHERE k.conrelid = to_regclass({name})
  AND k.conname = {constraint_name}

-- name: sample_row
-- A row that passes every CHECK of its table; its harmless values serve where invented ones are refused.
SELECT {values} FROM {relation} AS t LIMIT 1

-- name: existing_key
-- A row to refer to in a table that is not ours to write.
SELECT t.{column}::text FROM {relation} AS t LIMIT 1

-- name: plant_row
-- A row to attack.
INSERT INTO {relation} AS t ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values}) RETURNING {key}, to_jsonb(t)
