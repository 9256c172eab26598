-- name: last_measurement
-- When recall was last measured, and what came of it.
SELECT at, facts FROM vital.audit WHERE action = %(action)s::text ORDER BY id DESC LIMIT 1
