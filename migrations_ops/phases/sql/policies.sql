-- name: drop_role
-- Dropped only when nothing in any database of the cluster needs it and no login of others is a member.
DO $drop$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_auth_members AS m
        WHERE m.roleid = to_regrole({role_name})
          AND m.member <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ) THEN
        RETURN;
    END IF;
    DROP ROLE {role};
EXCEPTION
    WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN NULL;
END
$drop$

-- name: may_become
-- Whether the login may put this role on, whichever it works as now.
SELECT CASE
    WHEN to_regrole({role_name}) IS NULL THEN false
    WHEN current_setting('is_superuser')::boolean THEN true
    WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(session_user, to_regrole({role_name})::oid, 'SET')
    ELSE pg_has_role(session_user, to_regrole({role_name})::oid, 'MEMBER')
END

-- name: become_member
-- Without inheritance where the server knows it (16): a policy TO the role would bind its members too.
DO $join$
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT ' || quote_ident({role_name}) || ' TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';
    ELSE
        EXECUTE 'GRANT ' || quote_ident({role_name}) || ' TO CURRENT_USER';
    END IF;
END
$join$

-- name: become_tenant
-- The attack run is made as vital_tenant. The owner must not have the role's rights, or its restrictive policies would bind
-- it and blind the guard of references: before 16, where members inherit, the way there is through a role that passes
-- nothing on.
DO $join$
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT vital_tenant TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';
    ELSE
        IF to_regrole('vital_prover') IS NULL THEN
            CREATE ROLE vital_prover NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
        END IF;
        GRANT vital_tenant TO vital_prover;
        GRANT vital_prover TO CURRENT_USER;
    END IF;
END
$join$

-- name: leave_role
-- The membership was ours; where another database of the cluster stands on the role, it is that one's now.
DO $leave$
BEGIN
    IF to_regrole({role_name}) IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass
          AND refobjid = to_regrole({role_name})
          AND dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) THEN
        EXECUTE 'REVOKE ' || quote_ident({role_name}) || ' FROM CURRENT_USER';
    END IF;
END
$leave$

-- name: leave_tenants
-- What made the owner a member of vital_tenant, unless it owns another database of the cluster that has tenants; and the role
-- in between where nobody is left in it.
DO $leave$
BEGIN
    IF to_regrole('vital_tenant') IS NULL OR EXISTS (
        SELECT
        FROM pg_shdepend AS stands
        JOIN pg_shdepend AS owned ON owned.dbid = stands.dbid AND owned.refclassid = stands.refclassid AND owned.deptype = 'o'
        WHERE stands.refclassid = 'pg_authid'::regclass
          AND stands.refobjid = to_regrole('vital_tenant')
          AND stands.dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
          AND owned.refobjid = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ) THEN
        RETURN;
    END IF;
    BEGIN
        IF current_setting('server_version_num')::int >= 160000 THEN
            REVOKE vital_tenant FROM CURRENT_USER;
        END IF;
        IF to_regrole('vital_prover') IS NOT NULL THEN
            REVOKE vital_prover FROM CURRENT_USER;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN NULL;
    END;
    IF to_regrole('vital_prover') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('vital_prover')) THEN
        DROP ROLE vital_prover;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR dependent_objects_still_exist THEN NULL;
END
$leave$

-- name: family_of
-- The table and its partitions; those are nobody's to name but VITAL's own work, which goes from one to the next.
SELECT to_regclass({name})::oid
UNION
SELECT t.relid::oid FROM pg_partition_tree(to_regclass({name})) AS t

-- name: grant_table_to_operator
-- Staff, and VITAL's own data work, under a policy of their own.
DO $grant$
DECLARE
    one regclass;
BEGIN
    FOR one IN {family} LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO vital_operator', one);
    END LOOP;
END
$grant$

-- name: grant_sequences
-- Keys that are drawn from a sequence of the table's own.
DO $sequences$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT d.objid::regclass
        FROM pg_depend AS d
        JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
        WHERE d.refobjid = to_regclass({name})
          AND d.classid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i')
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO vital_tenant, vital_operator', found);
    END LOOP;
END
$sequences$

