-- name: clock
-- The server's time, in seconds since 1970, and its version in words.
SELECT extract(epoch FROM clock_timestamp())::double precision, current_setting('server_version')

-- name: half_built_indexes
-- Indexes that a stopped CREATE INDEX CONCURRENTLY has left: they cost every write and serve nobody.
SELECT i.indexrelid::regclass::text, format('DROP INDEX CONCURRENTLY %s', i.indexrelid::regclass)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid
  AND n.nspname = ANY({schemas}::text[])
ORDER BY 1

-- name: without_index
-- Tables of the plan whose tenant column is the first of no index: a tenant's request would read all of it.
SELECT wanted.name
FROM unnest({tables}::text[]) AS wanted (name)
JOIN pg_attribute AS a ON a.attrelid = to_regclass(wanted.name) AND a.attname = {column} AND NOT a.attisdropped
WHERE NOT EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indkey[0] = a.attnum
)
ORDER BY 1

-- name: unfinished
-- The run that waits for somebody, and whether a worker is to carry it on.
SELECT id, status, in_background FROM vital.run WHERE status IN ('running', 'paused', 'failed')
