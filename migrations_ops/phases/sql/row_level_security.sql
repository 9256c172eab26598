-- name: tenant_key_is_valid
-- Whether every row's tenant is known to exist; of a partitioned table, once its partitions' keys are one.
SELECT NOT EXISTS (
    SELECT
    FROM pg_constraint AS k
    WHERE k.contype = 'f'
      AND k.conname = {constraint_name}
      AND k.conrelid IN ({leaves})
      AND (NOT k.convalidated OR k.conparentid = 0 AND k.conrelid <> to_regclass({name}))
)

-- name: tenant_keys_not_valid
-- Keys to the tenants that were there before VITAL, and did not count for old rows.
SELECT jsonb_build_object('not_valid', COALESCE(jsonb_agg(jsonb_build_object(
           'on', k.conrelid::regclass::text, 'definition', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint')
       )), '[]'))
FROM pg_constraint AS k
WHERE k.contype = 'f'
  AND k.conname = {constraint_name}
  AND k.conrelid IN ({leaves})
  AND NOT k.convalidated
  AND NOT EXISTS (SELECT FROM vital.applied_statement WHERE statement = {made})

-- name: tenant_key_not_valid_again
-- As it was: a key that counts for old rows cannot be told to spare them, so it is made again.
DO $key$
DECLARE
    key CONSTANT jsonb := {key};
BEGIN
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key ->> 'on', {constraint_name}, {constraint_name}, key ->> 'definition');
    EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', {constraint_name}, key ->> 'on', key ->> 'comment');
END
$key$

-- name: validate_tenant_key
-- Reads the table, or partition after partition, beside readers and writers. A partitioned table's own key takes theirs
-- over without reading a row.
DO $key$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN
        SELECT k.conrelid FROM pg_constraint AS k WHERE k.conname = {constraint_name} AND NOT k.convalidated AND k.conrelid IN ({leaves})
    LOOP
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', leaf, {constraint_name});
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({name}) AND conname = {constraint_name}) THEN
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %s (id)',
                       to_regclass({name}), {constraint_name}, {column}, to_regclass({registry}));
    END IF;
END
$key$

-- name: validate_constraint
-- Reads the table beside readers and writers.
ALTER TABLE {relation} VALIDATE CONSTRAINT {constraint}

-- name: no_unassigned_rows
-- Whether every row has a tenant.
SELECT NOT EXISTS (SELECT 1 FROM {relation} WHERE {tenant} IS NULL)

-- name: nobody_is_late
-- The same, and nobody has written a row without a tenant for a while: code that does so would fail from then on as soon
-- as no rule knows a row of its. The while is the limit `quiet`.
SELECT NOT EXISTS (SELECT 1 FROM {relation} WHERE {tenant} IS NULL)
   AND NOT EXISTS (
       SELECT
       FROM vital.ledger
       WHERE relation = {name}
         AND kind = 'late'
         AND written_at > clock_timestamp() - {quiet}
   )

-- name: quiet
-- How long nobody may have been late: what somebody set, else the default.
COALESCE((SELECT CASE value WHEN 'off' THEN '0' ELSE value END FROM vital.tuning WHERE name = 'quiet'), {default})::interval

-- name: is_not_null
-- Whether the column already refuses NULL.
SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column}

-- name: not_null_check_exists
-- Whether the column refuses NULL, or a check does so for new rows.
SELECT (SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column})
    OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({name}) AND conname = {constraint_name})

-- name: not_null_check_is_valid
-- The same, proven for every row.
SELECT (SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column})
    OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({name}) AND conname = {constraint_name} AND convalidated)

-- name: add_not_null_check
-- Enforced from now on; the old rows are read afterwards, beside readers and writers.
ALTER TABLE {relation} ADD CONSTRAINT {constraint} CHECK ({tenant} IS NOT NULL) NOT VALID

-- name: set_not_null
-- An instant: the validated check proves it.
ALTER TABLE {relation} ALTER COLUMN {tenant} SET NOT NULL

-- name: drop_not_null
-- As it was.
ALTER TABLE {relation} ALTER COLUMN {tenant} DROP NOT NULL

-- name: index_is_valid
-- Whether the index is there and complete.
SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({index_name}) AND indisvalid)

-- name: unique_index_is_valid
-- The same of an index that makes a key unique for every row.
SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({index_name}) AND indisvalid AND indisunique AND indpred IS NULL)

-- name: create_unique_index
-- Built beside readers and writers, to take over from the key that was unique across all tenants.
CREATE UNIQUE INDEX CONCURRENTLY {index} ON {relation} ({tenant}, {columns})

