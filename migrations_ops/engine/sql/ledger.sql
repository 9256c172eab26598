-- name: entries_in_their_order
-- The next entries are read from where the undo is. A server that has not looked yet how many there are would read all of
-- them each time, and sort them.
SELECT set_config('enable_sort', 'off', true)

-- name: entries_to_undo
-- The entries of a phase, of a run, or of a table's rows written without a tenant, that still stand: newest first, so that a row decided twice goes
-- back step by step. Rows that are written while the undo is at work are not its own. `before` is the oldest that is undone
-- by now: else each call passes by all that are (which a plan for any value does as well where it may be NULL). The last two say
-- which are of one statement.
SELECT id, kind, relation, after, rows, transaction, CASE WHEN kind <> 'late' THEN written_at END
FROM vital.ledger
WHERE (phase = %(phase)s::text OR (relation = %(late)s::text AND kind = 'late') OR run_id = %(run)s::bigint)
  AND undone_at IS NULL
  AND (kind <> 'late' OR id <= %(last)s)
  AND id < COALESCE(%(before)s::bigint, 9223372036854775807)
ORDER BY id DESC
LIMIT %(entries)s

-- name: rows_to_undo
-- How many rows they are, and the last of the entries.
SELECT COALESCE(sum(rows), 0)::bigint, max(id)
FROM vital.ledger
WHERE (phase = %(phase)s::text OR (relation = %(late)s::text AND kind = 'late') OR run_id = %(run)s::bigint)
  AND undone_at IS NULL

-- name: rows_added_by_run
-- How many rows a run has added that are still to be undone, by table.
SELECT relation, sum(rows)::bigint
FROM vital.ledger
WHERE run_id = %(run)s
  AND undone_at IS NULL
  AND kind = ANY(%(added)s::text[])
GROUP BY relation

-- name: divide_entry
-- One entry becomes two, each with half of its keys; false where it has a single one. No other entry is about the same
-- row in between, so that the new one may stand last.
WITH divided AS (
    UPDATE vital.ledger
    SET keys = keys[:rows / 2],
        hashes = hashes[:rows / 2],
        rows = rows / 2
    WHERE id = %(id)s
      AND rows > 1
    RETURNING id
), whole AS (
    SELECT * FROM vital.ledger WHERE id = %(id)s AND rows > 1
), added AS (
    INSERT INTO vital.ledger (run_id, phase, step, kind, relation, rule, digest, before, after, keys, hashes, rows, written_at, transaction)
    SELECT run_id, phase, step, kind, relation, rule, digest, before, after, keys[rows / 2 + 1:], hashes[rows / 2 + 1:],
           rows - rows / 2, written_at, transaction
    FROM whole
    JOIN divided USING (id)
)
SELECT EXISTS (SELECT FROM divided)

-- name: undo_assignment
-- Give the rows of these entries their values from before; a row that somebody changed since is kept and listed. The
-- values are read as these columns alone: a whole row without the others is refused by a domain that is NOT NULL. Several
-- entries are of one statement, which has each row once, or of rows that had no value before, so that a row may be in two of them.
WITH entry AS (
    SELECT l.id AS vital_entry, key AS vital_key, l.after AS vital_new, old.*
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    CROSS JOIN LATERAL (SELECT {old_values} FROM jsonb_to_record(l.before) AS r ({types})) AS old
    WHERE l.id = ANY(%(ids)s)
), undone AS (
    UPDATE {relation} AS t
    SET {assignments}
    FROM entry AS e
    WHERE {same_row}
      AND {as_we_left_it} = e.vital_new
    RETURNING e.vital_key
), {close_entries_undone}

-- name: undo_insert
-- Remove the rows of these entries that nobody has changed since.
WITH entry AS (
    SELECT l.id AS vital_entry, key AS vital_key, hash AS vital_hash
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys, l.hashes) AS row (key, hash)
    WHERE l.id = ANY(%(ids)s)
), undone AS (
    DELETE FROM {relation} AS t
    USING entry AS e
    WHERE {same_row}
      AND {hash} = e.vital_hash
      AND ({removable})
    RETURNING e.vital_key
), {close_entries_undone}

