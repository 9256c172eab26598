-- name: vector_extension
-- The schema of the extension `vector`, and its version.
SELECT n.nspname::text, e.extversion
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'vector'

-- name: load_vector
-- The extension's settings are known to a session once its library is loaded, which any use of its type does.
SELECT '[1]'::{schema}.vector

-- name: vector_settings
-- Those of its settings that this version has, with the value in force. A placeholder of another version is not listed.
SELECT name, setting FROM pg_settings WHERE name = ANY(%(names)s::text[])

-- name: approximate_indexes
-- Every ivfflat or hnsw index on these tables and their partitions; what hangs on an index of the whole table is counted
-- with it. The operator is the one that the operator class orders by.
SELECT wanted.name, format('%%I.%%I', tn.nspname, t.relname), cn.nspname::text, c.relname::text, am.amname::text,
       pg_get_indexdef(i.indexrelid, 1, false), opc.opcname::text, opn.nspname::text, op.oprname::text,
       format_type(opc.opcintype, NULL), i.indisvalid, pg_get_expr(i.indpred, i.indrelid),
       COALESCE((SELECT sum(pg_relation_size(part.relid)) FROM pg_partition_tree(i.indexrelid) AS part), pg_relation_size(i.indexrelid))::bigint,
       COALESCE((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'lists'), '0')::integer,
       COALESCE((SELECT sum(GREATEST(pc.reltuples, 0)) FROM pg_partition_tree(t.oid) AS part JOIN pg_class AS pc ON pc.oid = part.relid WHERE part.isleaf), GREATEST(t.reltuples, 0))::bigint
FROM unnest(%(tables)s::text[]) AS wanted (name)
JOIN pg_class AS t ON t.oid = to_regclass(wanted.name) OR t.oid IN (SELECT part.relid FROM pg_partition_tree(to_regclass(wanted.name)) AS part)
JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
JOIN pg_index AS i ON i.indrelid = t.oid
JOIN pg_class AS c ON c.oid = i.indexrelid AND NOT c.relispartition
JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
JOIN pg_am AS am ON am.oid = c.relam AND am.amname IN ('hnsw', 'ivfflat')
JOIN pg_opclass AS opc ON opc.oid = i.indclass[0]
JOIN pg_amop AS amop ON amop.amopfamily = opc.opcfamily AND amop.amoppurpose = 'o' AND amop.amoplefttype = opc.opcintype
JOIN pg_operator AS op ON op.oid = amop.amopopr
JOIN pg_namespace AS opn ON opn.oid = op.oprnamespace
ORDER BY wanted.name, t.relname, c.relname

-- name: vectors_without_index
-- Columns of these tables with a type of the extension on which no valid approximate index stands, with the table's rows.
SELECT wanted.name, a.attname::text, format_type(a.atttypid, a.atttypmod),
       COALESCE((SELECT sum(GREATEST(pc.reltuples, 0)) FROM pg_partition_tree(a.attrelid) AS part JOIN pg_class AS pc ON pc.oid = part.relid WHERE part.isleaf), GREATEST(t.reltuples, 0))::bigint
FROM unnest(%(tables)s::text[]) AS wanted (name)
JOIN pg_class AS t ON t.oid = to_regclass(wanted.name)
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS y ON y.oid = a.atttypid AND y.typname IN ('vector', 'halfvec', 'sparsevec')
JOIN pg_depend AS e ON e.classid = 'pg_type'::regclass AND e.objid = y.oid AND e.deptype = 'e' AND e.refclassid = 'pg_extension'::regclass
JOIN pg_extension AS x ON x.oid = e.refobjid AND x.extname = 'vector'
WHERE NOT EXISTS (
    SELECT
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS am ON am.oid = c.relam AND am.amname IN ('hnsw', 'ivfflat')
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
    WHERE i.indrelid = a.attrelid AND i.indisvalid
)
ORDER BY wanted.name, a.attnum
