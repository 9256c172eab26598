-- name: login_exists
-- Whether there is a role of this name.
SELECT to_regrole(quote_ident(%(name)s)) IS NOT NULL

-- name: create_login
-- A login that inherits nothing: it is nobody until a transaction puts a role on.
CREATE ROLE {login} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {password}

-- name: set_password
-- A new password for a login that is there.
ALTER ROLE {login} PASSWORD {password}

-- name: join_roles
-- Membership without inheritance: a policy TO a role would bind its members too.
DO $join$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['vital_tenant', 'vital_operator'] LOOP
        IF current_setting('server_version_num')::int >= 160000 THEN
            EXECUTE format('GRANT %I TO %I WITH INHERIT FALSE, SET TRUE', role, {login_name});
        ELSE
            EXECUTE format('GRANT %I TO %I', role, {login_name});
        END IF;
    END LOOP;
    IF NOT has_database_privilege({login_name}, current_database(), 'CONNECT') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), {login_name});
    END IF;
END
$join$

-- name: grant_service_tables
-- What the service reads and writes of VITAL's own tables, as vital_operator. The migration's records it only reads, but
-- for the request that a run starts, stops or goes on, with who wants it: a worker does the rest.
DO $grant$
DECLARE
    relation regclass;
BEGIN
    GRANT USAGE ON SCHEMA vital TO vital_operator;
    GRANT SELECT ON ALL TABLES IN SCHEMA vital TO vital_operator;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA vital TO vital_operator;
    FOR relation IN
        SELECT c.oid
        FROM pg_class AS c
        WHERE c.relnamespace = 'vital'::regnamespace
          AND c.relkind = 'r'
          AND c.relname ~ '^(auth_|django_session$|django_admin_log$|django_content_type$|api_key$|membership$|maintenance$|traffic$)'
    LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO vital_operator', relation);
    END LOOP;
    GRANT INSERT, UPDATE ON vital.run TO vital_operator;
    GRANT INSERT ON vital.audit TO vital_operator;
END
$grant$

-- name: service_is_served
-- Whether a login of the service was made for this database (roles are the cluster's): new tables of VITAL's own are
-- to be granted as well.
SELECT COALESCE((SELECT has_table_privilege(oid, 'vital.django_session', 'INSERT') FROM pg_roles WHERE rolname = 'vital_operator'), false)

-- name: one_at_a_time
-- Workers that start together make the demo's login one after the other.
SELECT pg_advisory_xact_lock(22089, 2)

-- name: is_restricted
-- Whether this connection's login can put on the restricted role and owns none of the platform's tables.
SELECT to_regrole('vital_tenant') IS NOT NULL
   AND CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN pg_has_role(session_user, 'vital_tenant', 'SET')
            ELSE pg_has_role(session_user, 'vital_tenant', 'MEMBER') END
   AND NOT EXISTS (
       SELECT FROM pg_class AS c
       WHERE c.relname IN ('tools', 'tenants')
         AND c.relnamespace = 'public'::regnamespace
         AND pg_has_role(session_user, c.relowner, 'USAGE')
   )

-- name: who_is_logged_in
-- The login as the server knows it; a pooler may know it by another name.
SELECT session_user::text
