-- name: members
-- Every table of the plan, its partitions and the tables that inherit from it, as `members`: a part of the questions here.
WITH RECURSIVE planned AS (
    SELECT name, to_regclass(name)::oid AS oid FROM unnest({tables}::text[]) AS name WHERE to_regclass(name) IS NOT NULL
), members AS (
    SELECT name AS root, oid FROM planned
    UNION
    SELECT m.root, i.inhrelid
    FROM members AS m
    JOIN pg_inherits AS i ON i.inhparent = m.oid
    JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')
    WHERE i.inhrelid NOT IN (SELECT oid FROM planned)
)

-- name: found_tables
-- The tables with their policies, their tenant column, its keys to the registry, and their unique indexes.
{members}
SELECT jsonb_build_object(
    'root', m.root,
    'name', CASE WHEN c.oid = to_regclass(m.root) THEN m.root ELSE format('%I.%I', n.nspname, c.relname) END,
    'is_root', c.oid = to_regclass(m.root),
    'kind', c.relkind,
    'is_partition', c.relispartition,
    'enabled', c.relrowsecurity,
    'forced', c.relforcerowsecurity,
    'granted_to_tenants', EXISTS (SELECT FROM aclexplode(c.relacl) AS acl WHERE acl.grantee = to_regrole('vital_tenant')),
    'owner', quote_ident(pg_get_userbyid(c.relowner)),
    'usual_owner', quote_ident(COALESCE(pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = to_regclass('vital.ledger'))), current_user)),
    'policies', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
            'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
            'built_of', (
                SELECT jsonb_agg(jsonb_build_object(
                    'thing', pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid),
                    'cast', (SELECT format('%s AS %s', castsource::regtype, casttarget::regtype) FROM pg_cast WHERE d.refclassid = 'pg_proc'::regclass AND castfunc = d.refobjid)
                ))
                FROM pg_depend AS d
                WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid <> 'pg_class'::regclass
                  AND NOT (starts_with(p.polname, {bound}) AND d.refclassid = 'pg_proc'::regclass AND EXISTS (SELECT FROM unnest({functions}::text[]) AS f WHERE to_regprocedure(f) = d.refobjid))
            ),
            'roles', ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END FROM unnest(p.polroles) AS r ORDER BY 1)
        ))
        FROM pg_policy AS p
        WHERE p.polrelid = c.oid AND (p.polname = ANY({policies}::text[]) OR starts_with(p.polname, {bound}))
    ), '[]'),
    'people', ARRAY({people} ORDER BY 1),
    'open_policies', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('name', quote_ident(p.polname), 'command', p.polcmd, 'using', COALESCE(pg_get_expr(p.polqual, p.polrelid), 'true')))
        FROM pg_policy AS p
        WHERE p.polrelid = c.oid AND p.polpermissive AND p.polname <> ALL({policies}::text[])
          AND (0 = ANY(p.polroles) OR to_regrole('vital_tenant') = ANY(p.polroles))
    ), '[]'),
    'heir_of', COALESCE((
        WITH RECURSIVE ancestors AS (
            SELECT i.inhparent AS parent, i.inhparent AS oid FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND NOT c.relispartition
            UNION
            SELECT a.parent, i.inhparent FROM ancestors AS a JOIN pg_inherits AS i ON i.inhrelid = a.oid
        )
        SELECT jsonb_agg(DISTINCT jsonb_build_object('parent', format('%I.%I', pn.nspname, pc.relname), 'reached', a.oid::regclass::text))
        FROM ancestors AS a
        JOIN pg_class AS pc ON pc.oid = a.parent
        JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
        JOIN pg_class AS ac ON ac.oid = a.oid AND NOT ac.relrowsecurity
        JOIN pg_roles AS who ON who.rolname = 'vital_tenant' OR who.rolname = ANY({roles}::text[])
        WHERE has_any_column_privilege(who.oid, a.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(who.oid, a.oid, 'DELETE')
    ), '[]'),
    'column', (
        SELECT jsonb_build_object(
            'not_null', a.attnotnull,
            'default', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)
        )
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname = {column} AND NOT a.attisdropped
    ),
    'sequences', ARRAY(
        SELECT d.objid::regclass::text
        FROM pg_depend AS d
        JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S'
        WHERE d.refobjid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    ),
    'keys', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'name', quote_ident(k.conname), 'valid', k.convalidated, 'enforced', COALESCE((to_jsonb(k) ->> 'conenforced')::boolean, true),
            'fires', NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgconstraint = k.oid AND g.tgenabled NOT IN ('O', 'A'))
        ))
        FROM pg_constraint AS k
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = {column} AND k.conkey = ARRAY[a.attnum]
        JOIN pg_attribute AS r ON r.attrelid = k.confrelid AND r.attname = 'id' AND k.confkey = ARRAY[r.attnum]
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = to_regclass({registry})
    ), '[]'),
    'unique', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'name', i.indexrelid::regclass::text, 'serves', i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL,
            'columns', ARRAY(
                SELECT a.attname::text FROM pg_attribute AS a
                WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1]) ORDER BY 1
            )
        ))
        FROM pg_index AS i
        WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary
    ), '[]')
)::text
FROM members AS m
JOIN pg_class AS c ON c.oid = m.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace

