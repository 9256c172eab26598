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
-- Whether the current role may put this role on.
SELECT CASE
    WHEN to_regrole({role_name}) IS NULL THEN false
    WHEN current_setting('is_superuser')::boolean THEN true
    WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(current_user, to_regrole({role_name})::oid, 'SET')
    ELSE pg_has_role(current_user, to_regrole({role_name})::oid, 'MEMBER')
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
-- What made the owner a member of vital_tenant, where no other database of the cluster stands on it.
DO $leave$
BEGIN
    IF to_regrole('vital_tenant') IS NULL OR EXISTS (
        SELECT
        FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass
          AND refobjid = to_regrole('vital_tenant')
          AND dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) THEN
        RETURN;
    END IF;
    IF to_regrole('vital_prover') IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM pg_auth_members AS m
        WHERE m.roleid = to_regrole('vital_prover')
          AND m.member <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ) THEN
        DROP ROLE vital_prover;
    ELSIF current_setting('server_version_num')::int >= 160000 THEN
        REVOKE vital_tenant FROM CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN NULL;
END
$leave$

-- name: family_of
-- The table and its partitions; those are nobody's to name but VITAL's own work, which goes from one to the next.
SELECT to_regclass({name})::oid
UNION
SELECT t.relid::oid FROM pg_partition_tree(to_regclass({name})) AS t

-- name: has_table_privileges
-- Whether both roles may do what they need with the table.
SELECT to_regrole('vital_tenant') IS NOT NULL
   AND to_regrole('vital_operator') IS NOT NULL
   AND (
       SELECT bool_and(
           has_table_privilege(role, one.oid, privilege)
       )
       FROM (VALUES ('vital_operator', 'SELECT'), ('vital_operator', 'INSERT'), ('vital_operator', 'UPDATE'), ('vital_operator', 'DELETE')) AS operator (role, privilege)
       CROSS JOIN ({family}) AS one (oid)
   )
   AND (
       SELECT bool_and(has_table_privilege('vital_tenant', to_regclass({name}), privilege))
       FROM unnest({privileges}::text[]) AS privilege
   )

-- name: grant_table
-- No TRUNCATE for anybody: it passes row level security by.
GRANT {tenant_privileges} ON {relation} TO vital_tenant

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
-- Tenants may do nothing with the table; closing the fence again grants it anew.
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
    CROSS JOIN unnest(ARRAY['vital.ledger', 'vital.share', 'vital.tuning', 'vital.audit', 'vital.rehearsal']) AS own (name)
    WHERE r.rolname = 'vital_operator'
), false)

-- name: grant_own_tables
-- What a batch reads and writes besides the platform's tables; the ledger is what switches the data work over.
GRANT SELECT, INSERT, UPDATE, DELETE
ON vital.run, vital.phase_run, vital.step_run, vital.ledger, vital.finding, vital.baseline, vital.baseline_row,
   vital.redecision, vital.override, vital.tenant, vital.domain, vital.applied_statement, vital.share, vital.tuning, vital.audit,
   vital.rehearsal
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
       vital.redecision, vital.override, vital.tenant, vital.domain, vital.applied_statement, vital.share, vital.tuning, vital.audit,
       vital.rehearsal
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
    FOR found IN SELECT polname FROM pg_policy WHERE polrelid = to_regclass({name}) AND polname = ANY({policies}::text[]) LOOP
        EXECUTE format('DROP POLICY %I ON %s', found, to_regclass({name}));
    END LOOP;
END
$policies$

-- name: keep_others
-- What other roles saw, they still see: everybody where nothing was hidden; the owner, whom FORCE would bind, elsewhere.
DO $others$
BEGIN
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass({name})) THEN
        EXECUTE format('CREATE POLICY vital_others ON %s FOR ALL TO %I USING (true) WITH CHECK (true)', to_regclass({name}),
                       (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass({name})));
    ELSE
        EXECUTE format('CREATE POLICY vital_others ON %s FOR ALL TO PUBLIC USING (true) WITH CHECK (true)', to_regclass({name}));
    END IF;
END
$others$

-- name: operator_reads
-- Whether VITAL's data work sees every row of a table that is not fenced.
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

-- name: policy_operator
-- Staff and VITAL's own work see every row.
CREATE POLICY vital_operator ON {relation} FOR ALL TO vital_operator USING (true) WITH CHECK (true)

