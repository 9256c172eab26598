-- The ledger keeps a hash of what a rule was composed of, these comments included: a change here makes the next run
-- decide every row again (tests/unit/test_verdict_text.py).

-- name: verdict_on_batch
-- A person's decision about each row of `batch`, else the first rule that matches; a row without either is left out.
SELECT decided.vital_row, decided.tenant_id AS {column}, decided.rule
FROM (
    SELECT batch.vital_row,
           COALESCE(person.tenant_id, {tenants}) AS tenant_id,
           CASE WHEN person.tenant_id IS NOT NULL THEN {by_person} ELSE {names} END AS rule
    FROM batch
    CROSS JOIN LATERAL (SELECT {number} AS number OFFSET 0) AS found
    LEFT JOIN vital.override AS person ON person.relation = {relation} AND person.key = {key}
) AS decided
WHERE decided.tenant_id IS NOT NULL

-- name: value_of_parent
-- What the row says that a row refers to, over any number of tables.
SELECT {value} FROM {tables} WHERE {links}

-- name: tenant_of_key
-- A uuid (version 8 of RFC 9562, which leaves its bits to who makes it) of the table's name and the row's key. By SHA-256,
-- as servers in FIPS mode have no md5().
overlay(overlay(left(encode(sha256(convert_to({name} || ' ' || {key}, 'UTF8')), 'hex'), 32) placing '8' from 13) placing '8' from 17)::uuid
