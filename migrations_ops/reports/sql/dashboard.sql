-- name: last_change
-- What differs once VITAL has changed anything; each is found by its index.
SELECT (SELECT max(id) FROM vital.ledger), (SELECT max(id) FROM vital.audit), (SELECT max(id) FROM vital.override),
       (SELECT max(id) FROM vital.phase_run), r.id, r.status, r.seen_at, r.finished_at
FROM (SELECT max(id) AS id FROM vital.run) AS last
LEFT JOIN vital.run AS r ON r.id = last.id

-- name: names_of_tenants
-- What these tenants are called.
SELECT id::text, name::text FROM {registry} WHERE id = ANY(%(ids)s::uuid[])

-- name: traffic_by_hour
-- Requests of the last hours, of the busiest tenants each and of all others together (null).
WITH recent AS (
    SELECT hour, tenant_id, requests, refused, failed
    FROM vital.traffic
    WHERE hour > date_trunc('hour', now()) - make_interval(hours => %(hours)s)
),
busiest AS (
    SELECT tenant_id FROM recent WHERE tenant_id <> %(none)s::uuid GROUP BY tenant_id ORDER BY sum(requests) DESC, tenant_id LIMIT %(most)s
)
SELECT extract(epoch FROM r.hour)::bigint,
       CASE WHEN b.tenant_id IS NOT NULL OR r.tenant_id = %(none)s::uuid THEN r.tenant_id::text END,
       sum(r.requests)::bigint, sum(r.refused)::bigint, sum(r.failed)::bigint
FROM recent AS r
LEFT JOIN busiest AS b ON b.tenant_id = r.tenant_id
GROUP BY 1, 2
ORDER BY 1, 2

-- name: size_of_table
-- How big a table is, its partitions counted in: pages on disk, and rows as the last ANALYZE saw them.
WITH RECURSIVE family AS (
    SELECT to_regclass(%(relation)s::text)::oid AS oid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN family ON i.inhparent = family.oid
)
SELECT COALESCE(sum(pg_relation_size(c.oid) / current_setting('block_size')::bigint), 0)::bigint, COALESCE(sum(greatest(c.reltuples, 0)), 0)::bigint
FROM family
JOIN pg_class AS c ON c.oid = family.oid AND c.relkind = 'r'

-- name: rows_by_tenant
-- How many rows of a sample of the table's pages each tenant has.
SELECT t.{tenant}::text, count(*) FROM {relation} AS t {sample} GROUP BY 1

-- name: sample_of_pages
-- Fragment: some percent of the table's pages, the same ones each time so that the picture stands still.
TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)

-- name: legacy_writes_since
-- Rows written without a tenant, which got theirs on the way, since a moment.
SELECT relation, sum(rows)::bigint FROM vital.ledger WHERE kind = 'late' AND undone_at IS NULL AND written_at > %(since)s GROUP BY 1 ORDER BY 2 DESC

-- name: tables_not_isolated
-- Tables whose row level security is not on, or not forced where the plan wants it.
SELECT t
FROM unnest(%(tables)s::text[]) AS t
JOIN pg_class AS c ON c.oid = to_regclass(t)
WHERE NOT (c.relrowsecurity AND (c.relforcerowsecurity OR NOT %(force_owner)s))
ORDER BY t

-- name: connections_by_state
-- Everybody's connections to this database, as far as this role may see what they do.
-- What kind of process it is, is hidden from it as well.
SELECT COALESCE(state, 'not shown to this role'), count(*)
FROM pg_stat_activity
WHERE datname = current_database()
  AND COALESCE(backend_type, 'client backend') = 'client backend'
GROUP BY 1
ORDER BY 2 DESC
