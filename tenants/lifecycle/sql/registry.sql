-- name: tenants
-- Every tenant with what is set for it.
SELECT t.id::text, t.slug::text, t.name::text, t.domain::text, t.compliance_level::text, t.is_active,
       COALESCE(t.settings, '{{}}'), COALESCE(t.metadata, '{{}}')
FROM {registry} AS t
ORDER BY t.name, t.id

-- name: hold_registry
-- Tenants are made and changed one after the other, so that each sees what the one before has done.
SELECT pg_advisory_xact_lock(22089, 3)

-- name: hosts
-- The names under which tenants are known, the primary one first.
SELECT tenant_id::text, domain, is_primary FROM vital.domain ORDER BY tenant_id, is_primary DESC, domain

-- name: aliases
-- Further ids of tenants.
SELECT tenant_id::text, id::text FROM vital.tenant_alias ORDER BY tenant_id, id

-- name: counts_of_table
-- Fragment: rows of a table that are one tenant's, up to so many.
SELECT {name}, count(*) FROM (SELECT 1 FROM {relation} WHERE {tenant} = {id}::uuid LIMIT %(most)s::bigint + 1) AS row

-- name: add_tenant
-- A tenant's record.
INSERT INTO {registry} (id, name, slug, domain, compliance_level, settings, metadata)
VALUES (%(id)s::uuid, %(name)s::text, %(slug)s::text, %(domain)s::text, %(compliance_level)s::text::{level}, %(settings)s, %(metadata)s)

-- name: register_tenant
-- The same tenant in django-tenants' registry.
INSERT INTO vital.tenant (id, schema_name, isolation) VALUES (%(id)s::uuid, 'pooled_' || replace(%(id)s::text, '-', ''), 'pooled')

-- name: add_host
-- A name under which it is known.
INSERT INTO vital.domain (domain, is_primary, tenant_id) VALUES (lower(%(domain)s::text), %(is_primary)s::boolean, %(id)s::uuid)

-- name: drop_host
-- A name under which it is known no longer.
DELETE FROM vital.domain WHERE domain = %(domain)s::text

-- name: add_alias
-- A further id by which it is known.
INSERT INTO vital.tenant_alias (id, tenant_id) VALUES (%(alias)s::uuid, %(id)s::uuid)

-- name: drop_alias
-- A further id of the tenant's by which it is known no longer.
DELETE FROM vital.tenant_alias WHERE id = %(alias)s::uuid AND tenant_id = %(id)s::uuid RETURNING id::text

-- name: put_host_first
-- The tenant's domain before its other names, all of which stay; without one none is the first.
WITH others AS (
    UPDATE vital.domain SET is_primary = false WHERE tenant_id = %(id)s::uuid AND is_primary AND domain IS DISTINCT FROM %(domain)s::text
)
INSERT INTO vital.domain (domain, is_primary, tenant_id)
SELECT %(domain)s::text, true, %(id)s::uuid
WHERE %(domain)s::text IS NOT NULL
ON CONFLICT (domain) DO UPDATE SET is_primary = true

-- name: change_tenant
-- What is set for a tenant.
UPDATE {registry}
SET name = %(name)s::text, domain = %(domain)s::text, compliance_level = %(compliance_level)s::text::{level}, is_active = %(is_active)s::boolean, settings = %(settings)s
WHERE id = %(id)s::uuid

-- name: is_completed
-- Whether the last record of a phase, in runs of the whole, says that it is completed.
SELECT COALESCE((
    SELECT p.status = 'completed'
    FROM vital.phase_run AS p
    JOIN vital.run AS r ON r.id = p.run_id
    WHERE p.phase = %(phase)s AND r.scope = ''
    ORDER BY p.id DESC
    LIMIT 1
), false)
