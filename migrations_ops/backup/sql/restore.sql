-- name: others_connected
-- Who else is connected to this database; but a provider's services, which nobody here can stop: superusers, whoever owns
-- what is in schemas that are left to a provider, the login of Supabase's REST, and what only reads the write-ahead log.
SELECT format('%%s (pid %%s, user %%s)', COALESCE(NULLIF(application_name, ''), 'no name'), pid, usename)
FROM pg_stat_activity
WHERE datname = current_database()
  AND pid <> pg_backend_pid()
  AND usename IS NOT NULL
  AND NOT (
      cardinality(%(left)s::text[]) > 0
      AND usename <> current_user
      AND (
          backend_type = 'walsender'
          OR usename = 'authenticator'
          OR usesysid IN (SELECT oid FROM pg_roles WHERE rolsuper)
          OR usesysid IN (
              SELECT unnest(ARRAY[n.nspowner, c.relowner])
              FROM pg_namespace AS n
              LEFT JOIN pg_class AS c ON c.relnamespace = n.oid
              WHERE n.nspname = ANY(%(left)s::text[])
          )
      )
  )
ORDER BY pid

-- name: may_restore_for
-- Whether this role may give things into the hands of that one, and take them from there; one that is missing has none.
SELECT COALESCE((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %(role)s::text), true)

-- name: leaned_on
-- Things in other schemas than a provider's that something of the provider's leans on: their catalogue and number, what
-- they are, and what leans on them.
SELECT DISTINCT d.refclassid::int, d.refobjid::int, pg_describe_object(d.refclassid, d.refobjid, 0),
       pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend AS d
JOIN (
    SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL
    SELECT 'pg_class'::regclass, oid, relnamespace FROM pg_class
    UNION ALL
    SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
) AS thing (class, oid, schema) ON (d.refclassid, d.refobjid) = (thing.class, thing.oid)
JOIN pg_namespace AS n ON n.oid = thing.schema
CROSS JOIN LATERAL pg_identify_object_as_address(d.classid, d.objid, d.objsubid) AS leaning
WHERE d.deptype IN ('n', 'a')
  AND d.objid >= 16384
  AND NOT starts_with(n.nspname::text, 'pg_')
  AND n.nspname <> ALL(%(left)s::text[] || 'information_schema'::text)
  AND (
      leaning.object_names[1] = ANY(%(left)s::text[])
      OR d.classid = 'pg_publication_rel'::regclass AND leaning.object_args[1] = ANY(ARRAY(
          SELECT pubname::text FROM pg_publication WHERE NOT pg_has_role(pubowner, 'USAGE')
      ))
      OR d.classid = 'pg_event_trigger'::regclass
  )
ORDER BY 3, 4

-- name: extensions_there
-- The extensions that the database has.
SELECT extname::text FROM pg_extension

-- name: make_way
-- The first thing of the transaction: nobody is waited for long, and large objects go, which have no names.
SET LOCAL lock_timeout = '20s';
SET LOCAL client_min_messages = warning;
SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE');

-- name: forget_grants_of_schemas
-- Schemas that stay lose what was granted on them since; the backup grants what was granted then.
DO $forget$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT n.nspname, r.rolname
        FROM pg_namespace AS n
        CROSS JOIN LATERAL aclexplode(n.nspacl) AS acl
        JOIN pg_roles AS r ON r.oid = acl.grantee
        WHERE n.nspname = ANY({schemas}::text[])
          AND acl.grantee <> n.nspowner
          AND pg_has_role(current_user, n.nspowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA %%I FROM %%I CASCADE', one.nspname, one.rolname);
    END LOOP;
END
$forget$;

-- name: forget_default_privileges
-- What is granted by default to what is made now would be on what comes: the backup has both, exactly.
DO $forget$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT pg_get_userbyid(d.defaclrole) AS role, ' IN SCHEMA ' || quote_ident(n.nspname) AS place,
               CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' END AS kind,
               acl.grantee
        FROM pg_default_acl AS d
        JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
        CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
        WHERE n.nspname = ANY({schemas}::text[])
          AND pg_has_role(d.defaclrole, 'USAGE')
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %%I%%s REVOKE ALL ON %%s FROM %%s CASCADE', one.role, one.place, one.kind,
                       CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END);
    END LOOP;
END
$forget$;

-- name: forget_grants_of_functions
-- Functions that stay are granted anew, as the backup says.
DO $forget$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT p.oid::regprocedure AS function, acl.grantee, p.proowner
        FROM pg_proc AS p
        CROSS JOIN LATERAL aclexplode(p.proacl) AS acl
        WHERE p.oid = ANY({functions}::oid[])
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %%s FROM %%s CASCADE', one.function,
                       CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END);
        EXECUTE format('GRANT EXECUTE ON ROUTINE %%s TO PUBLIC, %%I', one.function, pg_get_userbyid(one.proowner));
    END LOOP;
END
$forget$;

-- name: say_whole
-- What comes after the archive: psql has heard it to its end.
SELECT set_config('vital.archive', 'whole', true);

-- name: demand_whole
-- Where whoever feeds psql is killed, its input just ends, and it would commit the half that it has.
DO $whole$
BEGIN
    IF current_setting('vital.archive', true) IS DISTINCT FROM 'whole' THEN
        RAISE EXCEPTION 'the archive broke off';
    END IF;
END
$whole$;

-- name: demand_rows
-- The last thing of the transaction: every table has the rows that were counted for the backup, or nothing is kept.
SET row_security = on;
DO $demand$
DECLARE
    one record;
    found bigint;
BEGIN
    FOR one IN SELECT * FROM unnest({relations}::text[], {rows}::bigint[]) AS wanted (relation, rows) LOOP
        EXECUTE format('SELECT count(*) FROM ONLY %%s', one.relation) INTO found;
        IF found <> one.rows THEN
            RAISE EXCEPTION '%% would have %% rows instead of %%', one.relation, found, one.rows;
        END IF;
    END LOOP;
END
$demand$;

-- name: grant_as_before
-- Who may do what with the database itself, as it was then; only its owner can say it.
DO $grant$
DECLARE
    one record;
BEGIN
    IF NOT (SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database WHERE datname = current_database()) THEN
        RETURN;
    END IF;
    FOR one IN
        WITH wanted AS (
            SELECT grantee, privilege
            FROM unnest({grantees}::text[], {privileges}::text[]) AS wanted (grantee, privilege)
            WHERE grantee = ''
               OR to_regrole(quote_ident(grantee)) IS NOT NULL
        ), now AS (
            SELECT COALESCE(r.rolname::text, '') AS grantee, acl.privilege_type AS privilege
            FROM pg_database AS d
            CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
            LEFT JOIN pg_roles AS r ON r.oid = acl.grantee
            WHERE d.datname = current_database()
              AND acl.grantee <> d.datdba
        )
        SELECT 'GRANT %%s ON DATABASE %%I TO %%s' AS form, w.* FROM (TABLE wanted EXCEPT TABLE now) AS w
        UNION ALL
        SELECT 'REVOKE %%s ON DATABASE %%I FROM %%s', n.* FROM (TABLE now EXCEPT TABLE wanted) AS n
    LOOP
        EXECUTE format(one.form, one.privilege, current_database(),
                       CASE one.grantee WHEN '' THEN 'PUBLIC' ELSE quote_ident(one.grantee) END);
    END LOOP;
END
$grant$;
