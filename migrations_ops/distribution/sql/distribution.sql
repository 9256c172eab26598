-- name: nodes
-- What stands in the way of the cluster itself.
SELECT '', '', 'the cluster has no worker: as a superuser, SELECT citus_add_node(''host'', 5432) for each'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_dist_node WHERE groupid <> 0 AND noderole = 'primary')
UNION ALL
SELECT '', '', format('the node %s:%s is not active: SELECT citus_activate_node(''%s'', %s)', nodename, nodeport, nodename, nodeport)
FROM pg_catalog.pg_dist_node
WHERE noderole = 'primary' AND NOT isactive
UNION ALL
SELECT '', '', 'the coordinator is not among the nodes, so that shared tables would have no copy beside VITAL''s own: as a superuser, SELECT citus_set_coordinator_host(''host'')'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_dist_node WHERE groupid = 0)
UNION ALL
SELECT '', '', 'this server is a worker; give the coordinator''s address'
WHERE NOT citus_is_coordinator()

-- name: sizes_to_place
-- How large the tables are: rows as estimated, bytes.
SELECT t, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
FROM unnest({tables}::text[]) AS t
JOIN pg_class AS c ON c.oid = to_regclass(t)

-- name: rows_up_to
-- How many rows a table has; one more than so many where it has more.
SELECT count(*) FROM (SELECT 1 FROM {relation} LIMIT {most} + 1) AS counted

-- name: restrictive_policies
-- Policies of others that Citus would make permissive on the workers.
SELECT t, p.polname, format('the policy %s is RESTRICTIVE, and Citus makes it permissive on the workers: drop it first', p.polname)
FROM unnest({tables}::text[]) AS t
JOIN pg_policy AS p ON p.polrelid = to_regclass(t)
WHERE NOT p.polpermissive

-- name: subqueries_in_policies
-- Policies of others that Citus refuses.
SELECT t, p.polname, format('the policy %s has a subquery, which Citus refuses: write it without one, or drop it', p.polname)
FROM unnest({tables}::text[]) AS t
JOIN pg_policy AS p ON p.polrelid = to_regclass(t)
WHERE concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ '\m(SELECT|EXISTS)\M'

-- name: rows_without_place
-- Rows without a tenant in a table that is to be distributed.
SELECT {name}, '', format('%s rows have no tenant, so they have no place: decide them (./manage.py migrate_tenants findings), or place the table as a reference table', count(*))
FROM {relation}
WHERE {tenant} IS NULL
HAVING count(*) > 0

-- name: shapes_that_do_not_fit
-- Tables that cannot be placed as they are.
SELECT t, '', CASE
           WHEN c.relkind = 'p' OR c.relispartition THEN 'it is partitioned, which this VITAL does not place'
           WHEN EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhparent, i.inhrelid)) THEN 'it inherits, which Citus does not place'
           ELSE 'a column of it has an identity or a sequence of its own smaller than bigint, which the nodes cannot share'
       END
FROM unnest({tables}::text[]) AS t
JOIN pg_class AS c ON c.oid = to_regclass(t)
WHERE c.relkind = 'p'
   OR c.relispartition
   OR EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhparent, i.inhrelid))
   OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype)

-- name: keys_that_cannot_gain
-- Unique keys of tables that are to be distributed which cannot get the tenant as one more column.
SELECT t, i.indexrelid::regclass::text, format('%s is unique by an expression, for some rows only, or excludes: it cannot be unique in each tenant by one more column. Place the table as a reference table, or drop it', i.indexrelid::regclass)
FROM unnest({tables}::text[]) AS t
JOIN pg_index AS i ON i.indrelid = to_regclass(t)
WHERE (i.indisunique AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR i.indnatts > i.indnkeyatts))
   OR i.indisexclusion

-- name: unique_keys_without_tenant
-- The unique keys of a table that do not hold the tenant, with what makes each again, and what refers to it by then.
SELECT COALESCE(jsonb_agg(jsonb_build_object(
    'name', c.relname, 'constraint', k.conname, 'is_primary', i.indisprimary,
    'tenant_not_null', (SELECT attnotnull FROM pg_attribute WHERE attrelid = i.indrelid AND attname = {column}),
    'columns', key.columns, 'definition', pg_get_constraintdef(k.oid), 'create', pg_get_indexdef(i.indexrelid)
) ORDER BY i.indisprimary DESC, c.relname), '[]')
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY part.place) AS columns
    FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (attnum, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
) AS key
WHERE i.indrelid = to_regclass({name})
  AND i.indisunique
  AND NOT {column} = ANY(key.columns)

