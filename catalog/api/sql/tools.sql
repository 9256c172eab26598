-- name: tool_page
-- A page by name, a row each, and beside each the number of all that match (counted once). The tenant's own tools and the
-- Platform's are two branches in index order, merged; never a sort of a whole catalogue. The service puts the rows
-- together: one text of all of them would be copied six times.
SELECT {shown}, ({count}) FROM ({page}) AS t ORDER BY t.name, t.id

-- name: tool_cursor_page
-- A page by key, for catalogues that nobody loads whole: no count, but beside each row its key.
SELECT {shown}, json_build_array(t.name, t.id) FROM ({page}) AS t ORDER BY t.name, t.id

-- name: tool_in_order
-- What a page's rows are named and put in order by.
t.id, t.xmin, t.name

-- name: tool_branches
-- Both branches of a page.
SELECT * FROM (
    (SELECT {columns} FROM public.tools AS t WHERE t.tenant_id = %(own)s::uuid {filters} ORDER BY t.name, t.id LIMIT %(reach)s)
    UNION ALL
    (SELECT {columns} FROM public.tools AS t WHERE t.tenant_id = %(platform)s::uuid {filters} ORDER BY t.name, t.id LIMIT %(reach)s)
) AS t
ORDER BY t.name, t.id
LIMIT %(limit)s OFFSET %(offset)s

-- name: tool_count
-- All that match, by index.
SELECT (SELECT count(*) FROM public.tools AS t WHERE t.tenant_id = %(own)s::uuid {filters})
     + (SELECT count(*) FROM public.tools AS t WHERE t.tenant_id = %(platform)s::uuid {filters})

-- name: tool_branches_of_all
-- The same for those who see every tenant, or the Platform's alone.
SELECT {columns} FROM public.tools AS t WHERE true {filters} ORDER BY t.name, t.id LIMIT %(limit)s OFFSET %(offset)s

-- name: tool_count_of_all
-- The same for them.
SELECT count(*) FROM public.tools AS t WHERE true {filters}

-- name: tool_by_key
-- One tool by id, else by code; the tenant's own comes before the Platform's of the same code.
SELECT t.id::text, t.tenant_id::text, t.tool_key
FROM public.tools AS t
WHERE (t.id = %(id)s::uuid OR t.tool_key = %(key)s) AND {of_tenants}
ORDER BY (t.id = %(id)s::uuid) IS TRUE DESC, (t.tenant_id = %(own)s::uuid) IS TRUE DESC
LIMIT 1

-- name: tool_answer
-- One tool as the API answers it.
json_build_object('tool', {shape})::text

-- name: tool_shape
-- What the frontends expect where nothing says otherwise, the keys of `metadata`, every column under its own name, and the
-- names that the frontends know: of two with one name the later counts.
'{{"deleted_at": null, "lifecycle_stage": "production", "langgraph_compatible": true,
   "health_status": "healthy", "business_impact": null, "usage_guide": null, "vendor": null, "version": "1.0.0"}}'::jsonb
|| jsonb_build_object(
    'category_parent', CASE WHEN t.category <> '' THEN t.category ELSE 'General' END, 'implementation_type', t.tool_type,
    'tags', COALESCE(t.best_practices, '{{}}')
)
|| CASE WHEN jsonb_typeof(t.metadata) = 'object' THEN t.metadata ELSE '{{}}' END
|| to_jsonb(t)
|| jsonb_build_object(
    'slug', t.tool_key, 'code', t.tool_key, 'unique_id', t.tool_key, 'tool_description', t.description,
    'category', CASE WHEN t.category <> '' THEN t.category ELSE 'General' END, 'integration_name', t.implementation_path,
    'endpoint_url', COALESCE(NULLIF(t.api_endpoint, ''), t.documentation_url),
    'function_spec', t.input_schema, 'configuration', t.usage_examples, 'metadata', COALESCE(t.metadata, '{{}}'),
    'average_response_time_ms', t.avg_response_time_ms, 'usage_count', t.total_calls,
    'is_shared', t.tenant_id = %(platform)s::uuid
)

-- name: tool_after
-- The rows behind a cursor.
AND (t.name, t.id) > (%(after_name)s, %(after_id)s::uuid)

-- name: tool_search
-- In what people read and in the code.
AND (t.name ILIKE %(search)s OR t.description ILIKE %(search)s OR t.tool_key ILIKE %(search)s)

-- name: tool_category
-- As it is shown, in the words of the index tools_tenant_category_idx (migrations_ops/phases/api_indexes.py).
AND CASE WHEN t.category <> '' THEN t.category ELSE 'General' END = %(category)s

-- name: tool_type
-- As stored.
AND t.tool_type = %(tool_type)s

-- name: tool_status
-- The words active and inactive are the switch, everything else is the stage of its life.
AND CASE
        WHEN %(status)s = 'active' THEN t.is_active
        WHEN %(status)s = 'inactive' THEN NOT t.is_active
        ELSE CASE WHEN t.metadata -> 'lifecycle_stage' IS NULL THEN 'production' ELSE t.metadata ->> 'lifecycle_stage' END = %(status)s
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
