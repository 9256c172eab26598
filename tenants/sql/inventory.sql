-- name: every_tenant
-- Everybody the fence is to keep apart.
SELECT id::text, name::text FROM {relation} ORDER BY name, id