-- name: found_grants
-- What VITAL's roles, those that the plan binds, everybody and the service's logins were granted: tables with their columns, sequences of their own,
-- schemas, and VITAL's own tables. What vital_operator has of those is not looked at here: it works with them.
{members}, logins AS ({logins}), watched AS (
    SELECT oid, rolname::text AS name FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator') OR rolname = ANY({roles}::text[])
    UNION
    SELECT 0, 'PUBLIC'
    UNION
    SELECT oid, name FROM logins
), held AS (
    SELECT 'TABLE' AS kind, m.root, c.oid AS relid, '' AS part, c.relacl AS acl FROM members AS m JOIN pg_class AS c ON c.oid = m.oid
    UNION ALL
    SELECT 'TABLE', m.root, a.attrelid, quote_ident(a.attname), a.attacl
    FROM members AS m
    JOIN pg_attribute AS a ON a.attrelid = m.oid AND NOT a.attisdropped
    UNION ALL
    SELECT 'SEQUENCE', m.name, c.oid, '', c.relacl
    FROM planned AS m
    JOIN pg_depend AS d ON d.refobjid = m.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, '', c.oid, '', c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace('vital') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
)
SELECT jsonb_build_object(
    'kind', held.kind, 'root', held.root, 'part', held.part,
    'name', CASE
        WHEN held.kind = 'SEQUENCE' THEN held.relid::regclass::text
        WHEN held.relid = to_regclass(NULLIF(held.root, '')) THEN held.root
        ELSE format('%I.%I', n.nspname, c.relname)
    END,
    'giver', quote_ident(pg_get_userbyid(acl.grantor)), 'by_owner', acl.grantor = c.relowner,
    'role', CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(watched.name) END,
    'privilege', acl.privilege_type, 'passed_on', acl.is_grantable
)::text
FROM held
JOIN pg_class AS c ON c.oid = held.relid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(held.acl) AS acl
JOIN watched ON watched.oid = acl.grantee
WHERE held.root <> '' OR watched.name <> 'vital_operator'
UNION ALL
SELECT jsonb_build_object(
    'kind', 'SCHEMA', 'root', '', 'part', '', 'name', quote_ident(n.nspname), 'giver', quote_ident(pg_get_userbyid(acl.grantor)), 'by_owner', acl.grantor = n.nspowner,
    'role', CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(watched.name) END,
    'privilege', acl.privilege_type, 'passed_on', acl.is_grantable
)::text
FROM pg_namespace AS n
CROSS JOIN LATERAL aclexplode(n.nspacl) AS acl
JOIN watched ON watched.oid = acl.grantee
WHERE n.nspname = ANY({schemas}::text[] || ARRAY['vital', 'public'])

