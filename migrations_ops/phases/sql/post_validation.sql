-- name: unassigned_count
-- Rows without a tenant, as one line; each of them is a finding of 004.
SELECT {name}, '', format('%s rows have no tenant', count(*))
FROM {relation} AS t
WHERE t.{tenant} IS NULL
HAVING count(*) > 0

-- name: tenant_in_words
-- Value: a tenant by its slug; with its id where another has the same, and by its id alone where nobody knows it.
COALESCE((
    SELECT r.slug || CASE WHEN EXISTS (SELECT 1 FROM {registry} AS twin WHERE twin.slug = r.slug AND twin.id <> r.id) THEN format(' (%s)', r.id) ELSE '' END
    FROM {registry} AS r
    WHERE r.id = {id}::uuid
), {id}::text)

-- name: slugs_of_tenants
-- Everybody who may own a row.
SELECT id::text, slug::text FROM {relation}

-- name: columns_the_api_needs
-- The API reads these columns.
SELECT {name}, '', format('the column %s is missing', wanted.name)
FROM unnest({columns}::text[]) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass({name}) AND a.attname = wanted.name AND NOT a.attisdropped
)

-- name: inactive_tenants
-- A tenant of the plan that is missing or switched off, other than by a person who has suspended it and said why.
SELECT {name}, wanted.id::text, format('the tenant %s is missing or not active', {words})
FROM unnest({ids}::uuid[]) AS wanted (id)
WHERE NOT EXISTS (
    SELECT
    FROM {relation} AS t
    WHERE t.id = wanted.id
      AND (
          t.is_active
          OR (
              SELECT a.action = 'suspend tenant'
              FROM vital.audit AS a
              WHERE a.action IN ('suspend tenant', 'activate tenant') AND a.facts ->> 'tenant' = t.id::text
              ORDER BY a.id DESC
              LIMIT 1
          )
      )
)

-- name: unregistered
-- A tenant that the registry of the service does not know.
SELECT {name}, t.id::text, format('the tenant %s is not in the registry', t.name)
FROM {relation} AS t
WHERE NOT EXISTS (SELECT FROM vital.tenant AS known WHERE known.id = t.id)

-- name: tenant_without_data
-- A tenant of the plan that owns nothing at all, while there are rows.
SELECT '', {words}, 'owns no row in any table'
FROM unnest({ids}::uuid[]) AS wanted (id)
WHERE ({any_rows})
  AND NOT ({owns_rows})

-- name: has_rows
-- Predicate: the table has rows.
EXISTS (SELECT 1 FROM {relation})

-- name: has_rows_of_wanted
-- Predicate: the table has rows of the tenant.
EXISTS (SELECT 1 FROM {relation} AS t WHERE t.{tenant} = wanted.id)

-- name: platform_owns_none
-- Rows are there, and none is the Platform's.
SELECT {name}, '', 'has rows, but none is the Platform''s'
WHERE EXISTS (SELECT 1 FROM {relation})
  AND NOT EXISTS (SELECT 1 FROM {relation} AS t WHERE t.{tenant} = {platform}::uuid)

-- name: assigned_by_other_rules
-- A row whose tenant is not what the last standing entry of the ledger says; somebody changed it since. (No join: the server
-- may know the ledger or the table as it was before the run, expect a handful of keys and go through all of them for each row.
-- The rows and the entries are one sorted list, each row right before its last entry. Without the LIMIT in sight, for which
-- the server hopes to find some soon.)
WITH moved AS MATERIALIZED (
    SELECT key, assigned, found
    FROM (
        SELECT key, is_row, tenant AS found, lead(tenant) OVER of_key AS assigned, lead(id) OVER of_key AS entry
        FROM (
            SELECT {key} AS key, true AS is_row, NULL::bigint AS id, t.{tenant}::text AS tenant
            FROM {relation} AS t
            UNION ALL
            SELECT key, false, l.id, l.after ->> 'tenant_id'
            FROM vital.ledger AS l
            CROSS JOIN LATERAL unnest(l.keys) AS key
            WHERE l.relation = {name}
              AND l.kind NOT IN ('insert', 'copy', 'reference')
              AND l.undone_at IS NULL
        ) AS each
        WINDOW of_key AS (PARTITION BY key COLLATE "C" ORDER BY id DESC NULLS FIRST)
    ) AS pair
    WHERE is_row
      AND entry IS NOT NULL
      AND found IS DISTINCT FROM assigned
)
SELECT {name}, moved.key, format('was assigned to %s and is now in %s', {before}, COALESCE({now}, 'no tenant'))
FROM moved
LIMIT 1000

