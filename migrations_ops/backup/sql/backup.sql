-- name: export_snapshot
-- What this transaction, which only reads, sees: for pg_dump to see the same.
SELECT pg_export_snapshot(), set_config('transaction_read_only', 'on', true), set_config('lock_timeout', '60s', true)

-- name: tables_to_back_up
-- Every table that holds rows itself, but those of extensions and of the server; whether policies filter it for this
-- role, and whether VITAL's own policy shows every row of it.
SELECT format('%%I.%%I', n.nspname, c.relname), row_security_active(c.oid),
       EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'vital_operator')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1

-- name: content_to_back_up
-- A table's own rows, without those of tables that inherit from it, and the order-independent fingerprint of them.
SELECT count(*), COALESCE(sum({hash}), 0)::text FROM ONLY {table} AS t

-- name: put_on_role
-- For the rest of this transaction.
SELECT set_config('role', %(role)s::text, true)

-- name: roles_in_use
-- The roles that the database's things belong to (o), are granted to (a), or whose policies they name (r).
SELECT r.rolname::text, string_agg(DISTINCT d.deptype::text, '')
FROM pg_shdepend AS d
JOIN pg_roles AS r ON r.oid = d.refobjid
WHERE d.refclassid = 'pg_authid'::regclass
  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
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
