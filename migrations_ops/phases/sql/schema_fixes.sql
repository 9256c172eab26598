-- name: has_column
-- Whether the table has the column.
SELECT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = to_regclass({name}) AND attname = {column} AND NOT attisdropped
)

-- name: add_column
-- A nullable column, or one with a constant default: no rewrite, a lock for an instant.
ALTER TABLE {relation} ADD COLUMN {column} {kind}

-- name: drop_column
-- Back to the table as it was.
ALTER TABLE {relation} DROP COLUMN {column}

-- name: built_on_column
-- What others have built on a column of ours: PostgreSQL would refuse to drop the column, or drop that with it. An index
-- that an undo made for itself, and was killed before it had dropped it, is none of that.
SELECT {name}, '', format('%s is built on the column %s, which the undo drops. Drop that first, and make it again after the next run.',
                          pg_describe_object(d.classid, d.objid, d.objsubid), {column})
FROM pg_attribute AS a
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef AS v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid
LEFT JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_proc AS f ON f.oid = g.tgfoid
WHERE a.attrelid = to_regclass({name})
  AND a.attname = {column}
  AND NOT a.attisdropped
  AND COALESCE(c.relname, k.conname, '') <> ALL({ours}::text[])
  AND COALESCE(c.relname NOT LIKE 'vital\_undo\_%', true)
  AND k.contype IS DISTINCT FROM 'n'
  AND v.adnum IS DISTINCT FROM a.attnum
  AND COALESCE(p.polname NOT LIKE 'vital\_%', true)
  AND COALESCE(f.pronamespace <> 'vital'::regnamespace AND NOT g.tgisinternal, true)

-- name: rows_only_we_would_lose
-- Values in the tenant column that no standing entry of the ledger explains: they would go with the column.
SELECT {name}, {key}, format('has the tenant %s, which VITAL did not assign', t.{tenant})
FROM {relation} AS t
LEFT JOIN (
    SELECT key, l.after ->> 'tenant_id' AS tenant
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE l.relation = {name}
      AND l.undone_at IS NULL
      AND l.kind IN ('assign', 'late')
) AS ours ON ours.key = {key} AND ours.tenant = t.{tenant}::text
LEFT JOIN (
    SELECT unnest(l.keys) AS key FROM vital.ledger AS l WHERE l.relation = {name} AND l.undone_at IS NULL AND l.kind IN ('insert', 'copy')
) AS inserted ON inserted.key = {key}
WHERE t.{tenant} IS NOT NULL
  AND ours.key IS NULL
  AND inserted.key IS NULL
LIMIT 10000

-- name: values_in_column
-- Values in a column that VITAL added, other than those it put there.
SELECT {name}, {key}, format('has a value in %s, which would go with the column', {column_name})
FROM {relation} AS t
LEFT JOIN (
    SELECT key, l.after -> {column_name} AS value
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE l.relation = {name}
      AND l.undone_at IS NULL
      AND l.after ? {column_name}
) AS ours ON ours.key = {key} AND ours.value = to_jsonb(t.{column})
WHERE t.{column} IS DISTINCT FROM {untouched}
  AND ours.key IS NULL
LIMIT 10000

-- name: rows_of_others
-- Rows in a table that VITAL made, other than those it put there and nobody has changed.
SELECT {name}, {key}, 'would go with the table, which VITAL made'
FROM {relation} AS t
WHERE NOT {by_trigger}
  AND NOT EXISTS (
    SELECT
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys, l.hashes) AS ours (key, hash)
    WHERE l.relation = {name}
      AND l.undone_at IS NULL
      AND l.kind = 'insert'
      AND ours.key = {key}
      AND ours.hash = {hash}
)
LIMIT 10000

-- name: leaves_of
-- The tables that hold the rows: the table itself, or its partitions.
SELECT c.oid FROM pg_class AS c WHERE c.oid = to_regclass({name}) AND c.relkind <> 'p'
UNION
SELECT t.relid FROM pg_partition_tree(to_regclass({name})) AS t WHERE t.isleaf

