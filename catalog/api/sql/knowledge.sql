-- name: domain_list
-- The domains by name. Columns that only some platforms have are read through the row's JSON.
SELECT json_build_object('domains', COALESCE(json_agg(json_build_object(
           'id', d.id, 'name', d.name, 'slug', d.slug, 'domain_type', d.domain_type, 'is_active', d.is_active
       ) ORDER BY d.name, d.id), '[]'), 'count', count(*))::text
FROM (
    SELECT t.id, t.name, t.slug, t.is_active,
           COALESCE(
               to_jsonb(t) ->> 'domain_type',
               CASE WHEN t.tier = 1 THEN 'core' WHEN t.tier = 2 THEN 'specialized' WHEN t.tier = 3 THEN 'emerging' END
           ) AS domain_type,
           COALESCE(NULLIF(to_jsonb(t) -> 'allowed_tenants', 'null'), t.metadata -> 'allowed_tenants') AS allowed
    FROM public.knowledge_domains AS t
    WHERE %(all)s OR t.tenant_id = ANY (ARRAY[%(own)s::uuid, %(platform)s::uuid])
) AS d
WHERE %(all)s
   OR d.allowed IS NULL
   OR jsonb_typeof(d.allowed) <> 'array'
   OR d.allowed ? COALESCE(%(tenant)s, '')