-- name: found_guards
-- The triggers that keep references in their tenant, each with how it is found: missing, altered, switched off, or nothing.
WITH wanted AS ({guards})
SELECT jsonb_build_object(
    'child', wanted.child, 'relation', format('%I.%I', n.nspname, c.relname), 'name', wanted.name,
    'there', g.oid IS NOT NULL,
    'fires', COALESCE(g.tgenabled IN ('O', 'A'), false) AND NOT EXISTS (
        SELECT
        FROM pg_partition_tree(wanted.relation) AS part
        JOIN pg_trigger AS clone ON clone.tgrelid = part.relid AND clone.tgname = g.tgname AND clone.tgenabled NOT IN ('O', 'A')
    ),
    'same', COALESCE(
        g.tgfoid = to_regprocedure(wanted.function)
        AND g.tgtype = wanted.kind
        AND substring(pg_get_triggerdef(g.oid) FROM ' WHEN \((.*)\) EXECUTE FUNCTION ') IS NOT DISTINCT FROM wanted.condition
        AND g.tgnewtable IS NOT DISTINCT FROM CASE wanted.kind WHEN 4 THEN 'vital_new' END
        AND g.tgoldtable IS NULL
        AND COALESCE(array_length(g.tgattr::int2[], 1), 0) = 0
        AND NOT g.tgdeferrable
        AND g.tgargs = COALESCE((SELECT string_agg(convert_to(part, getdatabaseencoding()) || '\x00'::bytea, ''::bytea ORDER BY place) FROM unnest(wanted.arguments) WITH ORDINALITY AS argument (part, place)), ''),
        false
    )
)::text
FROM wanted
JOIN pg_class AS c ON c.oid = wanted.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger AS g ON g.tgrelid = wanted.relation AND g.tgname = wanted.name AND NOT g.tgisinternal

-- name: found_other_guards
-- Triggers of ours that no foreign key needs.
SELECT jsonb_build_object('child', other.child, 'relation', format('%I.%I', n.nspname, c.relname), 'name', other.name)::text
FROM ({guards}) AS other
JOIN pg_class AS c ON c.oid = other.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace

-- name: wanted_functions
-- The functions behind the guards that are a table's own.
SELECT jsonb_build_object('child', child, 'name', name, 'body', body)::text FROM ({functions}) AS wanted

-- name: found_writers
-- The triggers for rows that are written without a tenant.
SELECT jsonb_build_object(
    'root', planned.name, 'schema', pn.nspname, 'function', p.proname, 'kind', g.tgtype,
    'when', substring(pg_get_triggerdef(g.oid) FROM ' WHEN \((.*)\) EXECUTE FUNCTION '), 'columns', array_length(g.tgattr::int2[], 1),
    'fires', g.tgenabled IN ('O', 'A') AND NOT EXISTS (
        SELECT
        FROM pg_partition_tree(g.tgrelid) AS part
        JOIN pg_trigger AS clone ON clone.tgrelid = part.relid AND clone.tgname = g.tgname AND clone.tgenabled NOT IN ('O', 'A')
    )
)::text
FROM unnest({tables}::text[]) AS planned (name)
JOIN pg_trigger AS g ON g.tgrelid = to_regclass(planned.name) AND g.tgname = 'vital_late_writer' AND NOT g.tgisinternal
JOIN pg_proc AS p ON p.oid = g.tgfoid
JOIN pg_namespace AS pn ON pn.oid = p.pronamespace

