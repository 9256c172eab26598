-- name: event_triggers
-- Event triggers that fire for changes of the schema, each with the kinds of statement (all, where none is named), whether
-- its function's text raises an error at all, and how to turn it off.
SELECT e.evtname::text, COALESCE(e.evttags, '{{}}')::text[],
       p.prosrc ~* '\mraise\M(?!\s+(?:debug|log|info|notice|warning)\M)' OR p.prosrc ~* '\massert\M',
       format('ALTER EVENT TRIGGER %I DISABLE', e.evtname)
FROM pg_event_trigger AS e
JOIN pg_proc AS p ON p.oid = e.evtfoid
WHERE e.evtenabled IN ('O', 'A')
  AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
ORDER BY 1

-- name: try_create_table
-- A table like those that VITAL makes.
CREATE TABLE {table} (id integer)

-- name: try_alter_table
-- The tenant column, and a constraint.
ALTER TABLE {table} ADD COLUMN {tenant} uuid, ADD CONSTRAINT vital_try CHECK ({tenant} IS NOT NULL) NOT VALID

-- name: try_create_index
-- The index by tenant.
CREATE INDEX {name} ON {table} ({tenant})

-- name: try_create_function
-- A function behind a trigger.
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'

-- name: try_create_trigger
-- The trigger for rows written without a tenant.
CREATE TRIGGER vital_try BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()

-- name: try_create_policy
-- A policy.
CREATE POLICY vital_try ON {table} USING (true)

-- name: try_grant
-- A grant.
GRANT SELECT ON {table} TO CURRENT_USER

-- name: try_comment
-- A comment, by which VITAL knows what it has made.
COMMENT ON TABLE {table} IS 'VITAL'

-- name: try_drop_policy
-- What an undo takes away.
DROP POLICY vital_try ON {table}

-- name: try_drop_trigger
-- The same.
DROP TRIGGER vital_try ON {table}

-- name: try_drop_function
-- The same.
DROP FUNCTION {function}()

-- name: try_drop_index
-- The same.
DROP INDEX {index}

-- name: try_drop_table
-- The same.
DROP TABLE {table}
