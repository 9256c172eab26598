-- name: what_still_stands
-- What runs have made and no undo has taken back: changes of the schema, and rows by table.
SELECT format('%%s (%%s)', statement, phase) FROM vital.applied_statement
UNION ALL
SELECT format('%%s: %%s rows', relation, sum(rows)) FROM vital.ledger WHERE undone_at IS NULL GROUP BY relation
ORDER BY 1

-- name: own_relations
-- VITAL's tables, and the view of its progress as far as it is VITAL's, by their names.
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, n.nspname::text, c.relname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname = 'vital' AND c.relkind = 'r' AND c.relname = ANY(%(tables)s::text[]))
   OR (c.oid = to_regclass('public.migration_tracking') AND c.relkind = 'v'
       AND obj_description(c.oid, 'pg_class') = 'VITAL: progress of the migration')
ORDER BY 1 DESC, 2, 3

-- name: own_functions
-- VITAL's functions in its schema, by their signatures; those that a phase makes go with its undo.
SELECT p.oid::regprocedure::text
FROM pg_proc AS p
WHERE p.pronamespace = to_regnamespace('vital')
  AND p.proname IN ('refuse_change', 'key_hashes', 'touch_updated_at')
ORDER BY 1

-- name: strangers
-- What others have made in VITAL's schema.
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0)
FROM pg_class AS c
WHERE c.relnamespace = to_regnamespace('vital')
  AND (c.relkind IN ('p', 'v', 'm', 'f', 'c') OR c.relkind = 'r' AND c.relname <> ALL(%(tables)s::text[])
       OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
UNION ALL
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)
FROM pg_proc AS p
WHERE p.pronamespace = to_regnamespace('vital')
  AND p.oid::regprocedure::text <> ALL(%(functions)s::text[])
UNION ALL
SELECT pg_describe_object('pg_type'::regclass, t.oid, 0)
FROM pg_type AS t
WHERE t.typnamespace = to_regnamespace('vital')
  AND t.typtype IN ('d', 'e', 'r')

-- name: own_schema
-- Whether VITAL's schema is there, and whether this role could make it again. Where it could not, somebody else has made it.
SELECT to_regnamespace('vital') IS NOT NULL, has_database_privilege(current_database(), 'CREATE')

-- name: what_is_lost
-- What is known to VITAL's tables alone.
SELECT (SELECT count(*) FROM vital.audit), (SELECT count(*) FROM vital.auth_user), (SELECT count(*) FROM vital.api_key)

-- name: role_and_its_users
-- A role of VITAL's with what keeps it: other databases, members, what it holds in this one apart from VITAL's schema; and
-- whether this login may drop it. No row where it is not there.
SELECT ARRAY(
           SELECT DISTINCT COALESCE(d.datname, on_database.datname)::text
           FROM pg_shdepend AS s
           LEFT JOIN pg_database AS d ON d.oid = s.dbid
           LEFT JOIN pg_database AS on_database ON s.dbid = 0 AND s.classid = 'pg_database'::regclass AND on_database.oid = s.objid
           WHERE s.refclassid = 'pg_authid'::regclass
             AND s.refobjid = r.oid
             AND s.dbid IS DISTINCT FROM (SELECT oid FROM pg_database WHERE datname = current_database())
             AND (s.dbid <> 0 OR s.classid = 'pg_database'::regclass)
           ORDER BY 1
       ),
       ARRAY(
           SELECT pg_get_userbyid(m.member)::text
           FROM pg_auth_members AS m
           WHERE m.roleid = r.oid
             AND pg_get_userbyid(m.member) NOT IN (current_user, session_user)
           ORDER BY 1
       ),
       ARRAY(
           SELECT pg_describe_object(s.classid, s.objid, s.objsubid)
           FROM pg_shdepend AS s
           LEFT JOIN pg_class AS c ON s.classid = 'pg_class'::regclass AND c.oid = s.objid
           LEFT JOIN pg_proc AS p ON s.classid = 'pg_proc'::regclass AND p.oid = s.objid
           WHERE s.refclassid = 'pg_authid'::regclass
             AND s.refobjid = r.oid
             AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND COALESCE(c.relnamespace, p.pronamespace, CASE WHEN s.classid = 'pg_namespace'::regclass THEN s.objid END)
                 IS DISTINCT FROM to_regnamespace('vital')::oid
           ORDER BY 1
           LIMIT 3
       ),
       current_setting('is_superuser')::boolean
       OR (me.rolcreaterole AND (current_setting('server_version_num')::int < 160000 OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')))
FROM pg_roles AS r
CROSS JOIN (SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user) AS me
WHERE r.rolname = %(role)s::text

-- name: drop_own_view
-- Before what it reads.
DROP VIEW {view}

-- name: drop_own_tables
-- Together, as they refer to each other; what others have built on one of them is an error.
DROP TABLE {tables}

-- name: drop_own_function
-- What the tables needed.
DROP FUNCTION {function}

-- name: drop_own_schema
-- Empty by now, or an error.
DROP SCHEMA vital

-- name: drop_own_role
-- No longer needed by any database.
DROP ROLE {role}
