-- name: latest_records
-- How the phases of the whole ended, and the error of each, the latest first; a canary's do not count.
SELECT p.phase, p.status, COALESCE(p.error ->> 'message', '')
FROM vital.phase_run AS p
JOIN vital.run AS r ON r.id = p.run_id AND r.scope = ''
ORDER BY p.id DESC
LIMIT 100
