-- name: own_connections
-- The connections of every worker, by what they are doing.
SELECT COALESCE(state, 'unknown'), count(*) FROM pg_stat_activity WHERE usename = session_user GROUP BY 1

-- name: add_traffic
-- What a process has counted since it last wrote, added to what all have.
INSERT INTO vital.traffic AS known (hour, tenant_id, requests, refused, failed)
SELECT to_timestamp(counted.hour), counted.tenant, counted.requests, counted.refused, counted.failed
FROM unnest(%(hours)s::bigint[], %(tenants)s::uuid[], %(requests)s::bigint[], %(refused)s::bigint[], %(failed)s::bigint[])
     AS counted (hour, tenant, requests, refused, failed)
ORDER BY counted.hour, counted.tenant
ON CONFLICT (hour, tenant_id) DO UPDATE
SET requests = known.requests + excluded.requests,
    refused = known.refused + excluded.refused,
    failed = known.failed + excluded.failed

-- name: forget_old_traffic
-- Hours that nobody is shown any more.
DELETE FROM vital.traffic WHERE hour < now() - make_interval(days => %(days)s)
