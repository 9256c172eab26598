-- name: is_unassigned
-- Predicate on `t`: the row has no tenant.
t.{tenant} IS NULL

-- name: decided_by_person
-- Predicate on `t`: a person has decided about the row, and it is not so yet.
EXISTS (
    SELECT
    FROM vital.override AS person
    WHERE person.relation = {name}
      AND person.key = {key}
      AND person.tenant_id IS DISTINCT FROM t.{tenant}
)

-- name: stood_at_baseline
-- Predicate on `t`: the row had this tenant before the migration; rows written with one later are never moved.
EXISTS (
    SELECT
    FROM vital.baseline_row AS stood
    WHERE stood.relation = {name}
      AND stood.key = {key}
      AND stood.tenant_id = t.{tenant}
)

-- name: unassigned_rows
-- A row matches no rule. It is not guessed: it needs a manual decision. One that refuses its tenant is another matter.
SELECT {name}, {key}, 'no rule gives it a tenant' || {evidence}
FROM {relation} AS t
WHERE t.{tenant} IS NULL
  AND {key} NOT IN (SELECT f.key FROM vital.failing_row AS f WHERE f.relation = {name} AND f.step = {step})

-- name: rows_that_refuse
-- A row has refused its tenant, and nobody has given it one since.
SELECT {name}, f.key,
       format('refuses its tenant: %s%s. Correct the row, or what refuses it, and run again', f.message, ' (SQLSTATE ' || NULLIF(f.sqlstate, '') || ')')
FROM vital.failing_row AS f
JOIN {relation} AS t ON {same_row}
WHERE f.relation = {name}
  AND f.step = {step}
  AND f.before = {before}
ORDER BY f.id

-- name: unnoted_rows
-- Whether such a row is no finding yet. Where there are more than are kept as findings, nobody can say.
SELECT EXISTS (
    SELECT
    FROM {relation} AS t
    WHERE t.{tenant} IS NULL
      AND NOT EXISTS (SELECT FROM vital.failing_row AS f WHERE f.relation = {name} AND f.step = {step} AND f.key = {key})
      AND NOT EXISTS (SELECT FROM vital.finding AS f WHERE f.check_name = {check} AND f.relation = {name} AND f.key = {key})
)
   AND (SELECT count(*) FROM vital.finding WHERE check_name = {check}) < {kept}

-- name: some_unassigned
-- How many rows have no tenant; beyond some thousand nobody counts.
SELECT count(*) FROM (SELECT 1 FROM {relation} AS t WHERE t.{tenant} IS NULL LIMIT 10000) AS few

-- name: has_tenant_index
-- Whether a valid index leads with the tenant column, and a failed attempt has left none of ours.
SELECT NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({index_name}) AND NOT indisvalid) AND EXISTS (
    SELECT
    FROM pg_index AS i
    WHERE i.indrelid = to_regclass({name})
      AND i.indisvalid
      AND i.indpred IS NULL
      AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column})
)

-- name: create_tenant_index
-- After the backfill, so that it has one index less to maintain.
CREATE INDEX CONCURRENTLY {index} ON {relation} ({tenant})

-- name: create_page_index
-- What a page asks for, behind the tenant.
CREATE INDEX CONCURRENTLY {index} ON {relation} ({columns}) {where}

-- name: create_ledger_index
-- After the backfill as well. Without it every entry's keys are unpacked to find those that hold a row.
CREATE INDEX CONCURRENTLY {index} ON {relation} USING gin (vital.key_hashes(keys))

-- name: drop_index
-- Also what a failed attempt has left: CREATE INDEX CONCURRENTLY leaves an invalid index behind.
DROP INDEX CONCURRENTLY IF EXISTS {index}
