-- name: tool_page
-- A page by name, a row each, and beside each the number of all that match (counted once). The tenant's own tools and the
-- Platform's are two branches in index order, merged; never a sort of a whole catalogue. `own` is NULL where the tenant is
-- the Platform, or there is none. The service puts the rows together: one text of all of them would be copied six times.
SELECT {shape}, ({count}) FROM ({page}) AS t ORDER BY t.name, t.id

-- name: tool_cursor_page
-- A page by key, for catalogues that nobody loads whole: no count, but beside each row its key.
SELECT {shape}, json_build_array(t.name, t.id) FROM ({page}) AS t ORDER BY t.name, t.id

-- name: tool_branches
-- Both branches of a page.
SELECT * FROM (
    (SELECT * FROM public.tools AS t WHERE t.tenant_id = %(own)s::uuid {filters} ORDER BY t.name, t.id LIMIT %(reach)s)
    UNION ALL
    (SELECT * FROM public.tools AS t WHERE t.tenant_id = %(platform)s::uuid {filters} ORDER BY t.name, t.id LIMIT %(reach)s)
) AS t
ORDER BY t.name, t.id
LIMIT %(limit)s OFFSET %(offset)s

-- name: tool_count
-- All that match, by index.
SELECT (SELECT count(*) FROM public.tools AS t WHERE t.tenant_id = %(own)s::uuid {filters})
     + (SELECT count(*) FROM public.tools AS t WHERE t.tenant_id = %(platform)s::uuid {filters})

-- name: tool_branches_of_all
-- The same for those who see every tenant.
SELECT * FROM public.tools AS t WHERE true {filters} ORDER BY t.name, t.id LIMIT %(limit)s OFFSET %(offset)s

-- name: tool_count_of_all
-- The same for those who see every tenant.
SELECT count(*) FROM public.tools AS t WHERE true {filters}

-- name: tool_by_key
-- One tool by id, else by code; the tenant's own comes before the Platform's of the same code.
SELECT t.id::text, t.tenant_id::text, t.tool_key
FROM public.tools AS t
WHERE t.id = %(id)s::uuid OR t.tool_key = %(key)s
ORDER BY (t.id = %(id)s::uuid) IS TRUE DESC, (t.tenant_id = %(own)s::uuid) IS TRUE DESC
LIMIT 1

-- name: tool_shown
-- A tool as the API shows it.
SELECT json_build_object('tool', {shape})::text FROM public.tools AS t WHERE t.id = %(id)s::uuid

-- name: tool_shape
-- Names that the frontends know, from the columns; what has no column lives in metadata.
json_build_object(
    'id', t.id, 'slug', t.tool_key, 'code', t.tool_key, 'unique_id', t.tool_key, 'name', t.name,
    'description', t.description, 'tool_description', t.description,
    'category', COALESCE(NULLIF(t.category, ''), 'General'), 'category_parent', t.metadata ->> 'category_parent',
    'tool_type', t.tool_type, 'implementation_type', COALESCE(t.metadata ->> 'implementation_type', t.tool_type),
    'integration_name', t.implementation_path,
    'endpoint_url', COALESCE(NULLIF(t.api_endpoint, ''), t.documentation_url),
    'function_spec', t.input_schema, 'configuration', t.usage_examples, 'metadata', COALESCE(t.metadata, '{{}}'),
    'tags', CASE WHEN jsonb_typeof(t.metadata -> 'tags') = 'array' THEN t.metadata -> 'tags' ELSE to_jsonb(COALESCE(t.best_practices, '{{}}')) END,
    'average_response_time_ms', t.avg_response_time_ms, 'is_active', t.is_active, 'requires_approval', t.requires_approval,
    'usage_count', t.total_calls, 'success_rate', t.success_rate, 'tenant_id', t.tenant_id,
    'is_shared', t.tenant_id = %(platform)s::uuid, 'created_at', t.created_at, 'updated_at', t.updated_at, 'deleted_at', NULL,
    'lifecycle_stage', COALESCE(t.metadata ->> 'lifecycle_stage', 'production'),
    'langgraph_compatible', COALESCE(t.metadata -> 'langgraph_compatible', 'true'),
    'documentation_url', t.documentation_url, 'health_status', COALESCE(t.metadata ->> 'health_status', 'healthy'),
    'business_impact', t.metadata -> 'business_impact', 'usage_guide', t.metadata -> 'usage_guide',
    'vendor', t.metadata -> 'vendor', 'version', COALESCE(t.metadata ->> 'version', '1.0.0')
)

-- name: tool_after
-- The rows behind a cursor.
AND (t.name, t.id) > (%(after_name)s, %(after_id)s::uuid)

-- name: tool_search
-- In what people read and in the code.
AND (t.name ILIKE %(search)s OR t.description ILIKE %(search)s OR t.tool_key ILIKE %(search)s)

-- name: tool_category
-- As it is shown.
AND COALESCE(NULLIF(t.category, ''), 'General') = %(category)s

-- name: tool_type
-- As stored.
AND t.tool_type = %(tool_type)s

-- name: tool_status
-- The words active and inactive are the switch, everything else is the stage of its life.
AND CASE %(status)s
        WHEN 'active' THEN t.is_active
        WHEN 'inactive' THEN NOT t.is_active
        ELSE COALESCE(t.metadata ->> 'lifecycle_stage', 'production') = %(status)s
    END

-- name: tool_is_active
-- As stored.
AND t.is_active = %(is_active)s

-- name: one_new_tool_at_a_time
-- So that two requests cannot pass the same tenant's limit together.
SELECT pg_advisory_xact_lock(hashtextextended('vital tools of ' || %(tenant)s, 0))

-- name: own_tools
-- How many a tenant has, for its limit.
SELECT count(*) FROM public.tools AS t WHERE t.tenant_id = %(tenant)s::uuid
