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

-- name: held_by_roles
-- What the roles hold of it, each with who gave it, and what they have passed on.
SELECT held.kind, held.object, held.part, acl.privilege_type AS privilege, pg_get_userbyid(acl.grantee) AS role,
       pg_get_userbyid(acl.grantor) AS giver, acl.is_grantable AS passed_on
FROM ({held}) AS held
CROSS JOIN LATERAL aclexplode(held.acl) AS acl
WHERE acl.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY({roles}::text[]))
   OR acl.grantee <> 0 AND acl.grantor IN (SELECT oid FROM pg_roles WHERE rolname = ANY({roles}::text[]))

-- name: grants_before
-- The same, to give back exactly this. An object and not a list: where grants are made again, what was held before the
-- first time counts.
SELECT jsonb_build_object('held', COALESCE(jsonb_agg(to_jsonb(h)), '[]')) FROM ({held_by_roles}) AS h

-- name: grants_of_others
-- A grant to one of the roles that the undo would have to take back, by a giver whom this login may not become.
SELECT h.object, '', format('%s holds %s on it from %s, which %s may not revoke. Let %s do it: REVOKE %s ON %s %s FROM %s',
                            h.role, h.privilege, h.giver, session_user, h.giver, h.privilege, h.kind, h.object, h.role)
FROM ({held_by_roles}) AS h
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
        FROM ({held_by_roles}) AS h
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
          AND to_jsonb(h) NOT IN (SELECT to_jsonb(now) FROM ({held_by_roles}) AS now)
        ORDER BY h.giver = ANY({roles}::text[])
    LOOP
        PERFORM set_config('role', found.giver, true);
        EXECUTE format('GRANT %s%s ON %s %s TO %I%s', found.privilege, ' (' || NULLIF(found.part, '') || ')', found.kind, found.object, found.role,
                       CASE WHEN found.passed_on THEN ' WITH GRANT OPTION' END);
    END LOOP;
    PERFORM set_config('role', 'none', true);
END
$back$

-- name: items_of_grants
-- Everybody's grants on each object, in the order in which they stand.
SELECT held.kind, held.object, held.part, jsonb_agg(to_jsonb(item) - 'place' ORDER BY item.place) AS items
FROM ({held}) AS held
CROSS JOIN LATERAL (
    SELECT min(acl.place) AS place, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS role,
           pg_get_userbyid(acl.grantor) AS giver,
           array_agg(acl.privilege_type ORDER BY acl.place) FILTER (WHERE NOT acl.is_grantable) AS plain,
           array_agg(acl.privilege_type ORDER BY acl.place) FILTER (WHERE acl.is_grantable) AS passed_on
    FROM aclexplode(held.acl) WITH ORDINALITY AS acl (grantor, grantee, privilege_type, is_grantable, place)
    GROUP BY acl.grantor, acl.grantee
) AS item
GROUP BY 1, 2, 3

-- name: grants_before_in_order
-- What the roles hold, with the order of all grants there are.
SELECT ({before}) || jsonb_build_object('order', COALESCE((SELECT jsonb_agg(to_jsonb(i)) FROM ({items}) AS i), '[]'))

-- name: grants_in_order
-- Where grants stand in another order than they did: the first that does not stand where it did, and those after it, are
-- given anew as they are now, each by who gave it. Nobody sees them missing. They are taken back from the last to the first, as
-- what somebody has passed on goes before what it was passed on from.
DO $order$
DECLARE
    one record;
    entries jsonb[];
    entry jsonb;
    part text;
BEGIN
    FOR one IN
        SELECT was.kind, was.object, was.part, was.items AS wanted, now.items AS found
        FROM jsonb_to_recordset({before}) AS was (kind text, object text, part text, items jsonb)
        JOIN ({items}) AS now USING (kind, object, part)
    LOOP
        part := COALESCE(' (' || NULLIF(one.part, '') || ')', '');
        WITH kept AS (
            SELECT f.value AS item, row_number() OVER (ORDER BY w.place) AS before, row_number() OVER (ORDER BY f.place) AS now
            FROM jsonb_array_elements(one.wanted) WITH ORDINALITY AS w (value, place)
            JOIN jsonb_array_elements(one.found) WITH ORDINALITY AS f (value, place)
              ON f.value -> 'role' = w.value -> 'role' AND f.value -> 'giver' = w.value -> 'giver'
        )
        SELECT COALESCE(array_agg(item ORDER BY before), '{{}}') INTO entries
        FROM kept
        WHERE before >= (SELECT min(before) FROM kept WHERE before <> now);
        FOR place IN REVERSE cardinality(entries)..1 LOOP
            PERFORM set_config('role', entries[place] ->> 'giver', true);
            EXECUTE format('REVOKE ALL%s ON %s %s FROM %s', part, one.kind, one.object, entries[place] ->> 'role');
        END LOOP;
        FOREACH entry IN ARRAY entries LOOP
            PERFORM set_config('role', entry ->> 'giver', true);
            IF entry -> 'plain' <> 'null' THEN
                EXECUTE format('GRANT %s ON %s %s TO %s', (SELECT string_agg(p || part, ', ') FROM jsonb_array_elements_text(entry -> 'plain') AS p), one.kind, one.object, entry ->> 'role');
            END IF;
            IF entry -> 'passed_on' <> 'null' THEN
                EXECUTE format('GRANT %s ON %s %s TO %s WITH GRANT OPTION', (SELECT string_agg(p || part, ', ') FROM jsonb_array_elements_text(entry -> 'passed_on') AS p), one.kind, one.object, entry ->> 'role');
            END IF;
        END LOOP;
    END LOOP;
    PERFORM set_config('role', 'none', true);
EXCEPTION
    WHEN dependent_objects_still_exist OR insufficient_privilege THEN
        PERFORM set_config('role', 'none', true);
END
$order$
