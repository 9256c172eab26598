-- name: take_baseline
-- A table's rows and fingerprint before anything changes. The first baseline stays.
-- Where others are at work, `seen` tells their finished transactions from those that are still open.
INSERT INTO vital.baseline (relation, columns, relid, files, rows, fingerprint, deletes, snapshot, seen)
SELECT %(relation)s::text, %(columns)s::text[], to_regclass(%(relation)s::text), ARRAY({files}), count(*), COALESCE(sum({hash}), 0), ({deletes}), pg_current_snapshot()::text,
       COALESCE(array_agg(DISTINCT whole.number) FILTER (WHERE whole.number >= clock.oldest), '{{}}')
FROM {table} AS t
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest) AS clock
CROSS JOIN LATERAL (SELECT {whole_number}) AS whole (number)
ON CONFLICT (relation) DO NOTHING

-- name: rows_deleted
-- How many rows were ever deleted from a table and its partitions, as far as the server has counted by now.
SELECT COALESCE(sum(s.n_tup_del), 0)
FROM pg_stat_all_tables AS s
WHERE s.relid IN (
    WITH RECURSIVE family AS (
        SELECT to_regclass(%(relation)s::text)::oid AS oid
        UNION
        SELECT i.inhrelid FROM pg_inherits AS i JOIN family ON i.inhparent = family.oid
    )
    SELECT oid FROM family
)

-- name: files_of_rows
-- The files that hold a table's rows, its partitions' included. Whatever rewrites or empties a table begins new ones.
SELECT pg_relation_filenode(leaf.oid)::bigint
FROM (
    SELECT to_regclass(%(relation)s::text)::oid AS oid
    UNION
    SELECT t.relid FROM pg_partition_tree(to_regclass(%(relation)s::text)) AS t WHERE t.isleaf
) AS leaf
WHERE pg_relation_filenode(leaf.oid) IS NOT NULL

-- name: whole_number
-- A row's version carries the low half of its transaction's number; the whole one is the last before now that ends in it.
(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
- mod((SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - {version}::text::bigint, 4294967296)

-- name: baseline_columns
-- The columns that the baseline's fingerprint is made of.
SELECT columns FROM vital.baseline WHERE relation = %(relation)s::text

-- name: baselines
-- The tables that have one.
SELECT relation FROM vital.baseline ORDER BY relation

-- name: note_rows_with_tenant
-- Rows that stood in a tenant at the baseline, one by one.
INSERT INTO vital.baseline_row (relation, key, tenant_id)
SELECT %(relation)s::text, {key}, {tenant}
FROM {table} AS t
WHERE {tenant} IS NOT NULL
ON CONFLICT DO NOTHING

-- name: compare_with_baseline
-- The table now against its baseline: rows, fingerprint, and how much others wrote meanwhile.
-- Rows that VITAL inserted are left out; foreign writes are versions that no batch of ours made. Rows that nobody deleted
-- one by one, and whose files are others by now, went with a TRUNCATE or a partition: VITAL does neither.
WITH base AS (
    SELECT * FROM vital.baseline WHERE relation = %(relation)s::text
), inserted AS (
    SELECT unnest(keys) AS key
    FROM vital.ledger
    WHERE relation = %(relation)s::text
      AND kind IN ('insert', 'copy')
      AND undone_at IS NULL
), now AS (
    SELECT count(*) AS rows,
           COALESCE(sum({hash}), 0) AS fingerprint,
           count(*) FILTER (
               WHERE {is_foreign}
           ) AS written
    FROM {table} AS t
    WHERE NOT EXISTS (SELECT FROM inserted AS i WHERE i.key = {key})
), overwritten AS (
    SELECT COALESCE(sum(foreign_writes), 0) AS writes
    FROM vital.step_run
    WHERE relation = %(relation)s::text
), deleted AS (
    SELECT ({deletes}) AS rows
), removed_by_us AS (
    SELECT COALESCE(sum(rows - COALESCE(cardinality(conflicts), 0)), 0) AS rows
    FROM vital.ledger
    WHERE relation = %(relation)s::text
      AND kind IN ('insert', 'copy')
      AND undone_at IS NOT NULL
)
SELECT base.rows, now.rows, base.fingerprint::text, now.fingerprint::text,
       now.written + overwritten.writes + greatest(deleted.rows - base.deletes - removed_by_us.rows, 0),
       NOT base.files <@ ARRAY({files}) AND base.rows - now.rows > greatest(deleted.rows - base.deletes, 0)
FROM base, now, overwritten, deleted, removed_by_us

-- name: forget_baseline
-- The table's baseline no longer counts.
DELETE FROM vital.baseline WHERE relation = %(relation)s::text

-- name: forget_baseline_rows
-- Nor who stood in a tenant then.
DELETE FROM vital.baseline_row WHERE relation = %(relation)s::text

-- name: is_foreign
-- Predicate on a row's version: somebody else wrote it after the baseline. (Not asked of the snapshot itself, which
-- takes the number of an open savepoint for one that is over. No subquery depends on the row: each is asked once. A batch of rows of many tenants has many
-- entries and one transaction: DISTINCT, or the server would take the list for too long to be kept in memory.)
COALESCE(
    {whole_number} >= (
        SELECT pg_snapshot_xmin(base.snapshot::pg_snapshot)::text::bigint FROM vital.baseline AS base WHERE base.relation = %(relation)s::text
    )
    AND {whole_number} <> ALL((SELECT base.seen FROM vital.baseline AS base WHERE base.relation = %(relation)s::text)::bigint[])
    AND {whole_number} NOT IN (
        SELECT DISTINCT ours.transaction FROM vital.ledger AS ours WHERE ours.relation = %(relation)s::text AND ours.kind NOT IN ('late', 'reference')
        UNION ALL
        SELECT DISTINCT ours.undone_in FROM vital.ledger AS ours WHERE ours.relation = %(relation)s::text AND ours.undone_in IS NOT NULL
    ),
    false
)