-- name: found_bound_writers
-- The triggers that give rows of bound roles their tenant: there, altered, or switched off.
SELECT jsonb_build_object(
    'root', wanted.relation, 'role', wanted.role,
    'same', g.tgfoid = to_regprocedure(wanted.function) AND g.tgtype = 7 AND COALESCE(array_length(g.tgattr::int2[], 1), 0) = 0
            AND substring(pg_get_triggerdef(g.oid) FROM ' WHEN \((.*)\) EXECUTE FUNCTION ') = wanted.condition,
    'fires', g.tgenabled IN ('O', 'A') AND NOT EXISTS (
        SELECT
        FROM pg_partition_tree(g.tgrelid) AS part
        JOIN pg_trigger AS clone ON clone.tgrelid = part.relid AND clone.tgname = g.tgname AND clone.tgenabled NOT IN ('O', 'A')
    )
)::text
FROM unnest({relations}::text[], {roles}::text[], {triggers}::text[], {functions}::text[], {conditions}::text[]) AS wanted (relation, role, trigger, function, condition)
JOIN pg_trigger AS g ON g.tgrelid = to_regclass(wanted.relation) AND g.tgname = wanted.trigger AND NOT g.tgisinternal

-- name: found_bound_roles
-- The roles of others that the plan binds, with what would let them past every policy.
SELECT jsonb_build_object('name', r.rolname, 'attributes', jsonb_build_object('SUPERUSER', r.rolsuper, 'BYPASSRLS', r.rolbypassrls))::text
FROM pg_roles AS r
WHERE r.rolname = ANY({roles}::text[])

-- name: found_functions
-- The functions behind these triggers, and whether their owner is one that owns the tables or VITAL's, or has their rights.
SELECT jsonb_build_object(
    'name', wanted.name, 'owner', quote_ident(pg_get_userbyid(p.proowner)), 'definer', p.prosecdef, 'settings', COALESCE(p.proconfig, ARRAY[]::text[]),
    'body', p.prosrc, 'comment', obj_description(p.oid, 'pg_proc'), 'language', l.lanname, 'leakproof', p.proleakproof,
    'callers', ARRAY(
        SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl
        WHERE acl.grantee <> p.proowner
        ORDER BY 1
    ),
    'owned_well', p.proowner = ANY(owners.all) OR (
        NOT o.rolsuper AND o.rolname NOT IN ('vital_tenant', 'vital_operator') AND EXISTS (SELECT FROM unnest(owners.all) AS whose WHERE pg_has_role(p.proowner, whose, 'USAGE'))
    ),
    'wanted_owner', quote_ident(pg_get_userbyid(owners.all[1]))
)::text
FROM unnest({functions}::text[]) AS wanted (name)
JOIN pg_proc AS p ON p.oid = to_regprocedure(wanted.name)
JOIN pg_roles AS o ON o.oid = p.proowner
JOIN pg_language AS l ON l.oid = p.prolang
CROSS JOIN (
    SELECT array_agg(DISTINCT c.relowner) AS all
    FROM pg_class AS c
    WHERE c.oid = to_regclass('vital.ledger')
       OR c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
) AS owners

-- name: found_server_functions
-- Those of the server's own functions by which policies know a tenant that are another's work.
SELECT jsonb_build_object('name', p.oid::regprocedure::text, 'body', p.prosrc)::text
FROM unnest({functions}::text[], {sources}::text[]) AS wanted (name, source)
JOIN pg_proc AS p ON p.oid = to_regprocedure(wanted.name)
JOIN pg_language AS l ON l.oid = p.prolang
WHERE l.lanname <> 'internal' OR p.prosrc <> wanted.source