-- name: key_is_rescoped
-- Whether the key is unique per tenant, and no longer across tenants.
SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({name}) AND conname = {constraint_name})
   AND NOT EXISTS (
       SELECT
       FROM pg_index AS i
       WHERE i.indrelid = to_regclass({name})
         AND i.indisunique
         AND NOT i.indisprimary
         AND i.indnkeyatts = cardinality({columns}::text[])
         AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
             = (SELECT array_agg(c ORDER BY c) FROM unnest({columns}::text[]) AS c)
   )

-- name: keys_across_tenants
-- The unique keys on exactly these columns, to restore them exactly.
SELECT COALESCE(jsonb_agg(jsonb_build_object(
           'constraint', k.conname,
           'definition', pg_get_constraintdef(k.oid),
           'index', i.indexrelid::regclass::text,
           'create', pg_get_indexdef(i.indexrelid),
           'then', {said_of_key}
       )), '[]')
FROM pg_index AS i
JOIN pg_class AS x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype = 'u'
WHERE i.indrelid = to_regclass({name})
  AND i.indisunique
  AND NOT i.indisprimary
  AND i.indnkeyatts = cardinality({columns}::text[])
  AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
      = (SELECT array_agg(c ORDER BY c) FROM unnest({columns}::text[]) AS c)

-- name: said_of_key
-- What a definition does not say of a key `k` and its index `i`, `x`, as statements that say it again.
ARRAY(
    SELECT format('ALTER INDEX %s SET (%I = %L)', i.indexrelid::regclass, split_part(part, '=', 1), substr(part, strpos(part, '=') + 1))
    FROM unnest(x.reloptions) AS part
    UNION ALL
    SELECT format('ALTER INDEX %s SET TABLESPACE %I', i.indexrelid::regclass, spcname) FROM pg_tablespace WHERE oid = x.reltablespace
    UNION ALL
    SELECT format('ALTER TABLE %s CLUSTER ON %I', i.indrelid::regclass, x.relname) WHERE i.indisclustered
    UNION ALL
    SELECT format('ALTER INDEX %s DEPENDS ON EXTENSION %I', i.indexrelid::regclass, e.extname)
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass
      AND d.objid = i.indexrelid
      AND d.deptype = 'x'
    UNION ALL
    SELECT format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, text) FROM obj_description(i.indexrelid, 'pg_class') AS text WHERE text IS NOT NULL
    UNION ALL
    SELECT format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, i.indrelid::regclass, text)
    FROM obj_description(k.oid, 'pg_constraint') AS text
    WHERE text IS NOT NULL
)

-- name: rescope_key
-- The new key takes over and the old one goes, in one transaction.
DO $rescope$
DECLARE
    old record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({name}) AND conname = {constraint_name}) THEN
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I UNIQUE USING INDEX %I', {qualified}, {constraint_name}, {constraint_name});
    END IF;
    FOR old IN
        SELECT k.conname, i.indexrelid::regclass AS index
        FROM pg_index AS i
        LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype = 'u'
        WHERE i.indrelid = to_regclass({name})
          AND i.indisunique
          AND NOT i.indisprimary
          AND i.indnkeyatts = cardinality({columns}::text[])
          AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
              = (SELECT array_agg(c ORDER BY c) FROM unnest({columns}::text[]) AS c)
    LOOP
        IF old.conname IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', {qualified}, old.conname);
        ELSE
            EXECUTE format('DROP INDEX %s', old.index);
        END IF;
    END LOOP;
END
$rescope$

-- name: add_constraint
-- The key as it was.
ALTER TABLE {relation} ADD CONSTRAINT {constraint} {definition}

-- name: shared_keys
-- Rows of several tenants with the same key: the key could not be unique across tenants again. NULLs are no same key.
SELECT {name}, min({key}), format('%s rows of different tenants share (%s): %s', count(*), array_to_string({columns}::text[], ', '), left(concat_ws(', ', {values}), 100))
FROM ONLY {relation} AS t
WHERE num_nulls({values}) = 0
GROUP BY {values}
HAVING count(*) > 1

-- name: owners_in_words
-- Whether row level security binds those who own the tables, a sentence for each.
SELECT CASE
           WHEN owner.is_bound
               THEN format('Row level security binds all roles, %s included, who owns %s tables: it sees every row by a policy, and can load none with COPY … FROM', quote_ident(owner.name), owner.tables)
           ELSE format('Row level security binds all roles but %s, who owns %s tables and sees every row: COPY … FROM, pg_dump and REFRESH MATERIALIZED VIEW work for it as before', quote_ident(owner.name), owner.tables)
       END
FROM (
    SELECT r.rolname AS name, c.relforcerowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls AS is_bound, count(*) AS tables
    FROM pg_class AS c
    JOIN pg_roles AS r ON r.oid = c.relowner
    WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
    GROUP BY 1, 2
) AS owner
ORDER BY owner.is_bound, owner.name
