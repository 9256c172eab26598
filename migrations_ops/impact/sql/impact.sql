-- name: statistics_of_statements
-- The view of pg_stat_statements, whatever schema it is in.
SELECT format('%%I.%%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'pg_stat_statements'
  AND c.relkind = 'v'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') DESC
LIMIT 1

-- name: statements_that_were_sent
-- What was sent in this database, by whom, how often.
SELECT r.rolname::text, s.query, sum(s.calls)
FROM {statistics} AS s
JOIN pg_roles AS r ON r.oid = s.userid
JOIN pg_database AS d ON d.oid = s.dbid
WHERE d.datname = current_database()
  AND r.rolname <> ALL({ours}::text[])
GROUP BY 1, 2
ORDER BY 3 DESC, 2

-- name: try_settings
-- A try waits for nobody, and plans without values; nothing is compiled for it, and policies filter, whatever the session has.
SELECT set_config('lock_timeout', '1s', true), set_config('statement_timeout', '5s', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true), set_config('row_security', 'on', true)

-- name: only_look
-- From here to its end the transaction writes nothing, whatever it is asked.
SET TRANSACTION READ ONLY

-- name: become
-- Another role until the transaction ends, with the setting by which policies know the tenant.
SELECT set_config('role', {role}, true), set_config('vital.tenant_id', {tenant}, true)

-- name: prepare_statement
-- One statement with its parameters as they are found.
PREPARE vital_impact AS {statement}

-- name: parameters_of_statement
-- How many parameters the prepared statement has.
SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'vital_impact'

-- name: explain_statement
-- What it would cost, with parameters of which nothing is known; it is not carried out.
EXPLAIN (FORMAT JSON) EXECUTE vital_impact{parameters}

-- name: forget_statement
-- Whatever became of it; prepared statements outlive a rollback.
DEALLOCATE vital_impact

-- name: who_is_there
-- Which of these roles there are, and whether this session may become each.
SELECT r.rolname::text, pg_has_role(session_user, r.oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
FROM pg_roles AS r
WHERE r.rolname = ANY({roles}::text[])

-- name: owners_of_tables
-- Who owns these tables.
SELECT DISTINCT pg_get_userbyid(c.relowner)::text
FROM unnest({tables}::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(t.name)

-- name: names_as_found
-- The relation that each name means to an application, as the plan writes names; what it knows none by may be VITAL's own.
SELECT t.name, format('%%I.%%I', n.nspname, c.relname)
FROM unnest({names}::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(t.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
UNION ALL
SELECT t.name, format('vital.%%I', c.relname)
FROM unnest({names}::text[]) AS t (name)
JOIN pg_class AS c ON quote_ident(c.relname) = t.name OR '"' || c.relname || '"' = t.name
WHERE c.relnamespace = to_regnamespace('vital')
  AND to_regclass(t.name) IS NULL

-- name: may_load
-- What the current role may do with each of these tables that no EXPLAIN says, and whether policies bind it there.
SELECT to_regclass(t.name)::text, has_table_privilege(t.name, 'INSERT') OR has_any_column_privilege(t.name, 'INSERT'), has_table_privilege(t.name, 'TRUNCATE'),
       row_security_active(t.name)
FROM unnest({tables}::text[]) AS t (name)

-- name: columns_and_defaults
-- The columns of these tables in their order, and whether an insert that does not name one leaves it NULL.
SELECT format('%%I.%%I', n.nspname, c.relname), a.attname::text, NOT a.atthasdef AND a.attidentity = ''
FROM unnest({tables}::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(t.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.oid, a.attnum

-- name: ways_past_policies
-- Views that read the tables as their owner, copies of their rows, and functions that work as their owner and name a table, with
-- whether that owner sees every row or none. What VITAL has made, and what belongs to the server or an extension, is left out.
WITH RECURSIVE tables AS (
    SELECT c.oid, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity
    FROM unnest({tables}::text[]) AS t (name)
    JOIN pg_class AS c ON c.oid = to_regclass(t.name)
), reads AS (
    SELECT r.ev_class AS view, d.refobjid AS relation
    FROM pg_rewrite AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    GROUP BY 1, 2
), past AS (
    SELECT v.oid AS view, v.relkind, v.relowner AS owner, t.oid AS tbl
    FROM reads AS r
    JOIN tables AS t ON t.oid = r.relation
    JOIN pg_class AS v ON v.oid = r.view AND v.relkind IN ('v', 'm')
    WHERE v.relkind = 'm' OR NOT EXISTS (SELECT FROM unnest(v.reloptions) AS o WHERE o ~* '^security_invoker=(true|on|yes|1)$')
    UNION
    SELECT v.oid, v.relkind, p.owner, p.tbl
    FROM past AS p
    JOIN reads AS r ON r.relation = p.view
    JOIN pg_class AS v ON v.oid = r.view AND v.relkind IN ('v', 'm')
), through AS (
    SELECT CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind, format('%%I.%%I', n.nspname, v.relname) AS name, p.owner, p.tbl
    FROM past AS p
    JOIN pg_class AS v ON v.oid = p.view
    JOIN pg_namespace AS n ON n.oid = v.relnamespace
    UNION ALL
    SELECT 'function', format('%%I.%%I', n.nspname, f.proname), f.proowner, t.oid
    FROM pg_proc AS f
    JOIN pg_namespace AS n ON n.oid = f.pronamespace
    JOIN tables AS t ON pg_get_functiondef(f.oid) ~ ('\m' || t.relname || '\M')
    WHERE f.prosecdef
      AND f.prokind IN ('f', 'p')
      AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'vital')
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
)
SELECT w.kind, w.name, o.rolname::text,
       bool_or(
           w.kind = 'materialized view' OR o.rolsuper OR o.rolbypassrls OR NOT t.relrowsecurity
           OR pg_has_role(o.oid, t.relowner, 'USAGE') AND NOT t.relforcerowsecurity
           OR EXISTS (
               SELECT
               FROM pg_policy AS y
               WHERE y.polrelid = t.oid
                 AND y.polpermissive
                 AND EXISTS (SELECT FROM unnest(y.polroles) AS named (oid) WHERE named.oid = 0 OR pg_has_role(o.oid, named.oid, 'USAGE'))
           )
       )
FROM through AS w
JOIN tables AS t ON t.oid = w.tbl
JOIN pg_roles AS o ON o.oid = w.owner
GROUP BY 1, 2, 3
ORDER BY 1, 2

-- name: grants_on_everything
-- What others than owners hold, as statements for a copy, which is made without: (role, privilege, statement).
SELECT COALESCE(r.rolname, 'PUBLIC')::text, acl.privilege_type::text,
       format('GRANT %%s ON %%s TO %%s', acl.privilege_type, g.object, COALESCE(quote_ident(r.rolname), 'PUBLIC'))
FROM (
    SELECT format('%%s %%I.%%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS object, c.relowner AS owner, c.relacl AS acl
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'vital')
      AND NOT starts_with(n.nspname::text, 'pg_')
    UNION ALL
    SELECT format('SCHEMA %%I', n.nspname), n.nspowner, n.nspacl
    FROM pg_namespace AS n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'vital')
      AND NOT starts_with(n.nspname::text, 'pg_')
) AS g
CROSS JOIN LATERAL aclexplode(g.acl) AS acl
LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE acl.grantee <> g.owner
  AND (acl.grantee = 0 OR r.rolname = ANY({roles}::text[]))
ORDER BY 1, 2
