-- name: size_of_tenant_is_seen
-- Whether the policy is there by which the planner knows how many rows a tenant has.
SELECT EXISTS (SELECT FROM pg_policy WHERE polrelid = to_regclass({name}) AND polname = {policy_name})

-- name: see_size_of_tenant
-- It says once more what isolation says, in words that the planner can look into: a sub-select has no value yet when a
-- statement is planned, and all tenants are held to be of middle size. Being RESTRICTIVE it can only take rows away.
CREATE POLICY {policy} ON {relation} AS RESTRICTIVE FOR SELECT TO vital_tenant USING ({condition})

-- name: own_size
-- The condition where a tenant sees its own rows alone.
{tenant} = NULLIF(current_setting('vital.tenant_id', true), '')::uuid

-- name: own_and_shared_size
-- The same where it sees the rows of the Platform as well.
{tenant} = ANY (ARRAY[NULLIF(current_setting('vital.tenant_id', true), '')::uuid, {platform}::uuid])

-- name: see_size_no_more
-- The reverse.
DROP POLICY IF EXISTS {policy} ON {relation}

-- name: of_kind
-- What an undo needs, where it is no more than what the change is.
SELECT jsonb_build_object('kind', {kind}::text, 'name', {name}::text)

-- name: is_set_for_database
-- Whether every session of this database begins with this value.
SELECT EXISTS (
    SELECT FROM pg_db_role_setting AS s
    JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
    WHERE s.setrole = 0 AND {entry} = ANY(s.setconfig)
)

-- name: setting_before
-- What this database had for it, NULL where nothing.
SELECT jsonb_build_object('kind', 'setting', 'name', {name}::text, 'before', (
    SELECT substr(entry, length({name}) + 2)
    FROM pg_db_role_setting AS s
    JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
    CROSS JOIN unnest(s.setconfig) AS entry
    WHERE s.setrole = 0 AND starts_with(entry, {name} || '=')
))

-- name: set_for_database
-- For every session that begins from now on. Of a role it would do nothing: nobody logs in as vital_tenant.
ALTER DATABASE {database} SET {setting} = {value}

-- name: reset_for_database
-- The reverse.
ALTER DATABASE {database} RESET {setting}

-- name: this_database
-- What the database is called.
SELECT current_database()::text

-- name: body_of_index
-- How an index is made, from its access method on, without the rows that it is limited to.
SELECT substring(pg_get_indexdef(c.oid) FROM ' (USING .*)$') FROM pg_class AS c WHERE c.oid = to_regclass({index_name})

-- name: build_for_tenant
-- An index of one tenant's rows.
CREATE INDEX CONCURRENTLY {index} ON {relation} {body} WHERE {tenant} = {key}::uuid

-- name: drop_for_tenant
-- The reverse, also of what a failed attempt has left.
DROP INDEX CONCURRENTLY IF EXISTS {index}

-- name: changes_for_vectors
-- What stands of it, the latest first.
SELECT statement, relation, memo FROM vital.applied_statement WHERE phase = %(phase)s::text ORDER BY id DESC

-- name: last_run
-- The run after which it is done.
SELECT COALESCE(max(id), 0) FROM vital.run