-- name: foreign_keys_to_place
-- The foreign keys of a table, and those by which tables that are not placed refer to it, as they stand.
SELECT COALESCE(jsonb_agg(jsonb_build_object(
    'name', k.conname, 'child', format('%I.%I', cn.nspname, cc.relname), 'parent', format('%I.%I', pn.nspname, pc.relname),
    'own', key.own, 'of_parent', key.of_parent, 'on_delete', CASE k.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
    'follows_updates', k.confupdtype <> 'a', 'definition', pg_get_constraintdef(k.oid)
) ORDER BY k.conrelid = to_regclass({name}) DESC, k.conname), '[]')
FROM pg_constraint AS k
JOIN pg_class AS cc ON cc.oid = k.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_class AS pc ON pc.oid = k.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY part.place) AS own, array_agg(p.attname::text ORDER BY part.place) AS of_parent
    FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS part (child, parent, place)
    JOIN pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = part.parent
) AS key
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND (
      k.conrelid = to_regclass({name})
      OR k.confrelid = to_regclass({name}) AND k.conrelid NOT IN (SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)
  )

-- name: drop_key
-- A key or a foreign key.
ALTER TABLE {relation} DROP CONSTRAINT IF EXISTS {constraint}

-- name: drop_unique_index
-- A unique index that is no constraint.
DROP INDEX IF EXISTS {index}

-- name: add_key
-- By its definition.
ALTER TABLE {relation} ADD CONSTRAINT {constraint} {definition}

-- name: tenant_may_be_null
-- A primary key that holds the tenant has made it NOT NULL.
ALTER TABLE {relation} ALTER COLUMN {tenant} DROP NOT NULL

-- name: unique_columns
-- The definition of a key.
{kind} ({columns})

-- name: unique_index
-- One that is no constraint.
CREATE UNIQUE INDEX {index} ON {relation} ({columns})

-- name: composite_key
-- The definition of a foreign key that holds the tenant on both sides.
FOREIGN KEY ({own}) REFERENCES {parent} ({of_parent}) ON DELETE {on_delete}

-- name: rows_of_key
-- How many rows refer by a foreign key.
SELECT count(*) FROM {child} AS c WHERE {given}

-- name: rows_without_parent
-- The same where both tables are distributed: rows to which the key that holds the tenant has no answer.
SELECT count(*) FROM {child} AS c WHERE {given} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {same} AND p.{tenant} = c.{tenant})

-- name: same_in_two_tenants
-- What forbids to give a key back: two tenants have it.
SELECT {name}, '', format('%s values of (%s) are in two tenants by now', count(*), {listed})
FROM (SELECT 1 FROM {relation} WHERE num_nulls({columns}) = 0 GROUP BY {columns} HAVING count(*) > 1) AS twice
HAVING count(*) > 0

-- name: triggers_to_place
-- The triggers of others on tables: the text of what each calls, and when it fires.
SELECT t, g.tgname::text, p.prosrc, g.tgtype::int
FROM unnest({tables}::text[]) AS t
JOIN pg_trigger AS g ON g.tgrelid = to_regclass(t) AND NOT g.tgisinternal
JOIN pg_proc AS p ON p.oid = g.tgfoid
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname <> 'vital' OR p.proname = 'touch_updated_at'
ORDER BY 1, 2

