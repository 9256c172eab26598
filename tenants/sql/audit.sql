-- name: note_audit
-- Somebody did something, and says why.
INSERT INTO vital.audit (who, action, reason, facts) VALUES (%(who)s::text, %(action)s::text, %(reason)s::text, %(facts)s)

-- name: last_backup_from_before
-- The last backup that was taken while nothing of a migration stood.
SELECT at, facts FROM vital.audit WHERE action = 'backup' AND facts ->> 'migrated' = 'false' ORDER BY id DESC LIMIT 1

-- name: latest_audit
-- What was done last.
SELECT at, who, action, reason FROM vital.audit ORDER BY id DESC LIMIT 5
