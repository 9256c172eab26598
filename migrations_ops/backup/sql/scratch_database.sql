-- name: may_create_databases
-- Whether the current role may create databases on this server.
SELECT rolcreatedb OR current_setting('is_superuser')::boolean FROM pg_roles WHERE rolname = current_user

-- name: likeness_of_database
-- How a new database must be made to compare and sort texts as this one does.
SELECT format('ENCODING %%L LC_COLLATE %%L LC_CTYPE %%L', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
       || CASE to_jsonb(d) ->> 'datlocprovider'
              WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %%L',
                                   COALESCE(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'))
              WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %%L', to_jsonb(d) ->> 'datlocale')
              ELSE ''
          END
FROM pg_database AS d
WHERE d.datname = current_database()

-- name: create_scratch
-- The database for the copy; from template0, which is always as the server came.
CREATE DATABASE {name} TEMPLATE template0 {likeness}

-- name: drop_scratch
-- The copy goes, whoever is still connected to it.
DROP DATABASE IF EXISTS {name} WITH (FORCE)

-- name: drop_scratch_gently
-- The same where nobody of ours is connected: PostgreSQL then ends its own autovacuum there, which FORCE may not.
DROP DATABASE IF EXISTS {name}

-- name: abandoned_scratches
-- Copies that a killed rehearsal of ours has left: a living one is always connected.
SELECT d.datname
FROM pg_database AS d
WHERE starts_with(d.datname, %(prefix)s::text)
  AND d.datdba = (SELECT oid FROM pg_roles WHERE rolname = session_user)
  AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid)

-- name: roles_of_policies
-- The roles that policies name; without them the policies cannot be copied.
SELECT DISTINCT r.rolname::text
FROM pg_policy AS p
CROSS JOIN LATERAL unnest(p.polroles) AS named (oid)
JOIN pg_roles AS r ON r.oid = named.oid

-- name: has_role
-- Whether the server has a role of this name.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s::text)

-- name: create_namesake
-- A role that is nothing but a name in policies.
CREATE ROLE {role} NOLOGIN

-- name: lives_in
-- The database that this connection is to, and the version of its server.
SELECT current_database()::text, current_setting('server_version_num')::int / 10000

-- name: make_schema
-- Whoever it belongs to where it comes from.
CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}

-- name: unchecked_bodies
-- What a function does is of no interest where nobody calls it.
SET check_function_bodies = off
