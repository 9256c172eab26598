-- name: to_review
-- Open findings of one check about one table with their rows as they are, some at a time; of those with a value, where one is named.
SELECT found.id, found.key, found.message, to_jsonb(t)
FROM ({states}) AS found
JOIN {relation} AS t ON {same_row}
WHERE found.check_name = %(check)s::text
  AND found.state = 'open'
  AND found.id > %(after)s
  AND (%(column)s::text = '' OR to_jsonb(t) ->> %(column)s::text = %(value)s::text)
ORDER BY found.id
LIMIT %(rows)s

-- name: values_in_common
-- What the first open rows of a group have in common: columns of few values, each with its rows, the plainest column first.
WITH looked AS MATERIALIZED (
    SELECT to_jsonb(t) AS row
    FROM ({states}) AS found
    JOIN {relation} AS t ON {same_row}
    WHERE found.check_name = %(check)s::text
      AND found.state = 'open'
    ORDER BY found.id
    LIMIT %(rows)s
), counted AS (
    SELECT pair.key AS name, looked.row ->> pair.key AS value, count(*) AS rows, count(*) OVER (PARTITION BY pair.key) AS kinds
    FROM looked CROSS JOIN LATERAL jsonb_each(looked.row) AS pair
    WHERE jsonb_typeof(pair.value) IN ('string', 'number', 'boolean')
      AND length(looked.row ->> pair.key) BETWEEN 1 AND 60
    GROUP BY 1, 2
)
SELECT name, value, rows
FROM counted
WHERE kinds BETWEEN 2 AND %(kinds)s
ORDER BY kinds, name, rows DESC, value
LIMIT %(lines)s

-- name: last_decisions_of
-- What this person decided last, all in one go: the rows, and when.
SELECT relation, key, decided_at
FROM vital.override
WHERE decided_by = %(who)s::text
  AND decided_at = (SELECT max(decided_at) FROM vital.override WHERE decided_by = %(who)s::text)
ORDER BY relation, key
LIMIT %(rows)s
