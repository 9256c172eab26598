-- name: create_registry
-- Who there is; of the shape that VITAL's own platform has, so that nothing else tells the two apart.
CREATE TABLE {relation} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    domain text UNIQUE,
    compliance_level text NOT NULL DEFAULT 'standard',
    is_active boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{{}}',
    metadata jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL DEFAULT now()
)

-- name: tenant_configuration
-- The plan's configuration merged into a tenant that exists: extra keys stay.
SELECT batch.vital_row, wanted.name, wanted.slug, wanted.domain, wanted.compliance_level,
       true AS is_active,
       (
           SELECT COALESCE(jsonb_object_agg(part, COALESCE(batch.settings -> part, '{{}}') || COALESCE(wanted.settings -> part, '{{}}')), '{{}}')
           FROM jsonb_object_keys(wanted.settings) AS part
       ) || (batch.settings - ARRAY(SELECT jsonb_object_keys(wanted.settings))) AS settings,
       batch.metadata || wanted.metadata AS metadata,
       'the plan''s configuration' AS rule
FROM batch
JOIN unnest({ids}::uuid[], {names}::text[], {slugs}::text[], {domains}::text[], {levels}::text[], {settings}::jsonb[], {metadata}::jsonb[])
  AS wanted (id, name, slug, domain, compliance_level, settings, metadata) USING (id)
WHERE NOT {by_person}

-- name: is_configured
-- Predicate on a tenant `t`: it is the plan's to configure.
t.id = ANY({ids}::uuid[]) AND NOT {by_person}

-- name: configured_by_person
-- Predicate: a person has set something for this tenant since, or has suspended it; what is set stays theirs.
EXISTS (
    SELECT
    FROM vital.audit AS a
    WHERE a.action IN ('configure tenant', 'suspend tenant', 'activate tenant') AND a.facts ->> 'tenant' = {tenant}::text
)

-- name: named_by_person
-- Predicate: a person has set the name of this tenant, which stays theirs.
EXISTS (
    SELECT
    FROM vital.audit AS a
    WHERE a.action = 'configure tenant' AND a.facts ->> 'tenant' = {tenant}::text AND a.facts -> 'changed' -> 'name' IS NOT NULL
)

-- name: let_in_by_person
-- Predicate: a person has suspended or activated this tenant, and so decides whether it is let in.
EXISTS (
    SELECT
    FROM vital.audit AS a
    WHERE a.action IN ('suspend tenant', 'activate tenant') AND a.facts ->> 'tenant' = {tenant}::text
)

-- name: missing_tenants
-- Tenants of the plan that are not there yet.
SELECT wanted.id, wanted.name, wanted.slug, wanted.domain, wanted.compliance_level, wanted.settings, wanted.metadata
FROM unnest({ids}::uuid[], {names}::text[], {slugs}::text[], {domains}::text[], {levels}::text[], {settings}::jsonb[], {metadata}::jsonb[])
  AS wanted (id, name, slug, domain, compliance_level, settings, metadata)
WHERE NOT EXISTS (SELECT 1 FROM {relation} AS t WHERE t.id = wanted.id)

-- name: unregistered_tenants
-- Tenants that django-tenants' registry does not know yet.
SELECT t.id, 'pooled_' || replace(t.id::text, '-', ''), 'pooled'
FROM {registry} AS t
WHERE NOT EXISTS (SELECT FROM vital.tenant AS known WHERE known.id = t.id)

-- name: unregistered_domains
-- Host names of tenants, and the ones that the plan has just replaced, as aliases.
SELECT DISTINCT ON (lower(host.name)) lower(host.name), host.is_primary, host.tenant
FROM (
    SELECT t.domain, true, t.id FROM {registry} AS t WHERE t.domain IS NOT NULL
    UNION ALL
    SELECT t.slug, false, t.id FROM {registry} AS t
    UNION ALL
    SELECT old.value, false, t.id
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    JOIN {registry} AS t ON t.id::text = key
    CROSS JOIN LATERAL (VALUES (l.before ->> 'slug'), (l.before ->> 'domain')) AS old (value)
    WHERE l.relation = {name}
      AND l.undone_at IS NULL
      AND l.kind = 'assign'
      AND old.value IS NOT NULL
) AS host (name, is_primary, tenant)
WHERE NOT EXISTS (SELECT FROM vital.domain AS known WHERE known.domain = lower(host.name))
ORDER BY lower(host.name), host.is_primary DESC

-- name: tables_that_refer_to
-- Every table with a foreign key to this one, whether the plan knows it or not, and its primary key. Where partitions have
-- it, it is their table's.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname), f.own[1], COALESCE(u.columns, '{{}}')
FROM ({foreign_keys}) AS f
JOIN pg_class AS c ON c.oid = COALESCE(pg_partition_root(f.child), f.child)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN ({unique_keys}) AS u ON u.relation = c.oid AND u.is_primary
WHERE f.parent = to_regclass({name})
  AND NOT f.is_inherited
  AND cardinality(f.own) = 1
