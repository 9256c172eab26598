-- name: is_isolated
-- Whether row level security is on, forced, and has every policy of ours, of which those that bind tenants do: somebody may
-- have altered one since. Each is for tenants alone, narrows what others open, and asks for the tenant and nothing beside it.
SELECT COALESCE((
    SELECT c.relrowsecurity
       AND c.relforcerowsecurity
       AND (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = ANY({policies}::text[])) = cardinality({policies}::text[])
       AND NOT EXISTS (
           SELECT
           FROM pg_policy AS p
           CROSS JOIN unnest(ARRAY[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]) AS part (expression)
           WHERE p.polrelid = c.oid
             AND p.polname LIKE 'vital\_tenant\_%'
             AND (
                 p.polpermissive
                 OR p.polroles <> ARRAY[to_regrole('vital_tenant')::oid]
                 OR part.expression NOT LIKE '%vital.tenant_id%'
                 OR part.expression LIKE '% OR %'
             )
       )
    FROM pg_class AS c
    WHERE c.oid = to_regclass({name})
), false)
