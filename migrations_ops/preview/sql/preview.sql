-- name: whole_table_settings
-- The planner takes all rows for groups of their own: it would sort them on disk, or compare tables that were never
-- analysed row by row. Tables are joined and rows counted by hash instead.
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_sort', 'off', true), set_config('work_mem', '64MB', true)

-- name: decided
-- What is known of rows, or of groups of them: the rule that will decide, and the tenant after 003 and 004. 004 comes to
-- rows as 003 leaves them.
SELECT batch.*,
       COALESCE(batch.vital_person, batch.vital_second_tenant, batch.vital_early) AS vital_after,
       CASE WHEN batch.vital_person IS NOT NULL THEN -1
            WHEN batch.vital_first IS NOT NULL AND batch.vital_second_tenant IS NOT DISTINCT FROM batch.vital_early THEN batch.vital_first
            ELSE COALESCE(batch.vital_second, batch.vital_first)
       END AS vital_rule
FROM (
    SELECT batch.*, {second_tenant} AS vital_second_tenant
    FROM (
        SELECT batch.*, {second} AS vital_second
        FROM (
            SELECT batch.*, {early} AS vital_early
            FROM (SELECT batch.*, {first} AS vital_first FROM ({known}) AS batch) AS batch
        ) AS batch
    ) AS batch
) AS batch

-- name: known_of_rows
-- Each row of a table with its tenant now, whether it may be moved, and which rules match. A condition is asked where no
-- other table's columns are in reach, and (OFFSET 0) once for each row, however often its answer is used.
SELECT batch.*, {facts}
FROM (
    SELECT batch.*, {matches}
    FROM {relation} AS batch
    OFFSET 0
) AS batch
{joins}

-- name: known_of_groups
-- The same of all rows that are alike, with the places of two of them: the table is read once, and deciding about a
-- handful of groups costs nothing.
SELECT {grouped}, count(*) AS vital_rows, min(batch.vital_place)::text AS vital_first_place, max(batch.vital_place)::text AS vital_last_place
FROM ({known}) AS batch
{joins}
GROUP BY {places}

-- name: predicted_groups
-- What will become of a table's rows.
SELECT {columns} FROM ({decided}) AS t

-- name: after_tables
-- A statement that names the rows of tables. What it names more than once is read once (and what it names once is planned
-- as if it stood in its place): inlined everywhere, a table that many lead to would be there as often as there are ways.
WITH {tables}
{statement}

-- name: named_rows
-- The rows of a table as a run would leave them, for those that refer to them.
{name} AS (SELECT {columns}, t.vital_after, t.vital_early FROM ({rows}) AS t)

-- name: customer_of
-- The tenant of a row that is referred to; the Platform's are everybody's.
NULLIF({tenant}, {platform}::uuid)

-- name: tenant_after_first
-- A row's tenant when 003 is done, where it decides about the table.
COALESCE(batch.vital_person, {first_tenant}, batch.vital_now)

-- name: joined_person
-- What a person has decided about a row.
LEFT JOIN vital.override AS person ON person.relation = {name} AND person.key = {key}

-- name: joined_baseline
-- The tenant a row had before the migration.
LEFT JOIN vital.baseline_row AS stood ON stood.relation = {name} AND stood.key = {key}

-- name: joined_last_entry
-- Which phase has decided about a row last, and by which rule.
LEFT JOIN (
    SELECT key, l.phase, l.rule, row_number() OVER (PARTITION BY key ORDER BY l.id DESC) AS place
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE l.relation = {name}
      AND l.kind <> 'reference'
      AND l.undone_at IS NULL
) AS entry ON entry.key = {key} AND entry.place = 1

-- name: decided_again
-- The phase that decides about the row again, as its rules have changed since.
CASE WHEN entry.phase = ANY({changed}::text[]) THEN entry.phase END

-- name: still_decided_by
-- The phase decides about the row again.
(COALESCE(batch.vital_again = {phase}, false) AND {before} IS NOT DISTINCT FROM batch.vital_now)

-- name: joined_parent
-- The row that a row follows, with its own tenant after the run.
LEFT JOIN {way} ON {link}

-- name: joined_hop
-- The next table on the way to that row.
({way} JOIN {table} ON {link})

-- name: joined_votes
-- The tenant for which enough of the rows vote that lead to a row, each with its own tenant after the run.
LEFT JOIN (
    SELECT {counted}, ballot.tenant AS vital_after, NULL::uuid AS vital_early
    FROM (
        SELECT {voted}, vote.tenant, count(*) AS votes, sum(count(*)) OVER (PARTITION BY {voted}) AS of_all
        FROM (SELECT {keys}, voter.vital_after AS tenant FROM {relation} AS batch, {tables} WHERE {links}) AS vote
        WHERE vote.tenant IS NOT NULL
        GROUP BY {voted}, vote.tenant
    ) AS ballot
    WHERE ballot.votes >= {share} * ballot.of_all
) AS {alias} ON {same}

