-- name: maintenance
-- Since when maintenance is on, by whom, why, and for which run; no row where it is off.
SELECT since, by, reason, run_id FROM vital.maintenance

-- name: maintenance_on
-- From now on; where it is on already, it stays as it was switched on, but a run takes it over from an earlier one.
INSERT INTO vital.maintenance (id, by, reason, run_id)
VALUES (1, %(who)s::text, %(reason)s::text, %(run)s)
ON CONFLICT (id) DO UPDATE SET run_id = EXCLUDED.run_id, reason = EXCLUDED.reason
    WHERE maintenance.run_id <> EXCLUDED.run_id
RETURNING id

-- name: maintenance_off
-- Off, where it is on for this run, or whatever it is on for.
DELETE FROM vital.maintenance WHERE run_id = %(run)s OR %(run)s::bigint IS NULL RETURNING id
