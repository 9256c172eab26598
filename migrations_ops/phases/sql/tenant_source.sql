-- name: tenants_of_source
-- The tenants that rows of `batch` are: id, name, slug, and whether each is let in.
SELECT {id} AS id, {title}::text AS name, {slug} AS slug, {active} AS is_active FROM {rows} AS batch

-- name: slug_of_name
-- Small letters, digits and hyphens, and the beginning of the id: two rows may have the same name.
rtrim(left(COALESCE(NULLIF(btrim(regexp_replace(lower({title}::text), '[^a-z0-9]+', '-', 'g'), '-'), ''), 'tenant'), 40), '-')
    || '-' || left({id}::text, 8)

-- name: shape_of_slug
-- As tenants.lifecycle has it for those that people add.
'^[a-z0-9]([a-z0-9-]{{0,48}}[a-z0-9])?$'

-- name: rows_that_are_no_tenants
-- Rows of the table of tenants that are none yet and cannot be one, and why.
SELECT {name}, wanted.id::text,
       CASE
           WHEN btrim(COALESCE(wanted.name, '')) = '' THEN 'has no name for its tenant'
           WHEN wanted.slug IS NULL OR wanted.slug !~ {shape}
               THEN format('has the slug %L: a slug has small letters, digits and hyphens inside, at most 50', wanted.slug)
           WHEN wanted.slug = ANY({slugs}::text[]) THEN format('has the slug %L, which a tenant of the plan has', wanted.slug)
           ELSE format('has the slug %L, which another row has too', wanted.slug)
       END
FROM (SELECT made.*, count(*) OVER (PARTITION BY made.slug) AS times FROM ({made}) AS made) AS wanted
WHERE wanted.id <> ALL({ids}::uuid[])
  AND NOT {is_there}
  AND (
      btrim(COALESCE(wanted.name, '')) = ''
      OR wanted.slug IS NULL
      OR wanted.slug !~ {shape}
      OR wanted.times > 1
      OR wanted.slug = ANY({slugs}::text[])
  )
LIMIT 10000

-- name: is_tenant
-- Predicate: there is a tenant of this id.
EXISTS (SELECT 1 FROM {registry} AS there WHERE there.id = wanted.id)

-- name: slugs_of_others
-- Rows whose slug a tenant has that is there already and is none of them.
SELECT {name}, wanted.id::text, format('has the slug %L, which the tenant %s has', wanted.slug, t.id)
FROM ({made}) AS wanted
JOIN {registry} AS t ON t.slug = wanted.slug AND t.id <> wanted.id
WHERE NOT {is_there}
LIMIT 10000

-- name: missing_tenants_of_rows
-- Rows that are no tenants yet.
SELECT wanted.id, wanted.name, wanted.slug, wanted.is_active, 'standard' AS compliance_level, '{{}}'::jsonb AS settings, '{{}}'::jsonb AS metadata
FROM ({made}) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM {registry} AS t WHERE t.id = wanted.id)

-- name: rows_without_their_tenant
-- Rows of the table of tenants that are none.
SELECT {name}, wanted.id::text, 'is not in the table of tenants'
FROM ({made}) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM {registry} AS t WHERE t.id = wanted.id)
LIMIT 10000

-- name: slugs_of_rows
-- What the tenants are called that rows are, or will be.
SELECT wanted.id::text, wanted.slug FROM ({made}) AS wanted

-- name: is_row_of_source
-- Predicate: such a row is there.
EXISTS (SELECT 1 FROM {relation} AS source WHERE {key} = {owner})

-- name: slugs_that_stand
-- What those of them are called that are tenants already: a slug stays as it was when the tenant was made.
SELECT t.id::text, t.slug FROM {registry} AS t JOIN ({made}) AS wanted ON wanted.id = t.id

-- name: made_by_us
-- Predicate on a tenant `t` of a table of the application's: it was not there before.
(t.metadata ? 'row_of' OR EXISTS (
    SELECT
    FROM vital.ledger AS l
    WHERE l.kind = 'insert'
      AND l.relation = {registry_name}
      AND l.undone_at IS NULL
      AND vital.key_hashes(l.keys) @> vital.key_hashes(ARRAY[t.id::text])
      AND l.keys @> ARRAY[t.id::text]
))

-- name: rows_followed
-- The tenants of rows have their rows' names, and are let in as these say, but for what a person has set. `as_made` keeps what
-- one had that was not made by the trigger, for an undo to put back.
UPDATE {registry} AS t
SET name = next.name,
    is_active = next.is_active,
    metadata = CASE WHEN t.metadata ?| ARRAY['row_of', 'as_made'] THEN t.metadata
                    ELSE t.metadata || jsonb_build_object('as_made', jsonb_build_object('name', t.name, 'is_active', t.is_active)) END
FROM ({made}) AS wanted
CROSS JOIN LATERAL (
    SELECT CASE WHEN {named_by_person} THEN c.name ELSE left(COALESCE(NULLIF(btrim(wanted.name), ''), c.slug), 100) END AS name,
           CASE WHEN {let_in_by_person} THEN c.is_active ELSE wanted.is_active END AS is_active
    FROM {registry} AS c
    WHERE c.id = wanted.id
) AS next
WHERE t.id = wanted.id
  AND t.id <> ALL({ids}::uuid[])
  AND (t.name, t.is_active) IS DISTINCT FROM (next.name, next.is_active)
  AND {is_ours}

-- name: row_gone
-- The tenant of a row that is deleted is let in no more, but where a person has decided about that. It is not deleted: it may
-- have rows, hosts and keys.
UPDATE {registry} AS t
SET is_active = false,
    metadata = CASE WHEN t.metadata ?| ARRAY['row_of', 'as_made'] THEN t.metadata
                    ELSE t.metadata || jsonb_build_object('as_made', jsonb_build_object('name', t.name, 'is_active', t.is_active)) END
