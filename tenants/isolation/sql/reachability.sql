-- name: reached
-- What vital_tenant, bound roles and each login of a service can reach beside the tables behind isolation: (kind, name, how,
-- the statement that closes it). A bound role is others': of its own tables and functions only those count that lead to rows of
-- tenants. A login's own rights are those that it has before it puts a role on; whoever owns tables, or has
-- the operators' rights without putting their role on, is no login of a service. What an extension brings, and what belongs
-- to the server, is left out. Before there is a vital_tenant it is everybody, whose rights it will have.
WITH RECURSIVE tables AS (
    SELECT to_regclass(t)::oid AS oid FROM unnest({tables}::text[]) AS t WHERE to_regclass(t) IS NOT NULL
), common AS (
    SELECT to_regclass(t)::oid AS oid FROM unnest({common}::text[]) AS t WHERE to_regclass(t) IS NOT NULL
), who AS (
    SELECT r.oid, r.rolname, r.rolname = 'vital_tenant' OR r.rolname = ANY({roles}::text[]) AS is_tenant, r.rolname = ANY({roles}::text[]) AS is_bound
    FROM pg_roles AS r
    WHERE r.rolname = 'vital_tenant'
       OR r.rolname = ANY({roles}::text[])
       OR r.rolcanlogin
      AND NOT r.rolsuper
      AND pg_has_role(r.oid, to_regrole('vital_tenant')::oid, 'MEMBER')
      AND pg_has_role(r.oid, to_regrole('vital_operator')::oid, 'MEMBER')
      AND NOT pg_has_role(r.oid, to_regrole('vital_operator')::oid, 'USAGE')
      AND NOT EXISTS (SELECT FROM tables AS t JOIN pg_class AS c USING (oid) WHERE pg_has_role(r.oid, c.relowner, 'MEMBER'))
    UNION ALL
    SELECT 0, 'PUBLIC', true, false WHERE to_regrole('vital_tenant') IS NULL
), ways_in AS (
    SELECT w.oid AS role, n.oid AS schema
    FROM who AS w
    CROSS JOIN pg_namespace AS n
    WHERE has_schema_privilege(w.oid, n.oid, 'USAGE') OR w.is_tenant AND NOT w.is_bound AND n.nspname = ANY({schemas}::text[])
), foreigners AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relnamespace, c.reloptions, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND n.nspname NOT LIKE 'pg\_temp%'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), read_by_view AS (
    SELECT r.ev_class AS view, d.refobjid AS relation
    FROM pg_rewrite AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
), of_tenants AS (
    SELECT v.view AS oid FROM read_by_view AS v WHERE v.relation IN (SELECT oid FROM tables)
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent IN (SELECT oid FROM tables)
    UNION
    SELECT to_regclass(t)::oid FROM unnest({passed_through}::text[]) AS t
    UNION
    SELECT v.view FROM read_by_view AS v JOIN of_tenants AS o ON o.oid = v.relation
), harmless AS (
    SELECT f.oid
    FROM foreigners AS f
    WHERE f.relkind IN ('v', 'm')
      AND (
          f.relkind = 'v' AND EXISTS (SELECT FROM unnest(f.reloptions) AS o WHERE o ~* '^security_invoker=(true|on|yes|1)$')
          OR NOT EXISTS (SELECT FROM read_by_view AS v WHERE v.view = f.oid AND v.relation NOT IN (SELECT oid FROM common))
      )
), held AS (
    SELECT f.oid, f.name, f.relkind, w.rolname, w.is_tenant, p.privilege
    FROM foreigners AS f
    CROSS JOIN who AS w
    CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (privilege)
    WHERE (w.oid, f.relnamespace) IN (SELECT role, schema FROM ways_in)
      AND (
          has_table_privilege(w.oid, f.oid, p.privilege)
          OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(w.oid, f.oid, p.privilege)
      )
      AND f.oid NOT IN (SELECT oid FROM harmless)
      AND (f.oid NOT IN (SELECT oid FROM tables) OR NOT w.is_tenant)
      AND (f.oid NOT IN (SELECT oid FROM common) OR p.privilege <> 'SELECT')
      AND (NOT w.is_bound OR f.oid IN (SELECT oid FROM of_tenants) OR f.oid IN (SELECT oid FROM common))
), by_role AS (
    SELECT h.oid, h.name, h.relkind, h.rolname, array_agg(h.privilege ORDER BY h.privilege) AS privileges
    FROM held AS h
    GROUP BY 1, 2, 3, 4
)
SELECT CASE b.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
       b.name,
       string_agg(format('%s may %s', b.rolname, lower(array_to_string(b.privileges, ', '))), '; ' ORDER BY b.rolname)
       || CASE WHEN b.relkind = 'v' THEN ', and the view shows what its owner sees'
               WHEN b.relkind = 'm' THEN ', and it is a copy of its own'
               WHEN EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = b.oid AND i.inhparent IN (SELECT oid FROM tables)) THEN ', past the policies of the table that it is a part of'
               WHEN b.oid IN (SELECT oid FROM common) THEN ', which every tenant reads'
               WHEN b.oid IN (SELECT oid FROM tables) THEN ' by itself, without the role that the policies are for'
               ELSE ', and the plan does not name it' END AS how,
       COALESCE(
           (
               SELECT string_agg(DISTINCT format('REVOKE %s ON %s FROM %s;', acl.privilege_type, b.name, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END), ' ')
               FROM pg_class AS c
               CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
               WHERE c.oid = b.oid
                 AND acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
                 AND (acl.grantee = 0 OR acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY(array_agg(b.rolname))))
           ),
           format('REVOKE ALL ON %s FROM %s;', b.name, concat_ws(', ', 'PUBLIC', string_agg(quote_ident(b.rolname), ', ') FILTER (WHERE b.rolname <> 'PUBLIC')))
       ) AS closing
