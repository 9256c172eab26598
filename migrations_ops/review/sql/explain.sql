-- name: row_and_rules
-- One row: its key as it is noted, its tenant, what the rules read in it, and which of them match.
SELECT {key}, batch.{tenant}::text, {asked}
FROM {relation} AS batch
WHERE {same_row}