-- name: policy_tenant
-- Opens nothing by itself: the restrictive policies beside it decide.
CREATE POLICY vital_tenant ON {relation} FOR ALL TO vital_tenant USING (true) WITH CHECK (true)

-- name: policy_select
-- RESTRICTIVE: permissive policies of others (USING (true)) cannot open it.
CREATE POLICY vital_tenant_select ON {relation} AS RESTRICTIVE FOR SELECT TO vital_tenant USING ({visible})

-- name: policy_insert
-- A tenant writes for itself only.
CREATE POLICY vital_tenant_insert ON {relation} AS RESTRICTIVE FOR INSERT TO vital_tenant WITH CHECK ({own})

-- name: policy_update
-- Neither another's row nor into another's hands; the Platform's rows are read-only to tenants.
CREATE POLICY vital_tenant_update ON {relation} AS RESTRICTIVE FOR UPDATE TO vital_tenant USING ({own}) WITH CHECK ({own})

-- name: policy_delete
-- Its own rows only.
CREATE POLICY vital_tenant_delete ON {relation} AS RESTRICTIVE FOR DELETE TO vital_tenant USING ({own})

-- name: own
-- The bare column against a one-time value; an unset tenant is NULL and matches nothing.
{column} = (SELECT nullif(current_setting('vital.tenant_id', true), '')::uuid)

-- name: own_or_platform
-- The same with the Platform's shared rows.
{column} = ANY (ARRAY[(SELECT nullif(current_setting('vital.tenant_id', true), '')::uuid), {platform}::uuid])

-- name: enable
-- From here on policies count.
ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY

-- name: force
-- For the owner as well.
ALTER TABLE {relation} FORCE ROW LEVEL SECURITY

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

-- name: guard_exists
-- Whether the functions that guard references are there, and see every row whatever the session that they run in hides.
SELECT count(*) = 2
FROM pg_proc
WHERE oid IN (to_regprocedure('vital.guard_reference()'), to_regprocedure('vital.guard_referenced()'))
  AND 'row_security=on' = ANY(proconfig)

-- name: create_guard
-- A reference is to an own row or to the Platform's. Foreign keys are checked past row level security, so this is not
-- theirs to know. Only a changed reference or tenant is looked at: old rows are spared, and so is the first decision
-- about a row that had no tenant, which 005 reports. FOR KEY SHARE holds the parent.
CREATE OR REPLACE FUNCTION vital.guard_reference() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $guard$
DECLARE
    parent text := TG_ARGV[0];
    is_referred_to text := TG_ARGV[1];
    reference text[] := TG_ARGV[2];
    platform uuid := TG_ARGV[3];
    owner uuid;
    new_row jsonb;
    old_row jsonb;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    new_row := to_jsonb(NEW);
    IF NEW.tenant_id IS NULL OR EXISTS (SELECT FROM unnest(reference) AS part WHERE new_row ->> part IS NULL) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND COALESCE(NEW.tenant_id = OLD.tenant_id, true) THEN
        old_row := to_jsonb(OLD);
        IF NOT EXISTS (SELECT FROM unnest(reference) AS part WHERE new_row -> part IS DISTINCT FROM old_row -> part) THEN
            RETURN NULL;
        END IF;
    END IF;
    EXECUTE format('SELECT p.tenant_id FROM %s AS p WHERE %s FOR KEY SHARE', parent, is_referred_to) INTO owner USING new_row;
    IF owner IS NOT NULL AND owner <> NEW.tenant_id AND owner <> platform THEN
        RAISE EXCEPTION 'insert or update on table "%" refers to a row that is not present in table "%"', TG_TABLE_NAME, TG_ARGV[4]
            USING ERRCODE = 'foreign_key_violation', HINT = 'A reference is to an own row or to the Platform''s.';
    END IF;
    RETURN NULL;
END
$guard$

