-- name: note_audit
-- Somebody did something, and says why.
INSERT INTO vital.audit (who, action, reason, facts) VALUES (%(who)s::text, %(action)s::text, %(reason)s::text, %(facts)s)

-- name: latest_audit
-- What was done last.
SELECT at, who, action, reason FROM vital.audit ORDER BY id DESC LIMIT 5
