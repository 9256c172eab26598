-- name: is_supabase
-- Whether the database is a Supabase project's: by the roles that its services work as, and their schemas.
SELECT count(*) = 4 AND to_regnamespace('auth') IS NOT NULL AND to_regnamespace('storage') IS NOT NULL
FROM pg_roles
WHERE rolname IN ('anon', 'authenticated', 'service_role', 'supabase_admin')

-- name: counts_statements
-- Whether somebody can see which statements take the server's time.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')

-- name: connections_there_are
-- How many the server takes.
SELECT current_setting('max_connections')::integer

-- name: exposed_schemas
-- The schemas that PostgREST is told to publish, where that is said in the database.
SELECT trim(schema)
FROM pg_db_role_setting AS s
CROSS JOIN unnest(s.setconfig) AS setting
CROSS JOIN string_to_table(split_part(setting, '=', 2), ',') AS schema
WHERE s.setrole = to_regrole('authenticator')
  AND starts_with(setting, 'pgrst.db_schemas=')
ORDER BY 1