-- name: shut_tenants_out
-- Tenants may do nothing with the table; turning isolation on again grants it anew.
REVOKE ALL ON {relation} FROM vital_tenant

-- name: has_schema_usage
-- Whether both roles may use the schema.
SELECT COALESCE((SELECT bool_and(has_schema_privilege(oid, {schema_name}, 'USAGE')) FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator')), false)

-- name: grant_schema
-- To see the tables in it at all.
GRANT USAGE ON SCHEMA {schema} TO vital_tenant, vital_operator

-- name: operator_has_own_tables
-- Whether VITAL's data work may write its ledger, and what came with a later VITAL, as vital_operator; from then on it does.
SELECT COALESCE((
    SELECT bool_and(has_table_privilege(r.oid, own.name, 'INSERT'))
    FROM pg_roles AS r
    CROSS JOIN unnest(ARRAY['vital.ledger', 'vital.share', 'vital.tuning', 'vital.audit', 'vital.rehearsal', 'vital.failing_row', 'vital.tenant_alias', 'vital.accepted_reference', 'vital.row_copy', 'vital.restore_entry']) AS own (name)
    WHERE r.rolname = 'vital_operator'
), false)

-- name: grant_own_tables
-- What a batch reads and writes besides the platform's tables; the ledger is what switches the data work over.
GRANT SELECT, INSERT, UPDATE, DELETE
ON vital.run, vital.phase_run, vital.step_run, vital.ledger, vital.finding, vital.baseline, vital.baseline_row,
   vital.redecision, vital.override, vital.tenant, vital.domain, vital.tenant_alias, vital.applied_statement, vital.share, vital.tuning, vital.audit,
   vital.rehearsal, vital.failing_row, vital.accepted_reference, vital.row_copy, vital.restore_entry
TO vital_operator

-- name: grant_own_sequences
-- Their ids.
GRANT USAGE ON ALL SEQUENCES IN SCHEMA vital TO vital_operator

-- name: grant_own_schema
-- To see them at all.
GRANT USAGE ON SCHEMA vital TO vital_operator

-- name: revoke_own_tables
-- The data work is switched back. What a login of the service was granted stays, or it could neither say that the
-- migration is undone nor be asked to do it again.
DO $revoke$
BEGIN
    IF to_regrole('vital_operator') IS NULL THEN
        RETURN;
    END IF;
    REVOKE INSERT, UPDATE, DELETE
    ON vital.run, vital.phase_run, vital.step_run, vital.ledger, vital.finding, vital.baseline, vital.baseline_row,
       vital.redecision, vital.override, vital.tenant, vital.domain, vital.tenant_alias, vital.applied_statement, vital.share, vital.tuning, vital.audit,
       vital.rehearsal, vital.failing_row, vital.accepted_reference, vital.row_copy, vital.restore_entry
    FROM vital_operator;
    IF NOT has_table_privilege('vital_operator', 'vital.django_session', 'INSERT') THEN
        REVOKE ALL ON SCHEMA vital FROM vital_operator;
        REVOKE ALL ON ALL TABLES IN SCHEMA vital FROM vital_operator;
        REVOKE ALL ON ALL SEQUENCES IN SCHEMA vital FROM vital_operator;
    ELSE
        GRANT INSERT, UPDATE ON vital.run TO vital_operator;
        GRANT INSERT ON vital.audit TO vital_operator;
    END IF;
END
$revoke$

-- name: security_before
-- Whether row level security was on and forced.
SELECT jsonb_build_object('enabled', relrowsecurity, 'forced', relforcerowsecurity) FROM pg_class WHERE oid = to_regclass({name})

-- name: drop_policies
-- What a failed attempt may have left, and the undo.
DO $policies$
DECLARE
    found name;
BEGIN
    FOR found IN SELECT polname FROM pg_policy WHERE polrelid = to_regclass({name}) AND (polname = ANY({policies}::text[]) OR starts_with(polname, {bound})) LOOP
        EXECUTE format('DROP POLICY %I ON %s', found, to_regclass({name}));
    END LOOP;
END
$policies$

-- name: operator_reads
-- Whether VITAL's data work sees every row of a table that is not isolated.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vital_operator' AND has_table_privilege(oid, to_regclass({name}), 'SELECT'))
   AND EXISTS (SELECT FROM pg_policy WHERE polrelid = to_regclass({name}) AND polname = 'vital_operator_reads')

-- name: operator_may_read
-- Of a table that tenants are found through, and that has none itself.
GRANT SELECT ON {relation} TO vital_operator

-- name: way_policy
-- It counts only where the table has row level security of its own, now or later.
CREATE POLICY vital_operator_reads ON {relation} FOR SELECT TO vital_operator USING (true)

-- name: no_way_policy
-- Also before it is made anew.
DROP POLICY IF EXISTS vital_operator_reads ON {relation}

-- name: enable
-- From here on policies count.
ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY

-- name: force
-- For the owner as well.
ALTER TABLE {relation} FORCE ROW LEVEL SECURITY

-- name: force_as_before
-- The owner is not bound: what an earlier plan of ours has forced is not any more, and what the application has forced stays.
DO $force$
BEGIN
    IF EXISTS (SELECT FROM vital.applied_statement WHERE statement = {statement} AND NOT (memo ->> 'forced')::boolean) THEN
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', to_regclass({name}));
    END IF;
END
$force$

-- name: disable
-- As it was.
ALTER TABLE {relation} DISABLE ROW LEVEL SECURITY

-- name: no_force
-- As it was.
ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY

-- name: temp_is_closed
-- Whether not everybody may make temporary tables, and no login was given that by name in their place.
SELECT NOT EXISTS (
    SELECT
    FROM pg_database AS d
    CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
    WHERE d.datname = current_database()
      AND acl.grantee = 0
      AND acl.privilege_type = 'TEMPORARY'
)
   AND NOT EXISTS (SELECT FROM vital.applied_statement WHERE statement = {statement} AND jsonb_typeof(memo) = 'array')

-- name: owns_database
-- Only its owner may change what PUBLIC may do in it.
SELECT pg_has_role(session_user, datdba, 'USAGE') FROM pg_database WHERE datname = current_database()


-- name: close_temp
-- Who was granted it by name keeps it.
DO $temp$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$temp$

-- name: open_temp
-- As it was.
DO $temp$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$temp$

-- name: revoke_named_temp
-- What an earlier VITAL granted to each login by name, as its memo has them; logins that are gone need nothing.
DO $temp$
DECLARE
    login name;
BEGIN
    FOR login IN
        SELECT r.rolname
        FROM vital.applied_statement AS s
        CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(s.memo) WHEN 'array' THEN s.memo ELSE '[]' END) AS given (login)
        JOIN pg_roles AS r ON r.rolname = given.login
        WHERE s.statement = {statement}
          AND r.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
    LOOP
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM %I', current_database(), login);
    END LOOP;
