-- name: own_connections
-- The connections of every worker, by what they are doing.
SELECT COALESCE(state, 'unknown'), count(*) FROM pg_stat_activity WHERE usename = session_user GROUP BY 1
