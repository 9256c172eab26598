-- name: prompt_page
-- A page, newest first, of both branches, a row each, and beside each the number of all that match.
SELECT {shown}, ({count}) FROM ({page}) AS t ORDER BY t.created_at DESC NULLS LAST, t.id

-- name: prompt_in_order
-- What a page's rows are named and put in order by.
t.id, t.xmin, t.created_at

-- name: prompt_branches
-- Both branches of a page, in index order.
SELECT * FROM (
    (SELECT {columns} FROM public.prompts AS t WHERE t.tenant_id = %(own)s::uuid {filters} ORDER BY t.created_at DESC NULLS LAST, t.id LIMIT %(reach)s)
    UNION ALL
    (SELECT {columns} FROM public.prompts AS t WHERE t.tenant_id = %(platform)s::uuid {filters} ORDER BY t.created_at DESC NULLS LAST, t.id LIMIT %(reach)s)
) AS t
ORDER BY t.created_at DESC NULLS LAST, t.id
LIMIT %(limit)s OFFSET %(offset)s

-- name: prompt_count
-- All that match.
SELECT (SELECT count(*) FROM public.prompts AS t WHERE t.tenant_id = %(own)s::uuid {filters})
     + (SELECT count(*) FROM public.prompts AS t WHERE t.tenant_id = %(platform)s::uuid {filters})

-- name: prompt_branches_of_all
-- The same for those who see every tenant, or the Platform's alone.
SELECT {columns} FROM public.prompts AS t WHERE true {filters} ORDER BY t.created_at DESC NULLS LAST, t.id LIMIT %(limit)s OFFSET %(offset)s

-- name: prompt_count_of_all
-- The same for them.
SELECT count(*) FROM public.prompts AS t WHERE true {filters}

-- name: prompt_by_key
-- One prompt by id, else by name; the tenant's own comes before the Platform's of the same name.
SELECT t.id::text, t.tenant_id::text, t.name
FROM public.prompts AS t
WHERE (t.id = %(id)s::uuid OR t.name = %(key)s) AND {of_tenants}
ORDER BY (t.id = %(id)s::uuid) IS TRUE DESC, (t.tenant_id = %(own)s::uuid) IS TRUE DESC
LIMIT 1

-- name: prompt_by_further_key
-- The tenant's own first, by the names that the prompt pages keep in `metadata`, where the table has no column for them.
SELECT t.id::text, t.tenant_id::text, t.name
FROM public.prompts AS t
WHERE %(key)s IN (t.metadata ->> 'slug', t.metadata ->> 'prompt_code', to_jsonb(t) ->> 'slug', to_jsonb(t) ->> 'prompt_code') AND {of_tenants}
ORDER BY (t.tenant_id = %(own)s::uuid) IS TRUE DESC, t.id
LIMIT 1

-- name: prompt_answer
-- One prompt as the API answers it.
json_build_object('success', true, 'prompt', {shape})::text

-- name: prompt_shape
-- The keys of `metadata`, every column under its own name, and what the frontends add to them: the later one counts.
CASE WHEN jsonb_typeof(t.metadata) = 'object' THEN t.metadata ELSE '{{}}' END || to_jsonb(t) || jsonb_build_object(
    'suite', {suite}, 'is_user_created', t.created_by IS NOT NULL, 'is_shared', t.tenant_id = %(platform)s::uuid
)

-- name: prompt_suite_of
-- A prompt's suite. OFFSET keeps the text from being put together again for each word; concat() is not immutable, as Citus
-- has it in a subquery.
(SELECT {suite} FROM (
    SELECT lower(COALESCE(t.name, '') || ' ' || COALESCE(t.system_prompt, '') || ' ' || COALESCE(t.display_name, '')) AS text,
           lower(t.name) AS name
    OFFSET 0
) AS found)

-- name: prompt_domain
-- As stored.
AND t.domain = %(domain)s

-- name: prompt_search
-- In what people read.
AND (t.name ILIKE %(search)s OR t.display_name ILIKE %(search)s OR t.description ILIKE %(search)s)

-- name: prompt_complexity
-- As stored.
AND t.complexity_level = %(complexity)s

-- name: prompt_status
-- As stored.
AND t.status = %(status)s

-- name: prompt_suite
-- By the same expression that is shown.
AND {suite} = %(suite)s