END
$temp$

-- name: forget_named_temp
-- They are taken back.
UPDATE vital.applied_statement SET memo = 'null' WHERE statement = {statement}

-- name: drop_guards
-- The functions were ours, and so are triggers that still call them: of a table that somebody has dropped, the guards stand
-- on those that it referred to.
DO $guards$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT p.oid::regprocedure AS function FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace('vital') AND starts_with(p.proname, 'guard_refer')
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', found.function);
    END LOOP;
END
$guards$

-- name: keep_others
-- What other roles saw, they still see: everybody where nothing was hidden; elsewhere the owner, where FORCE binds it. How
-- it was before the first time counts.
DO $others$
DECLARE
    owner CONSTANT name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass({name}));
    enabled CONSTANT boolean := COALESCE(
        (SELECT (memo ->> 'enabled')::boolean FROM vital.applied_statement WHERE statement = {statement}),
        (SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass({name}))
    );
    forced CONSTANT boolean := {force_owner} OR COALESCE(
        (SELECT (memo ->> 'forced')::boolean FROM vital.applied_statement WHERE statement = {statement}),
        (SELECT relforcerowsecurity FROM pg_class WHERE oid = to_regclass({name}))
    );
BEGIN
    IF enabled AND NOT forced THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE POLICY vital_others ON %s FOR ALL TO %s USING (true) WITH CHECK (true)', to_regclass({name}),
                   CASE WHEN enabled THEN quote_ident(owner) ELSE {everybody} END);
