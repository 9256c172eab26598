-- name: plain_tenant_indexes
-- Valid indexes on the tenant column alone that no key, constraint, replica identity or CLUSTER needs and that lie where
-- the table's would, with all that CREATE INDEX needs to make them again; NULL where there is none. Of a big table only.
SELECT jsonb_agg(
           jsonb_build_object(
               'relation', {name},
               'schema', n.nspname,
               'name', c.relname,
               'body', substr(pg_get_indexdef(c.oid), length(format('CREATE INDEX %I ON %I.%I ', c.relname, n.nspname, t.relname)) + 1),
               'comment', obj_description(c.oid, 'pg_class')
           )
           ORDER BY c.relname
       )
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid AND t.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = {column}
WHERE i.indrelid = to_regclass({name})
  AND i.indkey::text = a.attnum::text
  AND i.indpred IS NULL
  AND i.indisvalid
  AND NOT (i.indisunique OR i.indisclustered OR i.indisreplident)
  AND c.reltablespace = 0
  AND NOT EXISTS (SELECT FROM pg_inherits AS part WHERE part.inhrelid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND pg_relation_size(t.oid) >= {pages} * current_setting('block_size')::bigint

-- name: is_all_assigned
-- Whether 004 has been completed, and not undone since.
SELECT EXISTS (SELECT FROM vital.phase_run WHERE phase = '004_tenant_data' AND status = 'completed')

-- name: dropped_indexes
-- The indexes that were dropped and are not there, or not completely.
SELECT jsonb_agg(saved.one)
FROM vital.applied_statement AS noted
CROSS JOIN LATERAL jsonb_array_elements(noted.memo) AS saved (one)
WHERE noted.statement = ANY({statements})
  AND NOT EXISTS (
      SELECT FROM pg_index AS i
      WHERE i.indexrelid = to_regclass(format('%I.%I', saved.one ->> 'schema', saved.one ->> 'name')) AND i.indisvalid
  )

-- name: build_again
-- As it was.
CREATE INDEX CONCURRENTLY {index} ON {relation} {body}

-- name: comment_index
-- With what somebody has written about it.
COMMENT ON INDEX {index} IS {comment}
