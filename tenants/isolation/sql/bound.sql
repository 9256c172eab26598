-- name: caller_rows
-- The bare column against the caller's tenant, which is asked for once in a statement; none is NULL and matches nothing. As
-- PostgreSQL prints it.
({column} = ( SELECT vital.{function}() AS {function}))

-- name: caller_or_shared_rows
-- The same with the Platform's shared rows.
({column} = ANY (ARRAY[( SELECT vital.{function}() AS {function}), {platform}::uuid]))

-- name: shared_rows
-- The Platform's shared rows alone, for callers who are nobody's.
({column} = {platform}::uuid)

-- name: unassigned_of_role
-- When the trigger for rows of a bound role fires, as PostgreSQL prints it: not in a function that works as its owner.
((new.tenant_id IS NULL) AND (CURRENT_USER = {role}::name))

-- name: tenant_by_claim
-- The tenant in the claims of the request, where it is one and active. Whatever the claims are, it is no error: one could
-- tell a caller something.
#variable_conflict use_variable
DECLARE
    claims jsonb;
    tenant uuid;
BEGIN
    BEGIN
        claims := NULLIF(current_setting('request.jwt.claims', true), '');
        IF jsonb_typeof(claims #> {claim}::text[]) = 'string' THEN
            tenant := claims #>> {claim}::text[];
        END IF;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        RETURN NULL;
    END;
    RETURN (SELECT t.id FROM {registry} AS t WHERE t.id = tenant AND t.is_active);
END

-- name: tenant_by_claim_or_user
-- The same, and without such a claim the tenant of the user whom the token is for.
#variable_conflict use_variable
DECLARE
    claims jsonb;
    claim jsonb;
    tenant uuid;
    caller {users}.{key}%TYPE;
BEGIN
    BEGIN
        claims := NULLIF(current_setting('request.jwt.claims', true), '');
        claim := NULLIF(claims #> {claim}::text[], 'null');
        IF jsonb_typeof(claim) = 'string' THEN
            tenant := claim #>> '{{}}';
        ELSIF claim IS NULL THEN
            caller := claims ->> 'sub';
        END IF;
    EXCEPTION WHEN data_exception OR program_limit_exceeded OR integrity_constraint_violation THEN
        RETURN NULL;
    END;
    IF caller IS NOT NULL THEN
        tenant := (SELECT u.tenant_id FROM {users} AS u WHERE u.{key} = caller);
    END IF;
    RETURN (SELECT t.id FROM {registry} AS t WHERE t.id = tenant AND t.is_active);
END

-- name: tenant_of_writer
-- A row that is written without a tenant by a caller who has one.
BEGIN
    NEW.tenant_id := vital.{function}();
    RETURN NEW;
END

-- name: unbound_roles
-- Roles without login that somebody else's login puts on, and does not inherit from, or that Supabase's gate puts on: each
-- with the tables of the plan that it reaches by its rights and by policies, and where isolation does not bind it. A role with
-- BYPASSRLS is bound by nothing, and named elsewhere.
WITH tables AS (
    SELECT t.name, t.place, c.oid, c.relnamespace, c.relowner, c.relrowsecurity
    FROM unnest({tables}::text[]) WITH ORDINALITY AS t (name, place)
    JOIN pg_class AS c ON c.oid = to_regclass(t.name)
), put_on AS (
    SELECT r.oid, r.rolname
    FROM pg_roles AS r
    WHERE NOT r.rolcanlogin
      AND NOT r.rolsuper
      AND NOT r.rolbypassrls
      AND r.rolname NOT LIKE 'pg\_%'
      AND r.rolname <> ALL(ARRAY['vital_tenant', 'vital_operator', 'vital_prover'] || {accepted}::text[])
      AND (r.rolname IN ('anon', 'authenticated') OR EXISTS (
          SELECT
          FROM pg_auth_members AS m
          JOIN pg_roles AS l ON l.oid = m.member AND l.rolcanlogin AND NOT l.rolsuper
          WHERE m.roleid = r.oid
            AND NOT COALESCE((to_jsonb(m) ->> 'inherit_option')::boolean, l.rolinherit)
            AND COALESCE((to_jsonb(m) ->> 'set_option')::boolean, true)
            AND NOT EXISTS (SELECT FROM tables AS t WHERE pg_has_role(l.oid, t.relowner, 'MEMBER'))
      ))
)
SELECT p.rolname::text, array_agg(t.name ORDER BY t.place),
       bool_or(has_any_column_privilege(p.oid, t.oid, 'INSERT, UPDATE') OR has_table_privilege(p.oid, t.oid, 'DELETE, TRUNCATE'))
FROM put_on AS p
CROSS JOIN tables AS t
WHERE has_schema_privilege(p.oid, t.relnamespace, 'USAGE')
  AND (has_any_column_privilege(p.oid, t.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(p.oid, t.oid, 'DELETE, TRUNCATE'))
  AND (p.rolname, t.name) NOT IN (SELECT * FROM unnest({roles}::text[], {relations}::text[]) AS bound (role, relation))
  AND (NOT t.relrowsecurity OR EXISTS (
      SELECT
      FROM pg_policy AS y
      WHERE y.polrelid = t.oid
        AND y.polpermissive
        AND EXISTS (SELECT FROM unnest(y.polroles) AS role WHERE role = 0 OR pg_has_role(p.oid, role, 'USAGE'))
  ))
GROUP BY p.rolname
ORDER BY p.rolname = 'anon' DESC, p.rolname

-- name: storage_policies
-- What keeps a tenant's files in a folder that is called by its id, for each bound role, where Supabase's storage is: its
-- service's table, so that nobody runs it here. The Platform's folder is read where shared rows are.
SELECT format('CREATE POLICY %I ON storage.objects AS RESTRICTIVE FOR %s TO %I%s%s;', 'vital_files_' || lower(c.command) || '_of_' || r.role, c.command, r.role,
              CASE WHEN c.command <> 'INSERT' THEN format(' USING (%s)', CASE WHEN c.command = 'SELECT' THEN r.visible ELSE r.own END) END,
              CASE WHEN c.command IN ('INSERT', 'UPDATE') THEN format(' WITH CHECK (%s)', r.own) END)
FROM (
    SELECT w.role, w.place, COALESCE(own.is_caller, 'false') AS own,
           CASE w.sees WHEN 'nothing' THEN 'false'
                       ELSE concat_ws(' OR ', own.is_caller, format('split_part(name, ''/'', 1) = %L', {platform})) END AS visible
    FROM unnest({roles}::text[], {sees}::text[], {functions}::text[]) WITH ORDINALITY AS w (role, sees, function, place)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.sees = 'own' THEN format('split_part(name, ''/'', 1) = (SELECT %s)::text', w.function) END AS is_caller
    ) AS own
) AS r
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS c (command, place)
WHERE to_regclass('storage.objects') IS NOT NULL
ORDER BY r.place, c.place