END
$others$

-- name: for_everybody
-- Whom the policy is for where nothing was hidden.
'PUBLIC'

-- name: for_each_who_has_rights
-- The same on a cluster, where a policy for everybody would be one for tenants: each role that has rights of its own.
(SELECT string_agg(role, ', ') FROM ({people}) AS people (role))

-- name: no_policy_for_everybody
-- Whether no permissive policy of others applies to tenants.
SELECT NOT EXISTS ({policies_for_everybody})

-- name: policies_for_everybody
-- Permissive policies of others that apply to tenants, and whom each is for.
SELECT p.polname AS name, ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END FROM unnest(p.polroles) AS r) AS roles
FROM pg_policy AS p
WHERE p.polrelid = to_regclass({name})
  AND p.polpermissive
  AND p.polname <> ALL({policies}::text[])
  AND (0 = ANY(p.polroles) OR to_regrole('vital_tenant') = ANY(p.polroles))

-- name: policies_before_narrowing
-- The same, to give back exactly this.
SELECT COALESCE(jsonb_agg(jsonb_build_object('name', open.name, 'roles', open.roles)), '[]') FROM ({policies_for_everybody}) AS open

-- name: narrow_policies
-- They are for the roles that have rights on the table, tenants left out.
DO $narrow$
DECLARE
    found record;
BEGIN
    FOR found IN {policies_for_everybody} LOOP
        EXECUTE format('ALTER POLICY %I ON %s TO %s', found.name, to_regclass({name}), (SELECT string_agg(role, ', ') FROM ({people}) AS people (role)));
    END LOOP;
END
$narrow$

-- name: widen_policy
-- As it was, unless somebody has dropped it.
DO $widen$
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = to_regclass({name}) AND polname = {policy_name}) THEN
        ALTER POLICY {policy} ON {relation} TO {roles};
    END IF;
END
$widen$

-- name: drop_default
-- A default of the tenant column that VITAL added is not VITAL's: it would give rows a tenant in silence.
DO $default$
BEGIN
    IF EXISTS (SELECT FROM vital.applied_statement WHERE statement = {added}) AND EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column} AND atthasdef
    ) THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', to_regclass({name}), {column});
    END IF;
END
$default$

-- name: revoke_beyond
-- What VITAL's roles hold from the owner beyond their need: on the table, its partitions, those that inherit from it, their
-- columns and its sequences. What they may have stays where it stands in the list of grants; whoever they have passed
-- something on to loses it.
DO $beyond$
DECLARE
    held record;
BEGIN
    FOR held IN
        WITH RECURSIVE members AS (
            SELECT to_regclass({name})::oid AS oid
            UNION
            SELECT i.inhrelid FROM pg_inherits AS i JOIN members ON i.inhparent = members.oid
        ), objects AS (
            SELECT 'TABLE' AS kind, c.oid, '' AS part, c.relacl AS acl, c.relowner AS owner,
                   CASE WHEN c.oid = to_regclass({name}) THEN {tenant_privileges}::text[] ELSE ARRAY[]::text[] END AS tenants,
                   CASE WHEN c.oid = to_regclass({name}) OR c.relispartition THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] ELSE ARRAY[]::text[] END AS operators
            FROM members AS m
            JOIN pg_class AS c ON c.oid = m.oid
            UNION ALL
            SELECT 'TABLE', c.oid, quote_ident(a.attname), a.attacl, c.relowner, ARRAY[]::text[], ARRAY['SELECT', 'INSERT', 'UPDATE']
            FROM members AS m
            JOIN pg_class AS c ON c.oid = m.oid
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
            UNION ALL
            SELECT 'SEQUENCE', c.oid, '', c.relacl, c.relowner, ARRAY['USAGE'], ARRAY['USAGE']
            FROM pg_depend AS d
            JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
            WHERE d.refobjid = to_regclass({name}) AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        )
        SELECT o.kind, o.oid::regclass AS object, o.part, acl.privilege_type, r.rolname,
               acl.privilege_type = ANY(CASE r.rolname WHEN 'vital_tenant' THEN o.tenants ELSE o.operators END) AS stays
        FROM objects AS o
        CROSS JOIN LATERAL aclexplode(o.acl) AS acl
        JOIN pg_roles AS r ON r.oid = acl.grantee AND r.rolname IN ('vital_tenant', 'vital_operator')
        WHERE acl.grantor = o.owner
          AND (acl.is_grantable OR acl.privilege_type <> ALL(CASE r.rolname WHEN 'vital_tenant' THEN o.tenants ELSE o.operators END))
    LOOP
        EXECUTE format('REVOKE %s%s%s ON %s %s FROM %I CASCADE', CASE WHEN held.stays THEN 'GRANT OPTION FOR ' END, held.privilege_type,
                       ' (' || NULLIF(held.part, '') || ')', held.kind, held.object, held.rolname);
    END LOOP;