-- name: unexplained_rows
-- A row with a tenant that neither the ledger nor the baseline explains: written with it by an application or a person.
-- No join, as in the statement above: whatever the server expects, each key is looked at once.
SELECT {name}, '', format('%s rows got their tenant from whoever wrote them', count(*))
FROM (
    SELECT
    FROM (
        SELECT {key} AS key, true AS is_row FROM {relation} AS t WHERE t.{tenant} IS NOT NULL
        UNION ALL
        SELECT b.key, false FROM vital.baseline_row AS b WHERE b.relation = {name}
        UNION ALL
        SELECT unnest(l.keys), false FROM vital.ledger AS l WHERE l.relation = {name} AND l.undone_at IS NULL
    ) AS each
    GROUP BY key COLLATE "C"
    HAVING bool_and(is_row)
) AS unexplained
HAVING count(*) > 0

-- name: references_across_tenants
-- A row that refers to a row of another customer tenant, unless a person has accepted that.
SELECT {name}, {key}, format('is %s''s and refers by %s to a row of %s in %s', {owner}, {reference_name}, {other}, {parent_name})
FROM {relation} AS t
JOIN {parent} AS p ON {same}
WHERE t.{tenant} IS NOT NULL
  AND p.{tenant} IS NOT NULL
  AND p.{tenant} <> t.{tenant}
  AND p.{tenant} <> {platform}::uuid
  AND NOT {is_accepted}

-- name: is_accepted
-- Predicate: a person has accepted this very reference, of these rows and these tenants.
EXISTS (
    SELECT
    FROM vital.accepted_reference AS accepted
    WHERE accepted.relation = {name}
      AND accepted.columns = {reference_name}
      AND accepted.key = {key}
      AND accepted.parent_key = {parent_key}
      AND accepted.tenant_id = t.{tenant}
      AND accepted.parent_tenant_id = p.{tenant}
)

-- name: invalid_indexes
-- An index that a failed build left behind: it costs writes and helps nobody.
SELECT {name}, '', format('the index %s is invalid: REINDEX INDEX CONCURRENTLY %s', i.indexrelid::regclass, i.indexrelid::regclass)
FROM pg_index AS i
WHERE i.indrelid = to_regclass({name})
  AND NOT i.indisvalid

-- name: no_tenant_index
-- Every policy asks for the tenant: without an index each request reads the whole table.
SELECT {name}, '', 'no valid index leads with the tenant column'
WHERE NOT EXISTS (
    SELECT
    FROM pg_index AS i
    WHERE i.indrelid = to_regclass({name})
      AND i.indisvalid
      AND i.indpred IS NULL
      AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column})
)

-- name: no_legacy_writer_trigger
-- Rows that old code writes would stay without a tenant.
SELECT {name}, '', 'the trigger for rows written without a tenant is missing or switched off'
WHERE NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass({name}) AND tgname = 'vital_late_writer' AND tgenabled IN ('O', 'A')
)

-- name: roles_that_bypass_row_level_security
-- Roles that row level security does not bind, by a login or as one, or that see as much as before.
SELECT '', '', format('%s passes row level security by (%s)', rolname, CASE WHEN rolsuper THEN 'superuser' ELSE 'BYPASSRLS' END)
FROM pg_roles
WHERE (rolsuper OR rolbypassrls)
  AND (rolcanlogin OR EXISTS (SELECT FROM pg_auth_members AS m JOIN pg_roles AS l ON l.oid = m.member AND l.rolcanlogin WHERE m.roleid = pg_roles.oid))
UNION ALL
SELECT DISTINCT '', '', format('%s still sees and writes what it did before: it has grants of its own on the platform''s tables', grantee.rolname)
FROM pg_class AS c
CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS acl
JOIN pg_roles AS grantee ON grantee.oid = acl.grantee
WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND grantee.rolname <> ALL(ARRAY['vital_tenant', 'vital_operator'] || {bound}::text[])
  AND NOT grantee.rolsuper
  AND NOT grantee.rolbypassrls
UNION ALL
SELECT DISTINCT '', '', format('everybody (PUBLIC) has grants on %s', c.oid::regclass)
FROM pg_class AS c
CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS acl
WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
  AND acl.grantee = 0

-- name: definer_functions
-- Functions that run as their owner show whatever the owner sees.
SELECT '', '', format('the function %s is SECURITY DEFINER: what it returns is not filtered', p.oid::regprocedure)
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.prosecdef
  AND n.nspname = ANY({schemas}::text[])
