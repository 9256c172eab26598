-- name: rows_of_tenants
-- How many vectors each tenant has, the largest first.
SELECT {tenant}::text, count(*) FROM {relation} WHERE {vector} IS NOT NULL AND {tenant} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1

-- name: measuring_as
-- Until the transaction ends this session is the tenant, as the service makes it, and leaves off what takes too long.
-- A plan of a single statement is compared, so that no other process helps with it.
SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', %(tenant)s, true),
       set_config('statement_timeout', %(timeout)s, true), set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)

-- name: try_setting
-- One setting, until the transaction ends.
SELECT set_config(%(name)s, %(value)s, true)

-- name: without_approximate_index
-- From here on nothing is read in the order of an index: what is nearest is found by sorting. An index on the tenant
-- column still serves, as a bitmap.
SELECT set_config('enable_indexscan', 'off', true), set_config('enable_indexonlyscan', 'off', true)

-- name: with_indexes_again
-- The reverse.
SELECT set_config('enable_indexscan', 'on', true), set_config('enable_indexonlyscan', 'on', true)

-- name: same_sample
-- The same rows are chosen each time.
SELECT setseed(0.42)

-- name: some_vectors
-- Some of the tenant's own vectors, as texts.
SELECT ({vector})::text FROM {relation} WHERE {tenant} = %(tenant)s::uuid AND {vector} IS NOT NULL AND random() < %(part)s LIMIT %(most)s

-- name: nearest
-- The distances of the nearest rows that the tenant sees, as an application asks for them.
SELECT (({vector}) {operator} %(query)s::{kind})::double precision
FROM {relation}{where}
ORDER BY ({vector}) {operator} %(query)s::{kind}
LIMIT %(wanted)s

-- name: plan_of_nearest
-- How the server answers that.
EXPLAIN (FORMAT JSON) {statement}

-- name: naming_the_tenant
-- A part of that question where an application names the tenant as a constant, which policies never do.
 WHERE {tenant} = {key}::uuid