END
$beyond$

-- name: grant_table
-- No TRUNCATE for anybody: it passes row level security by.
GRANT {tenant_privileges} ON {relation} TO vital_tenant

-- name: create_guard
-- A function behind the guards; its owner sees every parent, whatever the session that it runs in hides.
CREATE OR REPLACE FUNCTION {function} RETURNS {result} LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS {body}

-- name: close_function
-- Nobody calls it but its trigger. The signature may be an array of several, which unnest() makes flat.
DO $close$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT p.oid::regprocedure AS function, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee
        FROM unnest(ARRAY[{signature}]) AS given (signature)
        JOIN pg_proc AS p ON p.oid = to_regprocedure(given.signature)
        CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl
        WHERE acl.grantee <> p.proowner
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', found.function, found.grantee);
    END LOOP;
END
$close$

-- name: guard_references
-- The functions of a table that refers to others of tenants, and the triggers on both sides of its foreign keys.
DO $references$
DECLARE
    found record;
BEGIN
    FOR found IN {functions} LOOP
        EXECUTE format({create}, found.name, found.body);
    END LOOP;
    FOR found IN {guards} LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I %s ON %s %s EXECUTE FUNCTION %s(%s)',
                       found.name, CASE found.kind WHEN 17 THEN 'AFTER UPDATE' WHEN 19 THEN 'BEFORE UPDATE' ELSE 'AFTER INSERT' END, found.relation,
                       CASE WHEN found.kind = 4 THEN 'REFERENCING NEW TABLE AS vital_new FOR EACH STATEMENT' ELSE concat('FOR EACH ROW', ' WHEN (' || found.condition || ')') END,
                       left(found.function, -2), (SELECT string_agg(quote_literal(part), ', ' ORDER BY place) FROM unnest(found.arguments) WITH ORDINALITY AS argument (part, place)));
    END LOOP;
END
$references$

-- name: functions_of_guards
-- The signatures of the functions that are the table's own.
SELECT format('vital.%I()', made.name) FROM ({functions}) AS made

-- name: unguard_references
-- Triggers of ours that are not wanted, and functions of ours that no trigger calls any more. After the guards are made:
-- at no moment is there none.
DO $references$
DECLARE
    found record;
BEGIN
    FOR found IN {guards} LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.name, found.relation);
    END LOOP;
    FOR found IN
        SELECT g.tgname AS name, g.tgrelid::regclass AS relation
        FROM pg_trigger AS g
        WHERE g.tgfoid = to_regprocedure('vital.guard_referenced_row()')
          AND g.tgparentid = 0
          AND NOT EXISTS (SELECT FROM pg_trigger AS of_key WHERE of_key.tgrelid = g.tgrelid AND of_key.tgfoid = to_regprocedure('vital.guard_referenced()'))
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.name, found.relation);
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure AS function
        FROM pg_proc AS p
        WHERE p.pronamespace = to_regnamespace('vital')
          AND starts_with(p.proname, 'guard_refer')
          AND p.proname NOT IN ('guard_referenced', 'guard_referenced_row')
          AND p.prorettype = 'trigger'::regtype
          AND NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgfoid = p.oid)
    LOOP
        EXECUTE format('DROP FUNCTION %s', found.function);
    END LOOP;
END
$references$