-- name: found_roles
-- The two roles, and before 16 the one through which the owner becomes vital_tenant, with what they may do by themselves.
SELECT jsonb_build_object(
    'name', r.rolname,
    'attributes', jsonb_build_object('LOGIN', r.rolcanlogin, 'SUPERUSER', r.rolsuper, 'BYPASSRLS', r.rolbypassrls, 'CREATEROLE', r.rolcreaterole,
                                     'CREATEDB', r.rolcreatedb, 'REPLICATION', r.rolreplication),
    'may_pass_tenants_on', NOT r.rolinherit AND r.rolname = 'vital_operator' AND current_setting('server_version_num')::int < 160000,
    'by_membership', current_setting('server_version_num')::int >= 160000,
    'member_of', ARRAY(
        SELECT quote_ident(pg_get_userbyid(m.roleid)) FROM pg_auth_members AS m WHERE m.member = r.oid ORDER BY 1
    ),
    'inherits_from', ARRAY(
        SELECT quote_ident(pg_get_userbyid(m.roleid))
        FROM pg_auth_members AS m
        WHERE m.member = r.oid AND COALESCE((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit)
        ORDER BY 1
    )
)::text
FROM pg_roles AS r
WHERE r.rolname IN ('vital_tenant', 'vital_operator', 'vital_prover')

-- name: found_provers
-- Who may become vital_tenant through vital_prover and is neither who owns the tables, or may become that one, nor the owner
-- of another database of the cluster that has tenants.
SELECT jsonb_build_object('name', quote_ident(w.rolname))::text
FROM pg_auth_members AS m
JOIN pg_roles AS w ON w.oid = m.member
WHERE m.roleid = to_regrole('vital_prover')
  AND NOT w.rolsuper
  AND has_database_privilege(w.oid, current_database(), 'CONNECT')
  AND NOT EXISTS (
      SELECT
      FROM pg_class AS c
      WHERE (c.oid = to_regclass('vital.ledger') OR c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t))
        AND pg_has_role(w.oid, c.relowner, 'MEMBER')
  )
  AND NOT EXISTS (
      SELECT
      FROM pg_shdepend AS owned
      JOIN pg_shdepend AS stands ON stands.dbid = owned.dbid AND stands.refclassid = owned.refclassid AND stands.refobjid = to_regrole('vital_tenant')
      WHERE owned.refclassid = 'pg_authid'::regclass
        AND owned.refobjid = w.oid
        AND owned.deptype = 'o'
        AND owned.dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  )
ORDER BY 1

