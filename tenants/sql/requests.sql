-- name: active_tenants
-- Every tenant that may be served.
SELECT id::text, slug::text, name::text, COALESCE(settings, '{{}}')::text FROM {registry} WHERE is_active

-- name: hosts_of_tenants
-- The host names that are a tenant's own, also of those that may not be served. What the Platform's record has as its
-- domain is often the service's own name: that is nobody's. A slug is no host name.
SELECT domain::text, tenant_id::text FROM vital.domain WHERE position('.' IN domain) > 0 AND tenant_id <> %(platform)s::uuid

-- name: aliases_of_tenants
-- Further ids of tenants. One that has become a tenant's own is no other's any more.
SELECT a.id::text, a.tenant_id::text
FROM vital.tenant_alias AS a
WHERE NOT EXISTS (SELECT 1 FROM {registry} AS t WHERE t.id = a.id)

-- name: home_of_user
-- The tenant of a user of the platform.
SELECT tenant_id::text FROM public.users WHERE id = %(id)s::uuid

-- name: look_briefly
-- A look at the catalogue does not wait for who changes a table.
SELECT set_config('lock_timeout', '300ms', true)

-- name: is_under_maintenance
-- Whether somebody has switched maintenance on.
SELECT EXISTS (SELECT FROM vital.maintenance)

-- name: may_be_operator
-- Whether this connection's login may put on the operators' role, and that role has been granted the service's tables in
-- this database: roles are the cluster's, another database may have made them. An owner reads the platform's tables as
-- itself while isolation is off, since the operators' role may not then.
SELECT COALESCE((
    SELECT pg_has_role(session_user, r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
       AND has_schema_privilege(r.oid, n.oid, 'USAGE')
       AND has_table_privilege(r.oid, c.oid, 'INSERT')
       AND NOT EXISTS (
           SELECT
           FROM pg_class AS t
           WHERE t.relname = 'tenants'
             AND t.relnamespace = 'public'::regnamespace
             AND has_table_privilege(session_user, t.oid, 'SELECT')
             AND NOT has_table_privilege(r.oid, t.oid, 'SELECT')
       )
    FROM pg_roles AS r
    JOIN pg_class AS c ON c.relname = 'django_session'
    JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'vital'
    WHERE r.rolname = 'vital_operator'
), false)

-- name: tables_of_the_login
-- A table of the platform that the login of this connection owns, by itself or by inheritance; one that it has rights on;
-- and whether it is a member of both roles.
SELECT (
           SELECT c.oid::regclass::text
           FROM pg_class AS c
           WHERE c.relkind IN ('r', 'p')
             AND c.relnamespace = ANY (SELECT to_regnamespace(s) FROM unnest(%(tables)s::text[]) AS s)
             AND pg_has_role(session_user, c.relowner, 'MEMBER')
           ORDER BY 1
           LIMIT 1
       ),
       (
           SELECT c.oid::regclass::text
           FROM pg_class AS c
           WHERE c.relkind IN ('r', 'p', 'v', 'm')
             AND c.relnamespace = ANY (SELECT to_regnamespace(s) FROM unnest(%(tables)s::text[]) AS s)
             AND (has_any_column_privilege(session_user, c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(session_user, c.oid, 'DELETE, TRUNCATE'))
             AND NOT EXISTS (  -- views of Citus about its nodes
                 SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'citus'
                 WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
             )
           ORDER BY 1
           LIMIT 1
       ),
       (
           SELECT count(*) = 2
           FROM pg_roles AS wanted
           WHERE wanted.rolname IN ('vital_tenant', 'vital_operator')
             AND pg_has_role(session_user, wanted.oid, 'MEMBER')
       )

-- name: open_tables
-- Tables with a tenant column that no policy of ours closes for vital_tenant, which may reach them. Whether the owner is
-- bound as well is the plan's to say. On a cluster of Citus the policy is permissive, and stands alone.
SELECT c.oid::regclass::text
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p')
  AND c.relnamespace = ANY (SELECT to_regnamespace(s) FROM unnest(%(schemas)s::text[]) AS s)
  AND NOT (c.relrowsecurity AND EXISTS (
      SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'vital_tenant_select' AND (
          NOT p.polpermissive
          OR EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
             AND NOT EXISTS (SELECT FROM pg_policy AS every WHERE every.polrelid = c.oid AND every.polname = 'vital_tenant')
      )
  ))
ORDER BY 1
