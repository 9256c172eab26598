-- name: every_tenant
-- Everybody whom isolation keeps apart.
SELECT id::text, name::text FROM {relation} ORDER BY name, id
