-- name: is_set_up
-- Whether VITAL's own tables are there.
SELECT to_regclass('vital.phase_run') IS NOT NULL

-- name: has_audit
-- Whether there is a place to write down what people did.
SELECT to_regclass('vital.audit') IS NOT NULL

-- name: has_maintenance
-- Whether maintenance can be switched here.
SELECT to_regclass('vital.maintenance') IS NOT NULL

-- name: is_of_an_earlier_vital
-- Whether they lack what this version reads; asked of the catalogue, as a login may not use the schema by itself.
SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'phase_run')
   AND NOT (
       EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid AND proname = 'key_hashes')
       AND EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname IN ('failing_row', 'tenant_alias', 'traffic', 'accepted_reference', 'row_copy', 'restore_entry') HAVING count(*) = 6)
       AND EXISTS (
           SELECT FROM pg_class AS c
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'files'
           WHERE c.relnamespace = n.oid AND c.relname = 'baseline'
       )
       AND EXISTS (
           SELECT FROM pg_class AS c
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'reason'
           WHERE c.relnamespace = n.oid AND c.relname = 'run'
       )
   )
FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = 'vital')) AS n (oid)

-- name: is_operator
-- Whether this session has put the operators' role on.
SELECT current_user = 'vital_operator'

-- name: who
-- Which database this is, and as whom.
SELECT current_database(), current_user, current_setting('server_version')