-- name: found_bound_owners
-- Who owns the tables, or the guards of references, and has the rights of vital_tenant, or of a role that the plan binds: its policies would bind the guards,
-- which see no other tenant's row then, and let every reference pass. Through vital_prover is that role's own fault.
WITH RECURSIVE owners AS (
    SELECT DISTINCT r.oid, r.rolname, r.rolinherit
    FROM pg_class AS c
    JOIN pg_roles AS r ON r.oid = c.relowner AND NOT r.rolsuper AND NOT r.rolbypassrls
    WHERE c.oid = to_regclass('vital.ledger') OR c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
), inherited AS (
    SELECT o.oid AS owner, m.roleid AS through, m.roleid
    FROM owners AS o
    JOIN pg_auth_members AS m ON m.member = o.oid AND COALESCE((to_jsonb(m) ->> 'inherit_option')::boolean, o.rolinherit)
    UNION
    SELECT i.owner, i.through, m.roleid
    FROM inherited AS i
    JOIN pg_roles AS r ON r.oid = i.roleid
    JOIN pg_auth_members AS m ON m.member = r.oid AND COALESCE((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit)
)
SELECT jsonb_build_object(
    'name', quote_ident(pg_get_userbyid(i.owner)), 'role', quote_ident(pg_get_userbyid(i.roleid)), 'through', quote_ident(pg_get_userbyid(i.through)),
    'by_membership', current_setting('server_version_num')::int >= 160000
)::text
FROM inherited AS i
WHERE i.roleid = ANY(SELECT oid FROM pg_roles WHERE rolname = ANY({roles}::text[]))
  AND i.through IS DISTINCT FROM to_regrole('vital_prover')
ORDER BY 1

-- name: found_settings
-- What the server, the database, the two roles and the service's logins begin with that chooses a role or a tenant, or switches triggers
-- or row level security off; of the two roles everything.
WITH logins AS ({logins})
SELECT jsonb_build_object(
    'whom', CASE
        WHEN s.setrole = 0 THEN format('DATABASE %I', current_database())
        WHEN s.setdatabase = 0 THEN format('ROLE %I', r.rolname)
        ELSE format('ROLE %I IN DATABASE %I', r.rolname, current_database())
    END,
    'setting', split_part(part, '=', 1), 'value', substr(part, strpos(part, '=') + 1), 'role', COALESCE(r.rolname, '')
)::text
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS part
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND (s.setrole = 0 OR r.rolname IN ('vital_tenant', 'vital_operator') OR s.setrole IN (SELECT oid FROM logins))
UNION ALL
SELECT jsonb_build_object('whom', 'SYSTEM', 'setting', name, 'value', reset_val, 'role', '')::text
FROM pg_settings
WHERE name IN ('session_replication_role', 'row_security')
  AND source IN ('configuration file', 'command line', 'environment variable')

-- name: service_logins
-- The logins that a service may have: they may put on both roles, and have not the rights of the tables' owner, as people who
-- run migrations do. In a service the one that it has is one of them, whatever it may.
SELECT l.oid, l.rolname::text AS name, l.rolinherit
FROM pg_roles AS l
WHERE l.rolcanlogin
  AND CASE
      WHEN l.oid = session_user::regrole AND {serving} THEN true
      WHEN EXISTS (
          SELECT
          FROM pg_class AS c
          WHERE (c.oid = to_regclass('vital.ledger') OR c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t))
            AND (c.relowner = l.oid OR (l.oid = session_user::regrole OR NOT l.rolsuper) AND pg_has_role(l.oid, c.relowner, 'USAGE'))
      ) THEN false
      ELSE (
          SELECT count(DISTINCT m.roleid) = 2
          FROM pg_auth_members AS m
          JOIN pg_roles AS wanted ON wanted.oid = m.roleid AND wanted.rolname IN ('vital_tenant', 'vital_operator')
          WHERE m.member = l.oid AND COALESCE((to_jsonb(m) ->> 'set_option')::boolean, true)
      )
  END

-- name: found_logins
-- What the service's logins could do beside the policies: by attributes, by what they inherit, and by roles that they may put on.
WITH RECURSIVE logins AS ({logins}), owners AS (
    SELECT c.relowner AS oid FROM pg_class AS c WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
), holders AS (
    SELECT acl.grantee AS oid
    FROM pg_class AS c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
    WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
), reached AS (
    SELECT l.oid AS login, m.roleid AS through, m.roleid FROM logins AS l JOIN pg_auth_members AS m ON m.member = l.oid
    UNION
    SELECT r.login, r.through, m.roleid FROM reached AS r JOIN pg_auth_members AS m ON m.member = r.roleid
)
SELECT jsonb_build_object(
    'name', quote_ident(l.name),
    'attributes', jsonb_build_object('SUPERUSER', r.rolsuper, 'BYPASSRLS', r.rolbypassrls, 'CREATEROLE', r.rolcreaterole,
                                     'CREATEDB', r.rolcreatedb, 'REPLICATION', r.rolreplication),
    'by_membership', current_setting('server_version_num')::int >= 160000,
    'inherits', ARRAY(
        SELECT DISTINCT quote_ident(w.rolname)
        FROM pg_auth_members AS m
        JOIN pg_roles AS w ON w.oid = m.roleid AND w.rolname IN ('vital_tenant', 'vital_operator')
        WHERE m.member = l.oid AND COALESCE((to_jsonb(m) ->> 'inherit_option')::boolean, l.rolinherit)
    ),
    'beyond', COALESCE((
        SELECT jsonb_agg(DISTINCT jsonb_build_object(
            'role', quote_ident(w.rolname), 'through', quote_ident(pg_get_userbyid(m.through)), 'kind', CASE
                WHEN w.rolsuper THEN 'a superuser'
                WHEN w.rolbypassrls THEN 'one with BYPASSRLS'
                WHEN w.rolreplication OR w.rolcreaterole THEN 'one that may make roles or replicate'
                WHEN w.rolname LIKE 'pg\_%' THEN 'a role of the server''s own'
                WHEN w.oid IN (SELECT oid FROM owners) THEN 'the owner of the tables'
                ELSE 'one with grants on the tables'
            END
        ))
        FROM reached AS m
        JOIN pg_roles AS w ON w.oid = m.roleid AND w.rolname NOT IN ('vital_tenant', 'vital_operator')
        WHERE m.login = l.oid
          AND (
              w.rolsuper OR w.rolbypassrls OR w.rolreplication OR w.rolcreaterole
              OR w.rolname = ANY({powers}::text[])
              OR w.oid IN (SELECT oid FROM owners)
              OR w.oid IN (SELECT oid FROM holders)
          )
    ), '[]')
)::text
FROM logins AS l
JOIN pg_roles AS r ON r.oid = l.oid

