-- name: is_there
-- Whether VITAL's own tables are there.
SELECT to_regclass('vital.phase_run') IS NOT NULL

-- name: latest_records
-- How the phases ended, the latest first.
SELECT phase, status FROM vital.phase_run ORDER BY id DESC LIMIT 100
