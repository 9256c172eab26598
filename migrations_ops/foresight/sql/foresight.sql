-- name: foreseen_rows
-- Each row of a table: its tenant now, the rules that match, the one that will decide, and its tenant after 003 and 004.
-- (OFFSET 0: every condition is asked once for each row, however often its answer is used.)
SELECT found.*,
       {early} AS vital_early,
       COALESCE(found.vital_person, {first_tenant}, {second_tenant}, found.vital_now) AS vital_after,
       CASE WHEN found.vital_person IS NOT NULL THEN -1 ELSE COALESCE(found.vital_first, found.vital_second) END AS vital_rule
FROM (
    SELECT batch.*, {first} AS vital_first, {second} AS vital_second
    FROM (
        SELECT batch.*, {facts}
        FROM {relation} AS batch
        {joins}
        OFFSET 0
    ) AS batch
) AS found

-- name: tenant_after_first
-- A row's tenant when 003 is done, where it decides about the table.
COALESCE(found.vital_person, {first_tenant}, found.vital_now)

-- name: joined_person
-- What a person has decided about a row.
LEFT JOIN vital.override AS person ON person.relation = {name} AND person.key = {key}

-- name: joined_baseline
-- The tenant a row had before the migration, if it still has it.
LEFT JOIN vital.baseline_row AS stood ON stood.relation = {name} AND stood.key = {key} AND stood.tenant_id = batch.{tenant}

-- name: joined_last_entry
-- Which phase has decided about a row last, and by which rule.
LEFT JOIN (
    SELECT DISTINCT ON (key) key, l.phase, l.rule
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE l.relation = {name}
      AND l.undone_at IS NULL
    ORDER BY key, l.id DESC
) AS entry ON entry.key = {key}

-- name: decided_again
-- The phase that decides about the row again, as its rules have changed since.
CASE WHEN entry.phase = ANY({changed}::text[]) THEN entry.phase END

-- name: joined_parent
-- The row that a row follows, with its own tenant after the run.
LEFT JOIN ({rows}) AS {alias} ON {alias}.{key} = {reference}

-- name: foreseen_groups
-- A table's rows by what will become of them, with two of their keys each; the table is read once.
SELECT {grouped}, count(*), min({key} COLLATE "C"), max({key} COLLATE "C")
FROM ({rows}) AS t
{joins}
GROUP BY {places}

-- name: foreign_tenant
-- The tenant of a row that is referred to, where it is another customer's.
CASE WHEN {parent} <> t.vital_after AND {parent} <> {platform}::uuid THEN {parent} END

-- name: rows_of_samples
-- What the rules read in these rows.
SELECT wanted.key, {values}
FROM unnest(%(keys)s::text[]) AS wanted (key)
JOIN {relation} AS t ON {same_row}

-- name: columns_after_run
-- A table as it will be, for a question that another step asks of it.
(SELECT {columns}, t.vital_after AS {tenant} FROM ({rows}) AS t)

-- name: added_rows
-- How many rows each tenant will get from a step that adds some.
SELECT added.{tenant}::text, count(*) FROM ({rows}) AS added GROUP BY 1

-- name: slugs_of_tenants
-- Everybody who may own a row.
SELECT id::text, slug::text FROM {relation}

-- name: has_baseline
-- Whether the table as it was before the migration is remembered.
SELECT EXISTS (SELECT FROM vital.baseline WHERE relation = %(relation)s::text)

-- name: two_foresights
-- Rows that two plans put into different tenants, with two of their keys each.
SELECT one.vital_after, other.vital_after, one.vital_rule, other.vital_rule, other.vital_stands_by, count(*),
       min({key} COLLATE "C"), max({key} COLLATE "C")
FROM ({one}) AS one
JOIN ({other}) AS other ON {same_row}
WHERE one.vital_after IS DISTINCT FROM other.vital_after
GROUP BY one.vital_after, other.vital_after, one.vital_rule, other.vital_rule, other.vital_stands_by
