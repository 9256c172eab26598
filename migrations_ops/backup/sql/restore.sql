-- name: others_connected
-- Who else is connected to this database.
SELECT format('%%s (pid %%s, user %%s)', COALESCE(NULLIF(application_name, ''), 'no name'), pid, usename)
FROM pg_stat_activity
WHERE datname = current_database()
  AND pid <> pg_backend_pid()
  AND usename IS NOT NULL
ORDER BY pid

-- name: role_of_owner
-- Whether there is such a role, and whether this one may give things into its hands.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s::text),
       COALESCE((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %(role)s::text), false)

-- name: make_way
-- The first thing of the transaction: nobody is waited for long, and large objects go, which have no names.
SET LOCAL lock_timeout = '20s';
SET LOCAL client_min_messages = warning;
SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata;

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
        EXECUTE format('REVOKE ALL ON SCHEMA %%I FROM %%I', one.nspname, one.rolname);
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
