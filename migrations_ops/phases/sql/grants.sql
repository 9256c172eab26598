-- name: held_on_table
-- Every grant on a table, its partitions, their columns and sequences of its own.
SELECT 'TABLE' AS kind, c.oid::regclass::text AS object, '' AS part, c.relacl AS acl
FROM pg_class AS c
WHERE c.oid IN ({family})
UNION ALL
SELECT 'TABLE', a.attrelid::regclass::text, quote_ident(a.attname), a.attacl
FROM pg_attribute AS a
WHERE a.attrelid IN ({family}) AND NOT a.attisdropped
UNION ALL
SELECT 'SEQUENCE', c.oid::regclass::text, '', c.relacl
FROM pg_depend AS d
JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
WHERE d.refobjid = to_regclass({name})
  AND d.classid = 'pg_class'::regclass
  AND d.deptype IN ('a', 'i')

-- name: held_on_schema
-- Every grant on a schema.
SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS object, '' AS part, nspacl AS acl FROM pg_namespace WHERE nspname = {schema_name}

-- name: held_by_our_roles
-- What the two roles hold of it, each with who gave it, and what they have passed on.
SELECT held.kind, held.object, held.part, acl.privilege_type AS privilege, pg_get_userbyid(acl.grantee) AS role,
       pg_get_userbyid(acl.grantor) AS giver, acl.is_grantable AS passed_on
FROM ({held}) AS held
CROSS JOIN LATERAL aclexplode(held.acl) AS acl
WHERE acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator'))
   OR acl.grantee <> 0 AND acl.grantor IN (SELECT oid FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator'))

-- name: grants_before
-- The same, to give back exactly this. An object and not a list: where grants are made again, what was held before the
-- first time counts.
SELECT jsonb_build_object('held', COALESCE(jsonb_agg(to_jsonb(h)), '[]')) FROM ({held_by_our_roles}) AS h

-- name: grants_of_others
-- A grant to one of the two roles that the undo would have to take back, by a giver whom this login may not become.
SELECT h.object, '', format('%s holds %s on it from %s, which %s may not take back. Let %s do it: REVOKE %s ON %s %s FROM %s',
                            h.role, h.privilege, h.giver, session_user, h.giver, h.privilege, h.kind, h.object, h.role)
FROM ({held_by_our_roles}) AS h
WHERE NOT (SELECT COALESCE(memo -> 'held', '[]') FROM vital.applied_statement WHERE statement = {statement}) @> jsonb_build_array(to_jsonb(h))
  AND NOT pg_has_role(session_user, h.giver, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: grants_as_before
-- Each grant is taken back by who gave it: a REVOKE says nothing about what another role has granted, and one of several
-- privileges is made for the role that may pass on most of them. What it took along is given again: a REVOKE on a table
-- takes the same privilege on its columns, too.
DO $back$
DECLARE
    before CONSTANT jsonb := {before};
    found record;
BEGIN
    FOR found IN
        SELECT *
        FROM ({held_by_our_roles}) AS h
        WHERE NOT before @> jsonb_build_array(to_jsonb(h))
          AND NOT before @> jsonb_build_array(to_jsonb(h) || jsonb_build_object('passed_on', true))
    LOOP
        PERFORM set_config('role', found.giver, true);
        EXECUTE format('REVOKE %s%s ON %s %s FROM %I', found.privilege, ' (' || NULLIF(found.part, '') || ')', found.kind, found.object, found.role);
    END LOOP;
    FOR found IN
        SELECT h.*
        FROM jsonb_to_recordset(before) AS h (kind text, object text, part text, privilege text, role text, giver text, passed_on boolean)
        WHERE to_regrole(quote_ident(h.role)) IS NOT NULL
          AND to_jsonb(h) NOT IN (SELECT to_jsonb(now) FROM ({held_by_our_roles}) AS now)
        ORDER BY h.giver IN ('vital_tenant', 'vital_operator')
    LOOP
        PERFORM set_config('role', found.giver, true);
        EXECUTE format('GRANT %s%s ON %s %s TO %I%s', found.privilege, ' (' || NULLIF(found.part, '') || ')', found.kind, found.object, found.role,
                       CASE WHEN found.passed_on THEN ' WITH GRANT OPTION' END);
    END LOOP;
    PERFORM set_config('role', 'none', true);
END
$back$