ORDER BY 1, 2

-- name: tenants_with_rows
-- A tenant that VITAL made and that has rows which VITAL did not put there: deleting it would delete them.
SELECT {name}, {key}, format('belongs to the tenant %s, which the undo would remove; it was not assigned by VITAL', made.key)
FROM {relation} AS t
JOIN (
    SELECT unnest(l.keys) AS key FROM vital.ledger AS l WHERE l.relation = {tenants} AND l.kind = 'insert' AND l.undone_at IS NULL
) AS made ON made.key = t.{tenant}::text
WHERE NOT {is_adopted}
  AND NOT EXISTS (
    SELECT
    FROM (
        SELECT unnest(l.keys) AS key, l.kind, l.after ->> 'tenant_id' AS tenant
        FROM vital.ledger AS l
        WHERE l.relation = {name} AND l.undone_at IS NULL
    ) AS ours
    WHERE ours.key = {key}
      AND (ours.kind IN ('insert', 'copy') OR ours.tenant = t.{tenant}::text)
)
LIMIT 10000

-- name: legacy_writer_trigger_is_current
-- Whether the trigger for rows written without a tenant is there and follows the plan's present rules.
SELECT EXISTS (
    SELECT
    FROM pg_trigger AS g
    JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE g.tgrelid = to_regclass({name})
      AND g.tgname = 'vital_late_writer'
      AND obj_description(p.oid, 'pg_proc') = {digest}
      AND CASE WHEN g.tgtype & 16 <> 0 THEN 'all' ELSE 'new' END = ANY({fires}::text[])
)

-- name: legacy_writer_trigger_fires
-- For which rows it does: all, or new ones only (16 is UPDATE).
SELECT CASE WHEN tgtype & 16 <> 0 THEN 'all' ELSE 'new' END FROM pg_trigger WHERE tgrelid = to_regclass({name}) AND tgname = 'vital_late_writer'

-- name: create_legacy_writer_function
-- Rows that old code writes without a tenant get theirs by the same verdict as the backfill; it fills NULL only.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp {settings} AS {body}

-- name: legacy_writer_body
-- The body of that function; its owner writes the ledger, which the writer may not even see.
#variable_conflict use_column
DECLARE
    late record;
BEGIN
    {decide};
    IF late.tenant IS NOT NULL THEN
        NEW.{tenant} := late.tenant;
        INSERT INTO vital.ledger (phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)
        VALUES (CASE WHEN late.rule = ANY({platform_rules}::text[]) THEN '003_platform_data' ELSE '004_tenant_data' END,
                'rows written without a tenant', 'late', {name}, late.rule, '',
                jsonb_build_object({column}, NULL), jsonb_build_object({column}, late.tenant),
                ARRAY[{key}], 1, 0);
    END IF;
    RETURN NEW;
END

-- name: verdict_on_new_row
-- The verdict about the row that is being written.
WITH batch AS (SELECT NEW.*, true AS vital_open, NULL::tid AS vital_row)
    SELECT v.{tenant} AS tenant, v.rule INTO late FROM ({verdict}) AS v

-- name: verdict_on_new_row_or_none
-- The same, where a row may be an error for an expression: it gets no tenant, and is a finding.
BEGIN
        WITH batch AS (SELECT NEW.*, true AS vital_open, NULL::tid AS vital_row)
        SELECT v.{tenant} AS tenant, v.rule INTO late FROM ({verdict}) AS v;
    EXCEPTION WHEN data_exception THEN
        SELECT NULL::uuid AS tenant, NULL::text AS rule INTO late;
    END

-- name: mark_function
-- Which rules the function follows.
COMMENT ON FUNCTION {function}() IS {digest}

-- name: create_legacy_writer_trigger
-- VITAL's own work passes it by. While an undo clears rows, and afterwards, it is for new rows only: a row that is
-- cleared and that an application changes would get its tenant again.
CREATE OR REPLACE TRIGGER vital_late_writer BEFORE {events} ON {relation}
FOR EACH ROW WHEN (NEW.{tenant} IS NULL AND current_setting('vital.backfill', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION {function}()

-- name: drop_legacy_writer_trigger
-- Rows written from now on keep what their writer gave them.
DROP TRIGGER IF EXISTS vital_late_writer ON {relation}

-- name: drop_function
-- The function was ours.
DROP FUNCTION IF EXISTS {function}()

-- name: has_no_rows_of
-- Predicate on a tenant `t`: the table holds none of its rows.
NOT EXISTS (SELECT 1 FROM {relation} AS row WHERE row.{tenant} = t.id)

-- name: missing_tenant_rows
-- A tenant of the plan that is not there, or not active.
SELECT {name}, wanted.id::text, 'is missing or not active'
FROM unnest({ids}::uuid[]) AS wanted (id)
WHERE NOT EXISTS (SELECT 1 FROM {relation} AS t WHERE t.id = wanted.id AND t.is_active)