-- name: undo_copies
-- Remove the copies of these entries that nobody has changed since, and that no row refers to which stays. What a copy that
-- stays refers to stays as well.
WITH RECURSIVE entry AS (
    SELECT l.id AS vital_entry, key AS vital_key, hash AS vital_hash
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys, l.hashes) AS row (key, hash)
    WHERE l.id = ANY(%(ids)s)
), stays (vital_key) AS (
    SELECT e.vital_key
    FROM entry AS e
    JOIN {relation} AS t ON {same_row}
    WHERE {hash} <> e.vital_hash
    {referred_to}
    UNION
    {of_those_that_stay}
), undone AS (
    DELETE FROM {relation} AS t
    USING entry AS e
    WHERE {same_row}
      AND e.vital_key NOT IN (SELECT vital_key FROM stays)
    RETURNING e.vital_key
), {close_entries_undone}

-- name: close_entries_undone
-- How an undo of entries ends: they are closed with the keys of rows that were kept. How many rows were undone, and these.
kept AS (
    SELECT e.vital_entry, e.vital_key
    FROM entry AS e
    JOIN {relation} AS t ON {same_row}
    WHERE e.vital_key NOT IN (SELECT vital_key FROM undone)
), noted AS (
    UPDATE vital.ledger AS l
    SET undone_at = clock_timestamp(),
        undone_in = pg_current_xact_id()::text::bigint,
        conflicts = (SELECT array_agg(k.vital_key) FROM kept AS k WHERE k.vital_entry = l.id)
    WHERE l.id = ANY(%(ids)s)
)
SELECT (SELECT count(*) FROM undone), ARRAY(SELECT DISTINCT vital_key FROM kept)

-- name: referred_to_from_elsewhere
-- Of these copies those that a row refers to that is none of them. A join, as the referring column may have no index.
UNION
SELECT e.vital_key
FROM entry AS e
JOIN {relation} AS t ON {same_row}
JOIN {child} AS c ON {link}
WHERE {not_of_these}

-- name: every_copy
-- All of these copies.
UNION
SELECT vital_key FROM entry

-- name: none_of_these_copies
-- Predicate: the referring row is none of them.
{key} NOT IN (SELECT vital_key FROM entry)

-- name: copies_referred_to_by_copies
-- Of these copies in one table: those that such a one refers to as stays.
SELECT {parent_key}
FROM stays
JOIN {relation} AS c ON {same_row}
JOIN {relation} AS t ON {links}

-- name: no_copies
-- A table whose rows do not refer to each other has none.
SELECT vital_key FROM stays WHERE false

-- name: may_read
-- Whether the role at work may read a table.
SELECT has_table_privilege(to_regclass(%(relation)s::text), 'SELECT')

-- name: close_entries
-- There is no table any more in which these entries could be undone.
UPDATE vital.ledger SET undone_at = clock_timestamp(), undone_in = pg_current_xact_id()::text::bigint WHERE id = ANY(%(ids)s)

-- name: row_as_it_is
-- One row, for the archive of what an undo would lose.
SELECT to_jsonb(t) FROM {relation} AS t WHERE {same_row}

-- name: history_of_row
-- Every entry that holds a row, newest first. Found by hashes: see the index of the ledger by row.
SELECT l.id, l.run_id, l.phase, l.kind, l.rule, l.before, l.after, l.written_at, l.undone_at,
       r.started_by
FROM vital.ledger AS l
LEFT JOIN vital.run AS r ON r.id = l.run_id
WHERE l.relation = %(relation)s::text
  AND vital.key_hashes(l.keys) @> vital.key_hashes(ARRAY[%(key)s::text])
  AND l.keys @> ARRAY[%(key)s::text]::text[]
ORDER BY l.id DESC

-- name: tenant_at_baseline
-- The tenant a row had before the migration, if any.
SELECT tenant_id::text FROM vital.baseline_row WHERE relation = %(relation)s::text AND key = %(key)s::text

-- name: override_of_row
-- A person's decision about a row.
SELECT tenant_id::text, reason, decided_by, decided_at::text FROM vital.override WHERE relation = %(relation)s::text AND key = %(key)s::text

-- name: what_stands
-- What these phases did that stands, with the last run that did it and the table that it is about. An index that an undo
-- made for itself is none of that.
SELECT phase, 'statement', statement, run_id, relation
FROM vital.applied_statement
WHERE phase = ANY(%(phases)s::text[])
  AND NOT COALESCE(memo ? 'refers_by', false)
UNION ALL
SELECT phase, CASE kind WHEN 'insert' THEN 'insert' ELSE 'assign' END, relation, max(run_id), relation
FROM vital.ledger
WHERE phase = ANY(%(phases)s::text[])
  AND undone_at IS NULL
GROUP BY 1, 2, 3