-- name: found_policies_of_others
-- RESTRICTIVE policies of others that bind VITAL's roles, or the owner where row level security is forced: rows that they leave
-- out would be hidden from tenants, from VITAL's own work, and from applications that connect as the owner. `grantees` are the
-- roles that it can be meant for: they have rights on the table; none where everybody has some.
SELECT jsonb_build_object(
    'root', planned.name, 'name', quote_ident(p.polname),
    'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    'expression', COALESCE(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
    'binds', ARRAY(
        SELECT quote_ident(r.rolname)
        FROM pg_roles AS r
        WHERE (r.rolname IN ('vital_tenant', 'vital_operator') OR r.oid = c.relowner AND ({force_owner} OR c.relforcerowsecurity))
          AND NOT r.rolsuper
          AND NOT r.rolbypassrls
          AND EXISTS (SELECT FROM unnest(p.polroles) AS bound WHERE bound = 0 OR pg_has_role(r.oid, bound, 'USAGE'))
        ORDER BY r.oid = c.relowner DESC, 1
    ),
    'everybody', 0 = ANY(p.polroles),
    'reads', CASE WHEN p.polcmd IN ('r', '*') THEN pg_get_expr(p.polqual, p.polrelid) END,
    'grantees', CASE
        WHEN EXISTS (SELECT FROM aclexplode(c.relacl) AS acl WHERE acl.grantee = 0) THEN ARRAY[]::text[]
        ELSE ARRAY(
            SELECT DISTINCT quote_ident(r.rolname)
            FROM aclexplode(c.relacl) AS acl
            JOIN pg_roles AS r ON r.oid = acl.grantee AND r.oid <> c.relowner
            WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname NOT IN ('vital_tenant', 'vital_operator')
            ORDER BY 1
        )
    END
)::text
FROM unnest({tables}::text[]) AS planned (name)
JOIN pg_class AS c ON c.oid = to_regclass(planned.name)
JOIN pg_policy AS p ON p.polrelid = c.oid
WHERE NOT p.polpermissive
  AND p.polname <> ALL({policies}::text[])
  AND NOT starts_with(p.polname, {bound})
  AND (
      COALESCE(pg_get_expr(p.polqual, p.polrelid), 'true') <> 'true'
      OR COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), 'true') <> 'true'
  )

-- name: has_records
-- Whether VITAL has noted anything in this database.
SELECT to_regclass('vital.applied_statement') IS NOT NULL AND to_regclass('vital.phase_run') IS NOT NULL

-- name: found_records
-- What VITAL has noted that it changed, with how row level security was before.
SELECT jsonb_build_object('statement', statement, 'memo', memo)::text FROM vital.applied_statement

-- name: last_closings
-- How the phase that closes ended for the whole, the last two times.
SELECT jsonb_build_object('status', p.status)::text
FROM vital.phase_run AS p
JOIN vital.run AS r ON r.id = p.run_id AND r.scope = ''
WHERE p.phase = {phase}
ORDER BY p.id DESC
LIMIT 2