-- name: has_tenant_key
-- Whether the tenant column refers to the tenants, in every partition.
SELECT NOT EXISTS (
    SELECT
    FROM ({leaves}) AS leaf (oid)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_constraint
        WHERE conrelid = leaf.oid
          AND contype = 'f'
          AND confrelid = to_regclass({registry})
          AND conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = leaf.oid AND attname = {column})
    )
)

-- name: add_tenant_key
-- NOT VALID: enforced from now on, the old rows are validated by 006. A partitioned table cannot have such a
-- key before 18, so its partitions have it.
DO $key$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN {leaves} LOOP
        IF NOT EXISTS (
            SELECT
            FROM pg_constraint
            WHERE conrelid = leaf
              AND contype = 'f'
              AND confrelid = to_regclass({registry})
              AND conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = leaf AND attname = {column})
        ) THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %s (id) NOT VALID',
                           leaf, {constraint_name}, {column}, to_regclass({registry}));
        END IF;
    END LOOP;
END
$key$

-- name: drop_tenant_key
-- The key was ours: the table's, which takes those of its partitions along, or else theirs.
DO $key$
DECLARE
    one regclass;
BEGIN
    FOR one IN
        SELECT k.conrelid
        FROM pg_constraint AS k
        WHERE k.conname = {constraint_name}
          AND k.conparentid = 0
          AND (k.conrelid = to_regclass({name}) OR k.conrelid IN ({leaves}))
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one, {constraint_name});
    END LOOP;
END
$key$

-- name: drop_constraint
-- The constraint was ours.
ALTER TABLE {relation} DROP CONSTRAINT IF EXISTS {constraint}

-- name: heirs_of
-- The table, its partitions, and the tables that inherit from it: an update of its rows is theirs.
WITH RECURSIVE heirs AS (
    SELECT to_regclass({name})::oid AS oid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN heirs ON i.inhparent = heirs.oid
)
SELECT oid FROM heirs

-- name: tables_in_text
-- The tables that the function `p` seems to write: by its own text, or that of a function which it calls or whose trigger
-- it sets off. NULL is one that a text makes up as it runs.
WITH RECURSIVE reached AS (
    SELECT p.oid AS function
    UNION
    SELECT other.oid
    FROM reached AS r
    JOIN pg_proc AS f ON f.oid = r.function
    CROSS JOIN LATERAL ({text_of_function}) AS source
    CROSS JOIN LATERAL (
        SELECT q.oid
        FROM regexp_matches(source.text, '([\w$]+)"?\s*\(', 'g') AS call (words)
        JOIN pg_proc AS q ON q.proname IN (words[1], lower(words[1])) AND q.prorettype <> 'trigger'::regtype
        UNION ALL
        SELECT g.tgfoid
        FROM ({written_in_text}) AS written
        JOIN pg_trigger AS g ON g.tgrelid = written.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
    ) AS other
    JOIN pg_proc AS called ON called.oid = other.oid AND called.pronamespace NOT IN (
        SELECT n.oid FROM pg_namespace AS n WHERE n.nspname IN ('pg_catalog', 'information_schema', 'vital')
    )
)
SELECT DISTINCT written.oid
FROM reached AS r
JOIN pg_proc AS f ON f.oid = r.function
CROSS JOIN LATERAL ({text_of_function}) AS source
CROSS JOIN LATERAL ({written_in_text}) AS written

-- name: text_of_function
-- The text of the function `f` without its comments; from 14 on one may be kept as what it was read as.
SELECT regexp_replace(COALESCE(NULLIF(f.prosrc, ''), pg_get_function_sqlbody(f.oid)), '--[^\n]*|/\*.*?\*/', '', 'g') AS text