-- name: create_guard_of_children
-- The other side: a row that others refer to cannot leave its tenant while they stay.
CREATE OR REPLACE FUNCTION vital.guard_referenced() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS $guard$
DECLARE
    child text := TG_ARGV[0];
    refers_to_it text := TG_ARGV[1];
    platform uuid := TG_ARGV[2];
    found boolean;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    IF NEW.tenant_id = platform OR COALESCE(NEW.tenant_id = OLD.tenant_id, true) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE %s AND c.tenant_id <> $2)', child, refers_to_it)
        INTO found USING to_jsonb(NEW), NEW.tenant_id;
    IF found THEN
        RAISE EXCEPTION 'update on table "%" would leave rows of table "%" referring to another tenant', TG_TABLE_NAME, TG_ARGV[3]
            USING ERRCODE = 'foreign_key_violation', HINT = 'Move the rows that refer to it first.';
    END IF;
    RETURN NULL;
END
$guard$

-- name: drop_guards
-- The functions were ours, and so are triggers that still call them: of a table that somebody has dropped, the guards stand
-- on those that it referred to.
DROP FUNCTION IF EXISTS vital.guard_reference(), vital.guard_referenced() CASCADE

-- name: guard_of_reference
-- What the trigger on the referring table of a foreign key `f` is called.
CASE WHEN octet_length(f.conname) <= 53 THEN 'vital_ref_' || f.conname ELSE 'vital_ref_' || md5(f.conname) END

-- name: guard_of_referenced
-- The one on the table referred to: several tables may have a foreign key of the same name to it.
'vital_chd_' || md5(f.conrelid::regclass || '.' || f.conname)

-- name: references_are_guarded
-- Whether every foreign key between two tables of tenants is guarded on both sides.
SELECT NOT EXISTS (
    SELECT
    FROM pg_constraint AS f
    WHERE f.contype = 'f'
      AND f.conparentid = 0
      AND f.conrelid = to_regclass({name})
      AND f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
      AND (
          NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = f.conrelid AND g.tgname = {on_child})
          OR NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = f.confrelid AND g.tgname = {on_parent})
      )
)

-- name: guard_references
-- One trigger on the referring table and one on the table referred to, for each foreign key between tables of tenants.
DO $references$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT f.conrelid::regclass AS child, f.confrelid::regclass AS parent, cc.relname AS child_name, pc.relname AS parent_name,
               format('%I.%I', cn.nspname, cc.relname) AS whole_child, format('%I.%I', pn.nspname, pc.relname) AS whole_parent,
               {on_child} AS on_child, {on_parent} AS on_parent, key.*
        FROM pg_constraint AS f
        JOIN pg_class AS cc ON cc.oid = f.conrelid
        JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
        JOIN pg_class AS pc ON pc.oid = f.confrelid
        JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
        CROSS JOIN LATERAL (
            SELECT array_agg(c.attname::text) AS columns,
                   concat_ws(', ', string_agg(quote_ident(c.attname), ', ') FILTER (WHERE c.attname <> 'tenant_id'), 'tenant_id') AS listed,
                   string_agg(format('p.%I = ($1 ->> %L)::%s', p.attname, c.attname, format_type(p.atttypid, p.atttypmod)), ' AND ') AS is_referred_to,
                   string_agg(format('c.%I = ($1 ->> %L)::%s', c.attname, p.attname, format_type(p.atttypid, p.atttypmod)), ' AND ') AS refers_to_it
            FROM unnest(f.conkey, f.confkey) AS part (child, parent)
            JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
            JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
        ) AS key
        WHERE f.contype = 'f'
          AND f.conparentid = 0
          AND f.conrelid = to_regclass({name})
          AND f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT OR UPDATE OF %s ON %s FOR EACH ROW EXECUTE FUNCTION vital.guard_reference(%L, %L, %L, %L, %L)',
                       found.on_child, found.listed, found.child, found.whole_parent, found.is_referred_to, found.columns, {platform}, found.parent_name);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER UPDATE OF tenant_id ON %s FOR EACH ROW EXECUTE FUNCTION vital.guard_referenced(%L, %L, %L, %L)',
                       found.on_parent, found.parent, found.whole_child, found.refers_to_it, {platform}, found.child_name);
    END LOOP;
END
$references$

-- name: unguard_references
-- The triggers were ours.
DO $references$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT g.tgname, g.tgrelid::regclass AS relation
        FROM pg_constraint AS f
        JOIN pg_trigger AS g
          ON g.tgrelid = f.conrelid AND g.tgname = {on_child}
          OR g.tgrelid = f.confrelid AND g.tgname = {on_parent}
        WHERE f.contype = 'f'
          AND f.conparentid = 0
          AND f.conrelid = to_regclass({name})
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
END
$references$