FROM ({was}) AS wanted
WHERE t.id = wanted.id
  AND t.id <> ALL({ids}::uuid[])
  AND t.is_active
  AND NOT {let_in_by_person}
  AND {is_ours}

-- name: as_they_were_made
-- Tenants that have followed their rows are what the run had made of them, so that they can be withdrawn with it.
UPDATE {registry} AS t
SET name = t.metadata #>> '{{as_made,name}}',
    is_active = (t.metadata #>> '{{as_made,is_active}}')::boolean,
    metadata = t.metadata - 'as_made'
WHERE t.metadata ? 'as_made' AND NOT {by_person}

-- name: new_tenant_body
-- A row that is added is a tenant in the same transaction, with its place in the registry and a host name. Its writer
-- never fails for a name or slug that would not do: the tenant gets one by its id. `metadata` says whose the tenant is, so
-- that an undo finds it. A row that changes, or is deleted, takes its tenant along; one whose key changes keeps its tenant.
DECLARE
    made record;
    was record;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF current_setting('vital.backfill', true) = 'on' THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'DELETE' THEN
            {row_gone};
            RETURN NULL;
        END IF;
        SELECT wanted.* INTO was FROM ({was}) AS wanted;
        SELECT wanted.* INTO made FROM ({made}) AS wanted;
        IF made.id = was.id AND (made.name, made.is_active) IS DISTINCT FROM (was.name, was.is_active) THEN
            {rows_followed};
        END IF;
        RETURN NULL;
    END IF;
    SELECT wanted.* INTO made FROM ({made}) AS wanted;
    IF made.slug IS NULL
       OR made.slug !~ {shape}
       OR EXISTS (SELECT 1 FROM {registry} AS t WHERE t.slug = made.slug AND t.id <> made.id)
       OR EXISTS (SELECT FROM vital.domain AS d WHERE d.domain = made.slug AND d.tenant_id <> made.id) THEN
        made.slug := 'tenant-' || replace(made.id::text, '-', '');
    END IF;
    INSERT INTO {registry} AS t (id, name, slug, is_active, compliance_level, settings, metadata)
    VALUES (made.id, left(COALESCE(NULLIF(btrim(made.name), ''), made.slug), 100), made.slug, made.is_active, 'standard', '{{}}',
            jsonb_build_object('row_of', {name}))
    ON CONFLICT (id) DO NOTHING;
    IF FOUND THEN
        INSERT INTO vital.tenant (id, schema_name, isolation)
        VALUES (made.id, 'pooled_' || replace(made.id::text, '-', ''), 'pooled') ON CONFLICT DO NOTHING;
        INSERT INTO vital.domain (domain, is_primary, tenant_id) VALUES (made.slug, false, made.id) ON CONFLICT DO NOTHING;
    ELSE
        {rows_followed};
    END IF;
    RETURN NULL;
END

-- name: create_new_tenant_function
-- It writes where the row's writer may not.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp {settings} AS {body}

-- name: create_new_tenant_trigger
-- By its name it comes before the checks of foreign keys (RI_…): the row refers to its tenant.
CREATE OR REPLACE TRIGGER "A_vital_new_tenant" AFTER INSERT OR UPDATE OR DELETE ON {relation} FOR EACH ROW EXECUTE FUNCTION {function}()

-- name: new_tenant_trigger_is_current
-- Whether it is there, fires, and follows the plan.
SELECT EXISTS (
    SELECT
    FROM pg_trigger AS g
    JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE g.tgrelid = to_regclass({name})
      AND g.tgname = 'A_vital_new_tenant'
      AND g.tgenabled IN ('O', 'A')
      AND obj_description(p.oid, 'pg_proc') = {digest}
)

-- name: drop_new_tenant_trigger
-- Rows written from now on are no tenants.
DROP TRIGGER IF EXISTS "A_vital_new_tenant" ON {relation}

-- name: is_of_added_row
-- Predicate on a tenant `t`: the trigger made it, or it has followed its row since it was made; and nobody has set anything
-- for it.
((t.metadata = jsonb_build_object('row_of', {name}) OR t.metadata ? 'as_made') AND NOT {by_person})

-- name: forget_new_tenants
-- Tenants that the trigger made go with it, where no row is theirs and nobody has set anything for them. A table that is
-- gone has no rows.
DO $forget$
DECLARE
    owned text;
    found_ids uuid[];
    kept uuid[] := '{{}}';
BEGIN
    FOREACH owned IN ARRAY {tables}::text[] LOOP
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(owned) AND attname = 'tenant_id' AND NOT attisdropped) THEN
            EXECUTE format(
                'SELECT array_agg(t.id) FROM %s AS t WHERE t.metadata = jsonb_build_object(''row_of'', %L)'
                ' AND EXISTS (SELECT FROM %s AS row WHERE row.tenant_id = t.id)',
                {registry_name}, {name}, owned
            ) INTO found_ids;
            kept := kept || COALESCE(found_ids, '{{}}');
        END IF;
    END LOOP;
    DELETE FROM {registry} AS t WHERE {made} AND t.id <> ALL(kept);
END
$forget$

-- name: forget_hosts_of_nobody
-- Host names of tenants that are gone.
DELETE FROM vital.domain AS d
WHERE NOT EXISTS (SELECT 1 FROM {registry} AS t WHERE t.id = d.tenant_id)

-- name: forget_places_of_nobody
-- Places in the registry of tenants that are gone.
DELETE FROM vital.tenant AS known
WHERE NOT EXISTS (SELECT 1 FROM {registry} AS t WHERE t.id = known.id)