-- name: own_triggers
-- The triggers of ours on a table that do not go with it: guards of references, and the one for rows without a tenant.
SELECT COALESCE(jsonb_agg(jsonb_build_object('name', g.tgname, 'definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled) ORDER BY g.tgname), '[]')
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid AND p.pronamespace = to_regnamespace('vital')
WHERE g.tgrelid = to_regclass({name})
  AND NOT g.tgisinternal
  AND (g.tgname = 'vital_late_writer' OR starts_with(p.proname, 'guard_refer'))

-- name: drop_own_triggers
-- They go; what is not theirs stays.
DO $own$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT g.tgname AS name, g.tgrelid::regclass AS relation
        FROM pg_trigger AS g
        JOIN pg_proc AS p ON p.oid = g.tgfoid AND p.pronamespace = to_regnamespace('vital')
        WHERE g.tgrelid = to_regclass({name})
          AND NOT g.tgisinternal
          AND (g.tgname = 'vital_late_writer' OR starts_with(p.proname, 'guard_refer'))
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.name, found.relation);
    END LOOP;
END
$own$

-- name: stamping_triggers
-- The triggers that write the time of a change and do nothing else, of a table that each node has a copy of, to give them
-- back.
SELECT COALESCE(jsonb_agg(jsonb_build_object('name', g.tgname, 'definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled) ORDER BY g.tgname), '[]')
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE g.tgrelid = to_regclass({name}) AND NOT g.tgisinternal AND g.tgtype = 19 AND p.prosrc ~* {pattern}

-- name: create_stamp
-- Writes the time of the distributed transaction: now() is another on each node, so that copies of a row would differ.
CREATE OR REPLACE FUNCTION vital.stamp_{column_name}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $stamp$
BEGIN
    NEW.{column} := COALESCE((SELECT transaction_stamp FROM pg_catalog.get_current_transaction_id()), now());
    RETURN NEW;
END
$stamp$

-- name: create_stamp_trigger
-- In the place of the application's; VITAL's own work leaves the time as it is.
CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE ON {relation}
FOR EACH ROW WHEN (current_setting('vital.backfill', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION vital.stamp_{column_name}()

-- name: drop_trigger
-- Before it is given back.
DROP TRIGGER IF EXISTS {trigger} ON {relation}

-- name: note_rows
-- How many rows there are, and what they add up to, until the end of the transaction.
SELECT set_config('vital.rows_before', (SELECT format('%s rows, %s', count(*), COALESCE(sum({hash}), 0)) FROM {relation} AS t), true)

-- name: compare_rows
-- Nothing was lost, doubled or changed on the way, or the whole step is taken back.
DO $same$
DECLARE
    now_there CONSTANT text := (SELECT format('%s rows, %s', count(*), COALESCE(sum({hash}), 0)) FROM {relation} AS t);
BEGIN
    IF now_there <> current_setting('vital.rows_before') THEN
        RAISE EXCEPTION 'the rows of % are not the same after the move: before %, after %', {name}, current_setting('vital.rows_before'), now_there;
    END IF;
END
$same$

-- name: shape_of_rows
-- What the move of a table needs to know of it: whether its owner is bound, and its columns.
SELECT jsonb_build_object(
    'forced', (SELECT relforcerowsecurity FROM pg_class WHERE oid = to_regclass({name})),
    'columns', (
        SELECT jsonb_agg(jsonb_build_object('name', c.name, 'hashable', c.hashable AND cardinality(c.labels) = 0) ORDER BY c.place)
        FROM ({columns}) AS c
        WHERE c.relation = to_regclass({name})
    )
)

-- name: say_text_alike
-- Values that are compared as text are spelled the same on every node.
DO $alike$ BEGIN SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = '1'; END $alike$

-- name: no_force_to_move
-- Rows are copied as the owner, which row level security refuses to a COPY while it binds the owner.
ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY

-- name: force_again
-- For the owner as well.
ALTER TABLE {relation} FORCE ROW LEVEL SECURITY

-- name: make_reference
-- A copy on each node.
SELECT create_reference_table({name})

-- name: make_distributed
-- Each tenant's rows on one node, beside the tenant's rows of the other tables.
SELECT create_distributed_table({name}, {column}, colocate_with => {beside})

-- name: drop_local_rows
-- What the move has left on the coordinator, where nobody sees it any more.
SELECT truncate_local_data_after_distributing_table(to_regclass({name}))

-- name: no_local_rows
-- Whether nothing of them is there.
SELECT pg_relation_size(to_regclass({name})) = 0

-- name: make_local
-- On the coordinator alone, as before. Citus makes the table anew: it is the same one to VITAL.
SELECT undistribute_table({name})

-- name: is_placed
-- Whether a table is placed like this.
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_dist_partition
    WHERE logicalrelid = to_regclass({name}) AND partmethod = CASE WHEN {how} = 'reference' THEN 'n' ELSE 'h' END AND (partmethod = 'h' OR repmodel = 't')
)

-- name: same_table_of_statements
-- What was noted of a table that was made anew counts for the new one.
UPDATE vital.applied_statement SET relid = to_regclass({name}) WHERE relation = {name} AND relid IS NOT NULL

-- name: same_table_of_baseline
-- So does its baseline, whose files are others now.
UPDATE vital.baseline SET relid = to_regclass({name}), files = ARRAY[pg_relation_filenode(to_regclass({name}))::bigint] WHERE relation = {name} AND relid IS NOT NULL

-- name: login_before
-- Whether the roles could log in.
SELECT jsonb_object_agg(rolname, rolcanlogin) FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator')

-- name: roles_may_log_in
-- Whether nodes let each other in as VITAL's roles.
SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator') AND rolcanlogin

-- name: let_log_in
-- Nodes log in to each other as who asks. Without a password; pg_hba.conf lets them in from the nodes alone.
ALTER ROLE {role} LOGIN

-- name: let_log_in_no_more
-- Unless another database of the server stands on the role.
DO $login$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole({role_name})
          AND dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) THEN
        ALTER ROLE {role} NOLOGIN;
    END IF;
END
$login$

-- name: chosen_placement
-- What was chosen when the distribution began.
SELECT memo FROM vital.applied_statement WHERE statement = {statement}

-- name: noted_keys
-- The foreign keys that were set aside, by the statement's name.
SELECT memo FROM vital.applied_statement WHERE statement = {statement}

-- name: given_state
-- What is noted, as it is given.
SELECT {memo}::jsonb

-- name: nodes_there
-- The cluster's nodes, and how many shards each holds.
SELECT format('%s:%s', n.nodename, n.nodeport), (SELECT count(*) FROM pg_catalog.pg_dist_placement AS p WHERE p.groupid = n.groupid)
FROM pg_catalog.pg_dist_node AS n
WHERE n.noderole = 'primary'
ORDER BY n.groupid
