-- name: export_snapshot
-- What this transaction, which only reads, sees: for pg_dump to see the same.
SELECT pg_export_snapshot(), set_config('transaction_read_only', 'on', true), set_config('lock_timeout', '60s', true)

-- name: schemas_of_others
-- Schemas that a provider keeps, with their owner: this role has not its rights; or has them as a member, while the tables
-- of public are this role's own and none is that owner's. One with a table of the plan is ours, and all are a superuser's.
SELECT n.nspname::text, pg_get_userbyid(n.nspowner)::text
FROM pg_namespace AS n
WHERE NOT current_setting('is_superuser')::boolean
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND n.nspname::text <> ALL(ARRAY['information_schema', 'public', 'vital'] || %(schemas)s::text[])
  AND (
      NOT pg_has_role(n.nspowner, 'USAGE')
      OR EXISTS (
          SELECT
          FROM pg_class AS c
          WHERE c.relnamespace = to_regnamespace('public')
            AND c.relkind IN ('r', 'p')
          HAVING bool_or(pg_get_userbyid(c.relowner) = current_user) AND bool_and(c.relowner <> n.nspowner)
      )
  )
ORDER BY 1

-- name: tables_to_back_up
-- Every table that holds rows itself, but those of extensions, of the server and of a provider; whether policies filter it
-- for this role, and whether VITAL's own policy shows every row of it.
SELECT format('%%I.%%I', n.nspname, c.relname), row_security_active(c.oid),
       EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'vital_operator')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND n.nspname <> ALL(%(left)s::text[])
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1

-- name: content_to_back_up
-- A table's own rows, without those of tables that inherit from it, and the order-independent fingerprint of them.
SELECT count(*), COALESCE(sum({hash}), 0)::text FROM ONLY {table} AS t

-- name: put_on_role
-- For the rest of this transaction.
SELECT set_config('role', %(role)s::text, true)

-- name: roles_in_use
-- The roles that the database's things belong to (o), are granted to (a), or whose policies they name (r); but those of a
-- provider's things: its schemas, what is in them, and what is in no schema and is not ours.
SELECT r.rolname::text, string_agg(DISTINCT d.deptype::text, '')
FROM pg_shdepend AS d
JOIN pg_roles AS r ON r.oid = d.refobjid
CROSS JOIN LATERAL pg_identify_object_as_address(d.classid, d.objid, 0) AS thing
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS named
WHERE d.refclassid = 'pg_authid'::regclass
  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND thing.object_names[1] <> ALL(%(left)s::text[])
  AND COALESCE(named.schema, '') <> ALL(ARRAY(SELECT quote_ident(name) FROM unnest(%(left)s::text[] || 'pg_toast'::text) AS name))
  AND (
      d.deptype <> 'o'
      OR pg_has_role(d.refobjid, 'USAGE')
      OR d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
  )
GROUP BY r.rolname
ORDER BY r.rolname

-- name: privileges_on_database
-- Who may do what with the database itself, which pg_dump leaves out; everybody is an empty name.
SELECT COALESCE(r.rolname::text, ''), acl.privilege_type
FROM pg_database AS d
CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE d.datname = current_database()
  AND acl.grantee <> d.datdba
ORDER BY 1, 2

-- name: about_the_server
-- Which database this is, on which server, and how many bytes it takes there.
SELECT current_database()::text, current_setting('server_version'), pg_database_size(current_database())
