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
