-- name: rows_that_would_cross
-- How many of these rows would refer, or be referred to, across two customers once they are the tenant's.
SELECT count(*)
FROM unnest(%(keys)s::text[]) AS given (vital_key)
JOIN {relation} AS t ON {same_row}
WHERE {crosses}

-- name: refers_across
-- Predicate: the row's parent is another customer's.
EXISTS (SELECT 1 FROM {other} AS o WHERE {link} AND o.{tenant} NOT IN ({target}, {platform}))

-- name: is_referred_to_across
-- Predicate: a row that refers to it is another's. To the Platform's rows everybody may refer.
({target} <> {platform} AND EXISTS (SELECT 1 FROM {other} AS o WHERE {link} AND o.{tenant} <> {target}))
