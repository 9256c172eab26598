-- name: shared_distances
-- Approximate indexes over the rows of several tenants, and whether a session of this database lets their scans go on.
SELECT t.oid::regclass::text, c.relname::text,
       EXISTS (
           SELECT FROM pg_db_role_setting AS s
           CROSS JOIN unnest(s.setconfig) AS entry
           JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
           WHERE s.setrole = 0 AND starts_with(entry, am.amname || '.iterative_scan=') AND entry <> am.amname || '.iterative_scan=off'
       )
FROM pg_class AS t
JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisvalid AND i.indpred IS NULL
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = c.relam AND am.amname IN ('hnsw', 'ivfflat')
WHERE t.oid = ANY(SELECT to_regclass(name) FROM unnest({tables}::text[]) AS name)
ORDER BY 1, 2