FROM by_role AS b
GROUP BY b.oid, b.name, b.relkind
UNION ALL
SELECT 'function',
       format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),
       format('%s may call it, and it works as %s, who %s', string_agg(w.rolname, ', ' ORDER BY w.rolname), o.rolname,
              CASE WHEN o.rolsuper OR o.rolbypassrls THEN 'no policy binds' ELSE 'reaches the tables' END),
       format('REVOKE EXECUTE ON %s %I.%I(%s) FROM %s;', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname, oidvectortypes(p.proargtypes),
              concat_ws(', ', 'PUBLIC', string_agg(quote_ident(w.rolname), ', ' ORDER BY w.rolname) FILTER (WHERE w.oid <> 0)))
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_roles AS o ON o.oid = p.proowner
JOIN who AS w ON has_function_privilege(w.oid, p.oid, 'EXECUTE') AND (w.oid, n.oid) IN (SELECT role, schema FROM ways_in)
WHERE p.prosecdef
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  AND (
      o.rolsuper
      OR o.rolbypassrls
      OR EXISTS (SELECT FROM tables AS t WHERE has_table_privilege(o.oid, t.oid, 'SELECT, INSERT, UPDATE, DELETE'))
  )
  AND (
      NOT w.is_bound
      OR n.nspname = ANY({schemas}::text[])
      OR p.proowner IN (SELECT c.relowner FROM pg_class AS c WHERE c.oid IN (SELECT oid FROM tables))
  )
  AND p.oid <> ALL(SELECT to_regprocedure(f) FROM unnest({functions}::text[]) AS f WHERE to_regprocedure(f) IS NOT NULL)
GROUP BY p.oid, n.nspname, p.proname, p.prokind, o.rolname, o.rolsuper, o.rolbypassrls
UNION ALL
SELECT 'rule',
       format('rule %I of %I.%I', r.rulename, n.nspname, c.relname),
       format('what it does is done as %s, whom no policy for tenants binds', pg_get_userbyid(c.relowner)),
       format('DROP RULE %I ON %I.%I;', r.rulename, n.nspname, c.relname)
FROM pg_rewrite AS r
JOIN tables AS t ON t.oid = r.ev_class
JOIN pg_class AS c ON c.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE r.ev_type <> '1' AND pg_get_ruledef(r.oid) !~ 'DO (ALSO |INSTEAD )?NOTHING;$'
UNION ALL
SELECT 'publication',
       format('publication %I', p.pubname),
       format('it hands rows of %s on past every policy', string_agg(format('%I.%I', p.schemaname, p.tablename), ', ' ORDER BY p.schemaname, p.tablename)),
       CASE WHEN bool_or(o.puballtables) THEN format('DROP PUBLICATION %I;', p.pubname)
            ELSE format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, string_agg(format('%I.%I', p.schemaname, p.tablename), ', ' ORDER BY p.schemaname, p.tablename)) END
FROM pg_publication_tables AS p
JOIN pg_publication AS o ON o.pubname = p.pubname
JOIN pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
JOIN tables AS t ON t.oid = c.oid
GROUP BY p.pubname
UNION ALL
SELECT 'leakproof',
       format('leakproof %s', p.oid::regprocedure),
       'it is marked leakproof, so it is called with rows that a policy hides',
       format('ALTER FUNCTION %s NOT LEAKPROOF;', p.oid::regprocedure)
FROM pg_proc AS p
WHERE p.proleakproof
  AND (p.oid >= 16384 OR p.xmin::text <> '1')
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2

-- name: open_to_everybody
-- Tables behind isolation that everybody may use. 006 takes nothing from others, and keeps showing them what they were shown.
SELECT 'table', format('%I.%I', n.nspname, c.relname),
       format('everybody may %s, so every login of the database goes on to', lower(string_agg(DISTINCT acl.privilege_type, ', ' ORDER BY acl.privilege_type))),
       format('REVOKE %s ON %I.%I FROM PUBLIC;', string_agg(DISTINCT acl.privilege_type, ', ' ORDER BY acl.privilege_type), n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND acl.grantee = 0
GROUP BY n.nspname, c.relname
ORDER BY 2

-- name: taken_back_from_others
-- The statements that would take from every other role that is not bound what it holds of the tables; each is the grantor's to run.
SELECT format('REVOKE %s ON %s FROM %s;', string_agg(DISTINCT acl.privilege_type, ', ' ORDER BY acl.privilege_type), format('%I.%I', n.nspname, c.relname),
              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND acl.grantee <> c.relowner
  AND acl.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname = ANY(ARRAY['vital_tenant', 'vital_operator'] || {bound}::text[]))
GROUP BY n.nspname, c.relname, acl.grantee
ORDER BY 1

-- name: public_by_default
-- Before there are roles: what everybody may reach, and so vital_tenant, too. It is offered to whoever writes a plan.
SELECT format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)), 'works as ' || pg_get_userbyid(p.proowner) || ', and everybody may call it'
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl
WHERE p.prosecdef
  AND acl.grantee = 0
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND n.nspname = ANY({schemas}::text[])
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION
SELECT format('%I.%I', n.nspname, c.relname), 'everybody may ' || lower(string_agg(DISTINCT acl.privilege_type, ', '))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND acl.grantee = 0
  AND n.nspname = ANY({schemas}::text[])
  AND NOT format('%I.%I', n.nspname, c.relname) = ANY({known}::text[])
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY n.nspname, c.relname
ORDER BY 1
