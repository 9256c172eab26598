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
-- Whether they lack what this version reads.
SELECT to_regclass('vital.phase_run') IS NOT NULL
   AND (to_regproc('vital.key_hashes') IS NULL
        OR NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('vital.baseline') AND attname = 'files'))

-- name: is_operator
-- Whether this session has put the operators' role on.
SELECT current_user = 'vital_operator'

-- name: who
-- Which database this is, and as whom.
SELECT current_database(), current_user, current_setting('server_version')
