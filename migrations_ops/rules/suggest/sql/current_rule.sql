-- name: rows_with_their_rules
-- Every row with what decides it: a rule's number, 0 for none, -1 for a person, NULL where it came with its tenant.
SELECT decided.*, {tenant} AS vital_tenant
FROM (
    SELECT t.*, {person} AS vital_person, {number} AS vital_number
    FROM {relation} AS t {sample}
    {memory}
    OFFSET 0
) AS decided

-- name: decisions_so_far
-- What a person has decided about a row, and whether its tenant is the work of a rule.
LEFT JOIN vital.override AS person ON person.relation = {name} AND person.key = {key}
LEFT JOIN (
    SELECT DISTINCT unnest(keys) AS key
    FROM vital.ledger
    WHERE relation = {name}
      AND kind = 'assign'
      AND undone_at IS NULL
) AS given ON given.key = {key}

-- name: estimated_rows
-- How many rows the planner expects, from the table's size today.
EXPLAIN (FORMAT JSON) SELECT 1 FROM {relation} AS t

-- name: rows_by_rule
-- How many rows each rule decides, and for whom.
SELECT vital_number, vital_tenant::text, count(*)
FROM ({rows}) AS s
GROUP BY 1, 2

-- name: rows_by_value
-- How often a column has a value, by what decides the row; beyond so many values nobody wants to know.
SELECT v.value, s.vital_number, s.vital_tenant::text, count(*)
FROM ({rows}) AS s
CROSS JOIN LATERAL ({values}) AS v (value)
WHERE length(v.value) BETWEEN 1 AND 200
  AND s.vital_number = ANY(%(numbers)s)
GROUP BY 1, 2, 3
LIMIT %(most)s

-- name: whole_value
-- What a row of `s` says in a column.
SELECT {column}::text

-- name: elements
-- Each of the things that a row of `s` lists in a column.
SELECT DISTINCT unnest({column}::text[])

-- name: rows_by_suggestion
-- How many rows the suggestions match, all at once: a sign for each, 0 no match, 1 the tenant it has, 2 another one.
SELECT {signs} AS signs, s.vital_number, s.vital_tenant::text, count(*), min({key}), max({key})
FROM ({rows}) AS s
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
