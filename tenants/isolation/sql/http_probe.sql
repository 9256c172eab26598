-- name: sees_own_schema
-- Whether the login sees VITAL's tables by itself; the service's does not.
SELECT COALESCE(has_schema_privilege(to_regnamespace('vital')::oid, 'USAGE'), true)

-- name: tenants_to_call
-- Who may call the service.
SELECT id::text, name::text, slug::text FROM {relation} WHERE is_active ORDER BY name, id

-- name: remove_marked
-- What was planted for the service, by this run or by one that was killed.
DELETE FROM {relation} AS t WHERE t.{mark} LIKE {pattern}

-- name: row_now
-- Whether an attacked row is still as it was planted.
SELECT to_jsonb(t) FROM {relation} AS t WHERE {rows}

-- name: rows_in_its_name
-- Whether a row that somebody else sent has landed with the victim.
SELECT count(*) FROM {relation} AS t WHERE t.{tenant} = {victim}::uuid AND t.{mark} = {code}
