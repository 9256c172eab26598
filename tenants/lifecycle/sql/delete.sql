-- name: refer_into
-- How many rows of others refer to the tenant's rows by this foreign key.
SELECT count(*)
FROM {child} AS c
JOIN {parent} AS t ON {same}
WHERE t.{tenant} = {id}::uuid
  AND c.{tenant} IS DISTINCT FROM {id}::uuid

-- name: take_rows_out
-- A tenant's rows of a table.
DELETE FROM {relation} WHERE {tenant} = {id}::uuid

-- name: forget_decisions
-- People's decisions that rows are this tenant's.
DELETE FROM vital.override WHERE tenant_id = %(id)s::uuid

-- name: put_on_who_may
-- Before a login of the service was made, keys and memberships are the owner's alone.
SELECT set_config('role', CASE WHEN has_table_privilege(current_user, 'vital.api_key', 'UPDATE') THEN current_user ELSE 'none' END, true)

-- name: forget_access
-- Who may look into it, and the keys that open it: its own are revoked, one of several tenants loses this one.
WITH members AS (
    DELETE FROM vital.membership WHERE tenant_id = %(id)s::uuid
)
UPDATE vital.api_key
SET revoked_at = CASE WHEN tenants[1] = %(id)s::uuid THEN COALESCE(revoked_at, now()) ELSE revoked_at END,
    tenants = CASE WHEN tenants[1] = %(id)s::uuid THEN tenants ELSE array_remove(tenants, %(id)s::uuid) END
WHERE %(id)s::uuid = ANY(tenants)

-- name: forget_hosts
-- The names under which it was known.
DELETE FROM vital.domain WHERE tenant_id = %(id)s::uuid

-- name: forget_aliases
-- The further ids by which it was known.
DELETE FROM vital.tenant_alias WHERE tenant_id = %(id)s::uuid

-- name: forget_registered
-- Its place in the registry.
DELETE FROM vital.tenant WHERE id = %(id)s::uuid

-- name: forget_record
-- Its record in the platform's table of tenants.
DELETE FROM {registry} WHERE id = %(id)s::uuid
