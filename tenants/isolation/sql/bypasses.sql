-- name: roles_beside
-- Every role but VITAL's own that may touch the tables, by which right, and which policies show it every row.
WITH tables AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class AS c
    WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
), rights AS (
    SELECT grantee, privileges, string_agg(name, ', ' ORDER BY name) AS names
    FROM (
        SELECT acl.grantee, t.name, string_agg(acl.privilege_type, ' ' ORDER BY acl.privilege_type) AS privileges
        FROM tables AS t
        CROSS JOIN LATERAL aclexplode(COALESCE(t.relacl, acldefault('r', t.relowner))) AS acl
        GROUP BY 1, 2
    ) AS of_table
    GROUP BY 1, 2
)
SELECT COALESCE(r.rolname, 'everybody (PUBLIC)')::text,
       COALESCE(r.rolcanlogin, true),
       CASE
           WHEN r.rolsuper THEN 'no policy binds it: superuser'
           WHEN r.rolbypassrls THEN 'no policy binds it: BYPASSRLS'
           WHEN EXISTS (SELECT FROM tables AS t WHERE t.relowner = r.oid AND NOT t.relforcerowsecurity) THEN 'no policy binds it: owner of tables without FORCE'
           ELSE 'policies bind it'
       END,
       COALESCE((
           SELECT array_agg(DISTINCT p.polname::text ORDER BY p.polname::text)
           FROM pg_policy AS p
           WHERE p.polrelid IN (SELECT oid FROM tables)
             AND p.polpermissive
             AND NOT COALESCE(r.rolsuper OR r.rolbypassrls, false)
             AND pg_get_expr(p.polqual, p.polrelid) = 'true'
             AND EXISTS (SELECT FROM unnest(p.polroles) AS role WHERE role = 0 OR r.oid IS NOT NULL AND pg_has_role(r.oid, role, 'USAGE'))
       ), ARRAY[]::text[]),
       COALESCE((SELECT array_agg(privileges || ' on ' || names ORDER BY privileges) FROM rights WHERE grantee = COALESCE(r.oid, 0)), ARRAY[]::text[])
FROM (SELECT oid FROM pg_roles WHERE rolsuper OR rolbypassrls UNION SELECT grantee FROM rights) AS who (oid)
LEFT JOIN pg_roles AS r ON r.oid = who.oid
WHERE COALESCE(r.rolname, '') NOT IN ('vital_tenant', 'vital_operator')
  AND COALESCE(r.rolname, '') NOT LIKE 'pg\_%'
ORDER BY 1

-- name: operators
-- The logins that may put on vital_operator, whom every policy lets see every row.
SELECT rolname::text
FROM pg_roles
WHERE rolcanlogin
  AND NOT rolsuper
  AND pg_has_role(oid, to_regrole('vital_operator')::oid, 'MEMBER')
ORDER BY 1

-- name: definers
-- Functions that run as their owner and that others may call: whose eyes, who may, and whether they can bend the search path.
SELECT p.oid::regprocedure::text,
       pg_get_userbyid(p.proowner)::text,
       COALESCE((
           SELECT array_agg(CASE acl.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(acl.grantee)::text END ORDER BY acl.grantee)
           FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl
           WHERE acl.privilege_type = 'EXECUTE'
       ), ARRAY[]::text[]),
       EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting ~ '^search_path=(.*, )?"?pg_temp"?$' OR setting IN ('search_path=', 'search_path=""')),
       has_function_privilege('vital_tenant', p.oid, 'EXECUTE') AND has_schema_privilege('vital_tenant', p.pronamespace, 'USAGE')
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.prosecdef
  AND p.prorettype <> 'trigger'::regtype
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND EXISTS (
      SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl WHERE acl.grantee <> p.proowner
  )
ORDER BY 1

-- name: readable_elsewhere
-- What else a tenant may read: everybody's, for no policy of VITAL's stands there.
SELECT c.oid::regclass::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND has_schema_privilege('vital_tenant', n.oid, 'USAGE')
  AND has_any_column_privilege('vital_tenant', c.oid, 'SELECT')
  AND NOT c.oid = ANY(SELECT to_regclass(t) FROM unnest({known}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)
ORDER BY 1

-- name: default_rights
-- Rights that tables made later will have by themselves.
SELECT pg_get_userbyid(d.defaclrole)::text,
       COALESCE(n.nspname::text, 'every schema'),
       CASE acl.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(acl.grantee)::text END,
       string_agg(acl.privilege_type, ' ' ORDER BY acl.privilege_type)
FROM pg_default_acl AS d
LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
WHERE d.defaclobjtype = 'r'
  AND acl.grantee <> d.defaclrole
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- name: published_tables
-- Replication hands rows on past every policy.
SELECT p.pubname::text, array_agg(c.oid::regclass::text ORDER BY c.relname)
FROM pg_publication_tables AS p
JOIN pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
GROUP BY 1
ORDER BY 1

-- name: who_may_shadow
-- Who may make temporary tables, which could shadow the real ones in statements that do not name the schema.
SELECT '', '', CASE acl.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(acl.grantee) END || ' may make temporary tables in this database'
FROM pg_database AS d
CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
WHERE d.datname = current_database()
  AND acl.privilege_type = 'TEMPORARY'
  AND acl.grantee <> d.datdba
ORDER BY 3

-- name: owner_views
-- Views read as their owner unless they are security_invoker; materialized views keep a copy.
SELECT DISTINCT format('%I.%I', n.nspname, v.relname), '', CASE v.relkind
           WHEN 'm' THEN 'is a materialized view: it holds rows of all tenants'
           ELSE 'is a view without security_invoker: it shows what its owner sees'
       END
FROM pg_depend AS d
JOIN pg_rewrite AS r ON r.oid = d.objid
JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.refobjid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND d.refclassid = 'pg_class'::regclass
  AND (v.relkind = 'm' OR NOT COALESCE('security_invoker=true' = ANY(v.reloptions) OR 'security_invoker=on' = ANY(v.reloptions), false))

-- name: unlisted_tables
-- A table that the plan does not name, though it has a tenant column or refers to a table that has one.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname), '', CASE
           WHEN a.attnum IS NOT NULL THEN format('has a column %s, but the plan does not name the table', {column})
           ELSE 'refers to tables of the plan, but the plan does not name it'
       END
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = {column} AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND n.nspname = ANY({schemas}::text[])
  AND NOT c.oid = ANY(SELECT to_regclass(t) FROM unnest({known}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)
  AND (
      a.attnum IS NOT NULL
      OR EXISTS (
          SELECT FROM pg_constraint AS f
          WHERE f.contype = 'f'
            AND f.conrelid = c.oid
            AND f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
      )
  )