-- name: joined_tree
-- The tenant of the nearest row above that has one, by itself or by the rules before that of the tree. A row that the
-- rules decide again, and none of them knows, has none of its own.
LEFT JOIN (
    WITH RECURSIVE own AS MATERIALIZED (
        SELECT {columns},
               CASE WHEN t.vital_after IS NULL AND ({is_root}) THEN {unmatched}::uuid
                    WHEN t.vital_rule IS NOT NULL OR t.vital_again IS NULL THEN t.vital_after
               END AS vital_own_tenant
        FROM ({rows}) AS t
    ), below AS (
        SELECT {keys}, own.vital_own_tenant AS vital_after FROM own WHERE own.vital_own_tenant IS NOT NULL
      UNION ALL
        SELECT {child_keys}, below.vital_after
        FROM below
        JOIN own AS child ON {is_below}
        WHERE child.vital_own_tenant IS NULL
    )
    SELECT below.*, NULL::uuid AS vital_early FROM below
) AS {alias} ON {same}

-- name: rows_of_samples
-- What the rules read in the rows that lie in these places.
SELECT wanted.leaf, wanted.place::text, {key}, {values}
FROM unnest(%(leaves)s::bigint[], %(places)s::tid[]) AS wanted (leaf, place)
JOIN {relation} AS t ON t.ctid = wanted.place AND t.tableoid::bigint = wanted.leaf

-- name: columns_after_run
-- A table as it will be, for a question that another step asks of it.
(SELECT {columns}, t.vital_after AS {tenant} FROM ({rows}) AS t)

-- name: added_rows
-- How many rows each tenant will get from a step that adds some.
SELECT added.{tenant}::text, count(*) FROM ({rows}) AS added GROUP BY 1

-- name: what_is_remembered
-- Whether the table as it was before the migration is remembered, and whether persons have decided about its rows.
SELECT EXISTS (SELECT FROM vital.baseline WHERE relation = %(relation)s::text),
       EXISTS (SELECT FROM vital.override WHERE relation = %(relation)s::text)

-- name: rows_of_two_plans
-- Rows that two plans put into different tenants, with two of their keys each.
SELECT one.vital_after, other.vital_after, one.vital_rule, other.vital_rule, other.vital_stands_by, count(*),
       min({key} COLLATE "C"), max({key} COLLATE "C")
FROM ({one}) AS one
JOIN ({other}) AS other ON {same_row}
WHERE one.vital_after IS DISTINCT FROM other.vital_after
GROUP BY one.vital_after, other.vital_after, one.vital_rule, other.vital_rule, other.vital_stands_by

-- name: groups_of_undo
-- What the undo of these phases would come to, by table and by the columns that were given values or, of rows that were
-- inserted, that their hashes are of. A row that was decided more than once is in it as often.
SELECT l.relation,
       l.kind IN ('insert', 'copy'),
       CASE WHEN l.kind IN ('insert', 'copy') THEN ARRAY(SELECT jsonb_array_elements_text(l.after -> 'columns'))
            ELSE ARRAY(SELECT jsonb_object_keys(l.after))
       END,
       sum(l.rows)::bigint
FROM vital.ledger AS l
WHERE (l.phase = ANY(%(phases)s) OR (l.kind = 'late' AND l.relation = ANY(%(late)s)))
  AND l.undone_at IS NULL
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- name: look_up_row_by_row
-- A sample of a big table's rows is looked up by key: a join of any other kind would read the table whole.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)

-- name: fate_of_assigned_rows
-- Of one row in so many of a table: how many have the values in these columns that VITAL gave them last, how many others,
-- and how many are gone. The same rows of each entry, as a row may be in several.
SELECT count(*) FILTER (WHERE t.tableoid IS NOT NULL AND {now} = e.vital_then),
       count(*) FILTER (WHERE t.tableoid IS NOT NULL AND {now} <> e.vital_then),
       count(*) FILTER (WHERE t.tableoid IS NULL)
FROM (
    SELECT key AS vital_key, l.after AS vital_then, row_number() OVER (PARTITION BY key ORDER BY l.id DESC) AS place
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE (l.phase = ANY(%(phases)s) OR (l.kind = 'late' AND l.relation = ANY(%(late)s)))
      AND l.relation = %(relation)s
      AND l.kind NOT IN ('insert', 'copy')
      AND ARRAY(SELECT jsonb_object_keys(l.after)) = %(columns)s
      AND l.undone_at IS NULL
      AND hashtext(key) %% %(one_in)s = 0
) AS e
LEFT JOIN {relation} AS t ON {same_row}
WHERE e.place = 1

-- name: fate_of_inserted_rows
-- The same of rows that VITAL inserted.
SELECT count(*) FILTER (WHERE t.tableoid IS NOT NULL AND {now} = e.vital_then),
       count(*) FILTER (WHERE t.tableoid IS NOT NULL AND {now} <> e.vital_then),
       count(*) FILTER (WHERE t.tableoid IS NULL)
FROM (
    SELECT key AS vital_key, hash AS vital_then
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys, l.hashes) AS row (key, hash)
    WHERE l.phase = ANY(%(phases)s)
      AND l.relation = %(relation)s
      AND l.kind IN ('insert', 'copy')
      AND ARRAY(SELECT jsonb_array_elements_text(l.after -> 'columns')) = %(columns)s
      AND l.undone_at IS NULL
      AND hashtext(key) %% %(one_in)s = 0
) AS e
LEFT JOIN {relation} AS t ON {same_row}