-- name: written_in_text
-- The tables that `source.text` seems to write.
SELECT c.oid
FROM regexp_matches(
    source.text, '\m(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|merge\s+into|truncate(?:\s+table)?)\s+([\w.$"]+|[%''])', 'gi'
) AS match (words)
CROSS JOIN LATERAL (
    SELECT replace(substring(words[1] FROM '^(.*)\.'), '"', '') AS schema, replace(substring(words[1] FROM '[^.]*$'), '"', '') AS name
) AS said
LEFT JOIN pg_class AS c ON c.relname IN (said.name, lower(said.name)) AND c.relkind IN ('r', 'p', 'v', 'f')
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE said.name IN ('%', '''')
   OR (n.nspname !~ '^pg_' AND (said.schema IS NULL OR n.nspname IN (said.schema, lower(said.schema))))

-- name: family_of_the_plan
-- The plan's tables, their partitions and what inherits from them.
WITH RECURSIVE family AS (
    SELECT to_regclass(relation)::oid AS oid FROM unnest({tables}::text[]) AS relation
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN family ON i.inhparent = family.oid
)
SELECT oid FROM family WHERE oid IS NOT NULL

-- name: fires_on_a_tenant
-- Predicate on a trigger `g` of the function `p`: it is another's, and fires for the UPDATE that gives a row its tenant,
-- other than before the row. {filled} are the columns that VITAL fills.
g.tgtype & 16 = 16
AND g.tgtype & 3 <> 3
AND g.tgtype & 64 = 0
AND (g.tgattr = '' OR EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = g.tgrelid AND a.attnum = ANY(g.tgattr) AND a.attname = ANY({filled}::text[])
))
AND p.pronamespace IS DISTINCT FROM to_regnamespace('vital')

-- name: writes_the_plan
-- Predicate on a trigger `g` of others: it fires as a row gets a tenant, and seems to write to a table of the plan, or to one
-- that nobody can tell.
EXISTS (
    SELECT
    FROM pg_proc AS p
    CROSS JOIN LATERAL ({tables_in_text}) AS written
    WHERE p.oid = g.tgfoid
      AND {fires}
      AND (written.oid IS NULL OR written.oid = ANY(ARRAY({family})))
)

-- name: may_rewrite
-- Predicate on a trigger `g`: it fires before an update of a row of the table, in some partition at least, or writes to the
-- plan's tables as one gets its tenant; and not yet only for others than VITAL. The guard that holds a row changes none.
g.tgrelid IN ({heirs})
AND NOT g.tgisinternal
AND g.tgparentid = 0
AND (
    g.tgenabled IN ('O', 'A')
    OR EXISTS (
        SELECT
        FROM pg_trigger AS clone
        WHERE clone.tgrelid IN ({heirs})
          AND clone.tgparentid <> 0
          AND clone.tgname = g.tgname
          AND clone.tgenabled IN ('O', 'A')
    )
)
AND (g.tgtype & 19 = 19 OR {writes_the_plan})
AND g.tgfoid IS DISTINCT FROM to_regprocedure('vital.guard_referenced_row()')
AND pg_get_triggerdef(g.oid) NOT LIKE '%vital.backfill%'

-- name: cannot_be_made_again
-- Predicate on a trigger `g`: PostgreSQL keeps it, and lets nobody make it again as it is. Its condition reads the whole new
-- row of a table that has got a generated column since, or this login may not use its function (any more).
(
    NOT has_function_privilege(session_user, g.tgfoid, 'EXECUTE')
    OR NOT has_schema_privilege(session_user, (SELECT f.pronamespace FROM pg_proc AS f WHERE f.oid = g.tgfoid), 'USAGE')
    OR (
        g.tgtype & 2 = 2
        AND g.tgqual IS NOT NULL
        AND regexp_replace(pg_get_triggerdef(g.oid), '''(?:[^'']|'''')*''|"(?:[^"]|"")*"', '', 'g') ~* '\mnew\.\*'
        AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = g.tgrelid AND a.attgenerated <> '' AND NOT a.attisdropped)
    )
)

-- name: can_be_put_right
-- Predicate on a trigger `g` of others: it fires before the row and in front of a trigger of ours, which may put back what it
-- has changed there; and it seems to write nothing elsewhere.
(
    g.tgtype & 19 = 19
    AND g.tgname < {keeper}
    AND NOT EXISTS (SELECT FROM pg_proc AS p CROSS JOIN LATERAL ({tables_in_text}) AS written WHERE p.oid = g.tgfoid)
)

-- name: tables_to_keep
-- The tables on which such triggers stand; a partitioned one stands for its partitions.
SELECT DISTINCT CASE WHEN root.relkind = 'p' THEN root.oid ELSE g.tgrelid END AS oid
FROM pg_trigger AS g
JOIN pg_class AS root ON root.oid = to_regclass({name})
WHERE {are_kept}

-- name: any_table_to_keep
-- Whether there is one.
SELECT EXISTS ({tables_to_keep})

-- name: rows_are_kept
-- Whether our trigger is on each of them, and fires.
SELECT NOT EXISTS (
    SELECT
    FROM ({tables_to_keep}) AS wanted
    WHERE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = wanted.oid AND g.tgname = {keeper} AND g.tgfoid = to_regprocedure('vital.keep_row()') AND g.tgenabled = 'A')
)

-- name: create_keeper
-- Where VITAL gives a row its tenant, nothing else of it changes.
CREATE OR REPLACE FUNCTION vital.keep_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS {body}

-- name: keep_row_body
-- It fires last before the row, in VITAL's own work alone: what triggers before it have changed is put back.
BEGIN
    OLD.tenant_id := NEW.tenant_id;
    RETURN OLD;
END

-- name: keep_rows
-- Our trigger on each of the tables, behind those that stay as they are. It fires whenever one of them may.
DO $keep$
DECLARE
    kept oid;
BEGIN
    FOR kept IN {tables_to_keep} LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW WHEN (current_setting(''vital.backfill'', true) = ''on'') EXECUTE FUNCTION vital.keep_row()', {keeper}, kept::regclass);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', kept::regclass, {keeper});
    END LOOP;
END
$keep$

-- name: keep_rows_no_more
-- The triggers were ours, and the function is once nothing calls it.
DO $keep$
DECLARE
    kept oid;
BEGIN
    FOR kept IN SELECT tgrelid FROM pg_trigger WHERE tgrelid IN ({heirs}) AND tgname = {keeper} AND tgparentid = 0 LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', {keeper}, kept::regclass);
    END LOOP;
END
$keep$

-- name: triggers_are_guarded
-- Whether every trigger that may rewrite a row leaves VITAL's own work alone.
SELECT NOT EXISTS (SELECT FROM pg_trigger AS g WHERE {may_rewrite} AND NOT {cannot_be_made_again})

-- name: trigger_definitions
-- The triggers as they are, to restore them exactly.
SELECT COALESCE(jsonb_agg(jsonb_build_object(
           'definition', {again},
           'name', g.tgname,
           'on', g.tgrelid::regclass::text
       ) ORDER BY g.tgname, g.tgrelid::regclass::text), '[]')
FROM pg_trigger AS g
WHERE {may_rewrite}
  AND NOT {cannot_be_made_again}

-- name: made_again
-- What makes the trigger `g` again in its own place; of a constraint trigger there is no CREATE OR REPLACE.
CASE g.tgconstraint WHEN 0 THEN regexp_replace(pg_get_triggerdef(g.oid), '^CREATE', 'CREATE OR REPLACE')
ELSE format('DROP TRIGGER %I ON %s; %s', g.tgname, g.tgrelid::regclass, pg_get_triggerdef(g.oid)) END

-- name: lost_by_replacing
-- What that forgets of a trigger, and of its clones in partitions: when each is to fire, which extension it depends on, and
-- what is said of it. As statements that say it again, each of one table alone.
ARRAY(
    WITH RECURSIVE same AS (
        SELECT one.oid, one.tgrelid, one.tgname, one.tgenabled FROM pg_trigger AS one WHERE one.oid = {trigger}
        UNION ALL
        SELECT clone.oid, clone.tgrelid, clone.tgname, clone.tgenabled FROM pg_trigger AS clone JOIN same ON clone.tgparentid = same.oid
    )
    SELECT format('ALTER TABLE ONLY %s %s TRIGGER %I', tgrelid::regclass,
                  CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'D' THEN 'DISABLE' ELSE 'ENABLE' END, tgname)
    FROM same
    UNION ALL
    SELECT format('ALTER TRIGGER %I ON %s DEPENDS ON EXTENSION %I', tgname, tgrelid::regclass, e.extname)
    FROM same
    JOIN pg_depend AS d ON d.classid = 'pg_trigger'::regclass AND d.objid = same.oid AND d.deptype = 'x'
    JOIN pg_extension AS e ON e.oid = d.refobjid
    UNION ALL
    SELECT format('COMMENT ON TRIGGER %I ON %s IS %L', tgname, tgrelid::regclass, said)
    FROM same
    CROSS JOIN obj_description(same.oid, 'pg_trigger') AS said
    WHERE said IS NOT NULL
    UNION ALL
    SELECT format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, same.tgrelid::regclass, said)
    FROM same
    JOIN pg_trigger AS g ON g.oid = same.oid
    JOIN pg_constraint AS k ON k.oid = g.tgconstraint
    CROSS JOIN obj_description(k.oid, 'pg_constraint') AS said
    WHERE said IS NOT NULL
)

-- name: guard_triggers
-- Each such trigger gets one more condition; its own stays inside it. Quoted parts are skipped as a whole: names and
-- texts may look like anything.
DO $guard$
DECLARE
    part constant text := $re$((?:[^"']|"(?:[^"]|"")*"|'(?:[^']|'')*')*)$re$;
    guard constant text := $sql$current_setting('vital.backfill', true) IS DISTINCT FROM 'on'$sql$;
    found record;
    guarded text;
    again text;
BEGIN
    FOR found IN
        SELECT g.tgqual IS NOT NULL AS conditional, {lost} AS lost,
               {again} AS definition
        FROM pg_trigger AS g
        WHERE {may_rewrite}
          AND NOT {cannot_be_made_again}
    LOOP
        IF found.conditional THEN
            guarded := regexp_replace(found.definition, '^' || part || ' FOR EACH (ROW|STATEMENT) WHEN \(' || part || '\) EXECUTE FUNCTION ' || part || '$',
                                      '\1 FOR EACH \2 WHEN (' || guard || ' AND (\3)) EXECUTE FUNCTION \4');
        ELSE
            guarded := regexp_replace(found.definition, '^' || part || ' FOR EACH (ROW|STATEMENT) EXECUTE FUNCTION ' || part || '$',
                                      '\1 FOR EACH \2 WHEN (' || guard || ') EXECUTE FUNCTION \3');
        END IF;
        EXECUTE guarded;
        FOREACH again IN ARRAY found.lost LOOP
            EXECUTE again;
        END LOOP;
    END LOOP;
END
$guard$

-- name: restore_trigger
-- Its old definition, where ours is still in force, and whether it fires as it is now.
DO $restore$
DECLARE
    found record;
    again text;
BEGIN
    FOR found IN
        SELECT {lost} AS lost
        FROM pg_trigger AS g
        WHERE g.tgrelid = to_regclass({on})
          AND g.tgname = {trigger_name}
          AND pg_get_triggerdef(g.oid) LIKE '%vital.backfill%'
    LOOP
        EXECUTE {definition};
        FOREACH again IN ARRAY found.lost LOOP
            EXECUTE again;
        END LOOP;
    END LOOP;
END
$restore$

-- name: table_exists
-- Whether the table is there.
SELECT to_regclass({name}) IS NOT NULL

-- name: drop_table
-- The table was ours.
DROP TABLE {relation}
