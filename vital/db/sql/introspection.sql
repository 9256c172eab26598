-- name: foreign_keys_between
-- The foreign keys between tables of tenants: the columns on both sides.
SELECT format('%I.%I', cn.nspname, cc.relname), key.of, format('%I.%I', pn.nspname, pc.relname), key.to
FROM pg_constraint AS f
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text) AS of, array_agg(p.attname::text) AS to
    FROM unnest(f.conkey, f.confkey) AS part (child, parent)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
JOIN pg_class AS cc ON cc.oid = f.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_class AS pc ON pc.oid = f.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND f.conrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
ORDER BY 1, 2
