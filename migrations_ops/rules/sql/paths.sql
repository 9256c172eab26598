-- The ledger keeps a hash of what a rule was composed of, as with verdict.sql: these comments are part of it.

-- name: tenant_by_votes
-- The tenant that enough of the rows at the end of a way have, of those that have one.
SELECT ballot.tenant
FROM (
    SELECT vote.tenant, count(*) AS votes, sum(count(*)) OVER () AS of_all
    FROM (SELECT {value} AS tenant FROM {tables} WHERE {links}) AS vote
    WHERE vote.tenant IS NOT NULL
    GROUP BY vote.tenant
) AS ballot
WHERE ballot.votes >= {share} * ballot.of_all

-- name: tenant_above
-- The tenant of the nearest row above in a tree that has one, by itself or by its rules; each row above is met once.
WITH RECURSIVE {above} AS (
    SELECT {columns}, {tenant} AS vital_tenant, ARRAY[{key}] AS vital_met
    FROM {relation} AS {up}
    WHERE {first}
  UNION ALL
    SELECT {columns}, {tenant}, {above}.vital_met || {key}
    FROM {above}
    JOIN {relation} AS {up} ON {next}
    WHERE {above}.vital_tenant IS NULL
      AND {key} <> ALL ({above}.vital_met)
)
SELECT vital_tenant FROM {above} WHERE vital_tenant IS NOT NULL

-- name: standing_tenant
-- A row's tenant: what a person has decided, else the one that it has, unless it is to be decided again.
COALESCE(
    (SELECT person.tenant_id FROM vital.override AS person WHERE person.relation = {relation} AND person.key = {key}),
    CASE WHEN NOT EXISTS (SELECT FROM vital.redecision AS again WHERE again.relation = {relation} AND again.key = {key}) THEN {tenant} END
)

-- name: values_of_array
-- The values of an array, each in a row of its own.
LATERAL (SELECT {value} AS vital_value FROM unnest({list}) AS element (value)) AS {name}

-- name: values_of_json_array
-- The values of a JSON array, each in a row of its own; of anything else none.
LATERAL (
    SELECT {value} AS vital_value
    FROM jsonb_array_elements_text(CASE jsonb_typeof({list}) WHEN 'array' THEN {list} END) AS element (value)
) AS {name}

-- name: text_read_as
-- A text as a value of a type; NULL where it is none.
CASE WHEN {text} ~ {pattern} THEN ({text})::{kind} END

-- name: votes_in_words
-- How many of the rows that have a say are of which tenant, the most first.
SELECT COALESCE(string_agg(COALESCE(whose.slug, 'no tenant') || ' ' || counted.votes, ', ' ORDER BY counted.votes DESC, whose.slug) || '; ' || {needed}, 'no row votes')
FROM (
    SELECT vote.tenant, count(*) AS votes
    FROM (SELECT {tenant} AS tenant FROM {tables} WHERE {links}) AS vote
    GROUP BY vote.tenant
) AS counted
LEFT JOIN {registry} AS whose ON whose.id = counted.tenant

-- name: circle_in_words
-- That a row is one of those above it; NULL where it is not.
WITH RECURSIVE above AS (
    SELECT {columns} FROM {relation} AS up WHERE {first}
  UNION
    SELECT {columns} FROM above JOIN {relation} AS up ON {next}
)
SELECT {by} FROM above WHERE {above_key} = {row_key} LIMIT 1
