-- name: create_business_functions
-- What a tenant does.
CREATE TABLE {relation} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES {registry} (id),
    name text NOT NULL,
    description text,
    department text,
    healthcare_category text,
    regulatory_requirements text[] NOT NULL DEFAULT '{{}}',
    metadata jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
)

-- name: create_org_departments
-- How a tenant is organised.
CREATE TABLE {relation} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES {registry} (id),
    code text NOT NULL,
    name text NOT NULL,
    description text,
    parent_department_id uuid REFERENCES {relation} (id),
    level integer NOT NULL DEFAULT 1,
    healthcare_domain text,
    clinical_area text,
    is_active boolean NOT NULL DEFAULT true,
    metadata jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, code)
)

-- name: create_organizational_levels
-- Who decides what in a tenant.
CREATE TABLE {relation} (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES {registry} (id),
    code text NOT NULL,
    name text NOT NULL,
    description text,
    level_number integer NOT NULL,
    parent_level_id uuid REFERENCES {relation} (id),
    role_type text,
    default_permissions jsonb NOT NULL DEFAULT '{{}}',
    is_active boolean NOT NULL DEFAULT true,
    metadata jsonb NOT NULL DEFAULT '{{}}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, code)
)

-- name: category_of_tools
-- The category as text, where old code knows only its id.
SELECT batch.vital_row, c.name AS category, 'the name of its category' AS rule
FROM batch
JOIN public.tool_categories AS c ON c.id = batch.category_id

-- name: touch_updated_at
-- As the platform's own tables do it.
CREATE TRIGGER {trigger} BEFORE UPDATE ON {relation} FOR EACH ROW EXECUTE FUNCTION vital.touch_updated_at()

-- name: drop_touch_updated_at
-- Where the table is gone, so is its trigger, and this is a notice.
DROP TRIGGER IF EXISTS {trigger} ON {relation}

-- name: updated_at_is_touched
-- Somebody's trigger does it, or ours.
SELECT EXISTS (
    SELECT FROM pg_trigger AS g
    JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE g.tgrelid = to_regclass({name}) AND NOT g.tgisinternal AND g.tgtype & 19 = 19 AND p.prosrc ~ 'updated_at'
)

-- name: missing_departments
-- Departments of the plan that a tenant lacks.
SELECT wanted.*
FROM unnest({tenants}::uuid[], {codes}::text[], {names}::text[], {descriptions}::text[], {domains}::text[])
     AS wanted (tenant_id, code, name, description, healthcare_domain)
WHERE NOT EXISTS (SELECT 1 FROM {relation} AS d WHERE d.tenant_id = wanted.tenant_id AND d.code = wanted.code)

-- name: missing_levels
-- Levels of the plan that a tenant lacks.
SELECT wanted.*
FROM unnest({tenants}::uuid[], {codes}::text[], {names}::text[], {numbers}::integer[], {descriptions}::text[], {roles}::text[])
     AS wanted (tenant_id, code, name, level_number, description, role_type)
WHERE NOT EXISTS (SELECT 1 FROM {relation} AS l WHERE l.tenant_id = wanted.tenant_id AND l.code = wanted.code)

-- name: missing_functions
-- Business functions of the plan that a tenant lacks. Lists of different length are no array of arrays: each is JSON.
SELECT wanted.tenant_id, wanted.name, wanted.department, wanted.description, wanted.healthcare_category,
       ARRAY(SELECT jsonb_array_elements_text(wanted.requirements::jsonb)) AS regulatory_requirements
FROM unnest({tenants}::uuid[], {names}::text[], {departments}::text[], {descriptions}::text[], {categories}::text[], {requirements}::text[])
     AS wanted (tenant_id, name, department, description, healthcare_category, requirements)
WHERE NOT EXISTS (SELECT 1 FROM {relation} AS f WHERE f.tenant_id = wanted.tenant_id AND f.name = wanted.name)

-- name: most_tool_assignments
-- Value: more tools are never assigned.
((SELECT count(*) FROM {tools} AS t WHERE t.is_active) * (SELECT count(*) FROM {agents} AS a WHERE a.tier::text = 'tier_3'))

-- name: missing_tool_assignments
-- Each active Platform tool for each tier 3 agent of a customer tenant that lacks it.
SELECT a.id AS agent_id, t.id AS tool_id, true AS is_enabled, false AS auto_use, COALESCE(c.display_order, 0) AS priority,
       a.tenant_id
FROM {agents} AS a
CROSS JOIN {tools} AS t
LEFT JOIN public.tool_categories AS c ON c.id = t.category_id
WHERE a.tier::text = 'tier_3'
  AND a.tenant_id = ANY({customers})
  AND t.tenant_id = {platform}
  AND t.is_active
  AND NOT EXISTS (
      SELECT 1 FROM public.agent_tool_assignments AS x WHERE x.agent_id = a.id AND x.tool_id = t.id
  )

-- name: close_to_others
-- Nobody saw this table before: what default privileges have just given away on it is taken back.
DO $close$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        FROM pg_class AS c
        CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
        WHERE c.oid = to_regclass({name})
          AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', to_regclass({name}), grantee);
    END LOOP;
END
$close$
