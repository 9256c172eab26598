-- name: server_version
-- The server must be one of the versions VITAL is tested with; an older one is refused at the door.
SELECT '', '', format('PostgreSQL %s: VITAL is made for 14 to 18. Use a server of one of these versions.', current_setting('server_version'))
WHERE current_setting('server_version_num')::int NOT BETWEEN 140000 AND 189999

-- name: settings_in_the_way
-- What ALTER ROLE, ALTER DATABASE or the server's configuration say, and our session cannot set for itself.
SELECT '', '', format('session_replication_role is %s, so that triggers and foreign keys do not fire. ALTER ROLE %I RESET session_replication_role; ALTER DATABASE %I RESET session_replication_role;', setting, session_user, current_database())
FROM pg_settings
WHERE name = 'session_replication_role'
  AND setting <> 'origin'
UNION ALL
SELECT '', '', format('default_tablespace is %s, in which %s may create nothing. GRANT CREATE ON TABLESPACE %I TO %I; or ALTER ROLE %I RESET default_tablespace;', spcname, current_user, spcname, current_user, session_user)
FROM pg_tablespace
WHERE spcname = current_setting('default_tablespace')
  AND oid <> (SELECT dattablespace FROM pg_database WHERE datname = current_database())
  AND NOT has_tablespace_privilege(current_user, oid, 'CREATE')
UNION ALL
SELECT '', '', format('%s is set for %s. VITAL sets it for each transaction, and a value that is always there would choose a tenant or pass a trigger by: ALTER %s RESET %s;', split_part(setting, '=', 1), said.whom, said.whom, split_part(setting, '=', 1))
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS setting
CROSS JOIN LATERAL (
    SELECT CASE
               WHEN s.setrole = 0 THEN format('DATABASE %I', current_database())
               WHEN s.setdatabase = 0 THEN format('ROLE %I', pg_get_userbyid(s.setrole))
               ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), current_database())
           END AS whom
) AS said
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND setting LIKE 'vital.%'

-- name: sessions_past_triggers
-- Roles whose sessions fire no trigger: what they write without a tenant gets none, and references are not guarded.
SELECT '', '', format('sessions of %s have %s, so that no trigger fires for what they write. Reset it where they write to tables of tenants', COALESCE(r.rolname, 'everybody'), setting)
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS setting
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND setting IN ('session_replication_role=replica', 'session_replication_role=local')

-- name: biggest_table
-- Bytes of the biggest table with its indexes.
SELECT COALESCE(max(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind IN ('r', 'm')

-- name: missing_tables
-- Tables that the plan needs and the database does not have.
SELECT wanted.relation, '', 'the table is missing. VITAL adopts a complete platform database; it never fills gaps. Create it, or take it out of the plan.' || COALESCE((
           SELECT ' Did you mean ' || string_agg(format('%I.%I', n.nspname, c.relname), ' or ' ORDER BY n.nspname, c.relname) || '?'
           FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p')
             AND (c.relname = wanted.name OR c.relname LIKE left(wanted.name, 4) || '%' OR wanted.name LIKE left(c.relname, 4) || '%')
             AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'vital')
             AND abs(length(c.relname) - length(wanted.name)) <= 2
       ), '')
FROM (SELECT relation, (parse_ident(relation))[2] AS name FROM unnest({tables}::text[]) AS relation) AS wanted
WHERE to_regclass(wanted.relation) IS NULL
  AND EXISTS (SELECT FROM unnest({tables}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)

-- name: another_database
-- Not one table of the plan is there: it is said once, with what to do, and not table by table.
SELECT '', '', format('none of the plan''s %s tables is in the database %s. If you meant another, name it in DATABASE_URL. If this one is to become multi-tenant, make a plan for it: ./manage.py migrate_tenants init-plan --out plan.toml', cardinality({tables}::text[]), current_database())
WHERE NOT EXISTS (SELECT FROM unnest({tables}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)

-- name: no_tables
-- A view, foreign table or the like cannot be carried over.
SELECT wanted.relation, '', 'is not an ordinary or partitioned table'
FROM unnest({tables}::text[]) AS wanted (relation)
JOIN pg_class AS c ON c.oid = to_regclass(wanted.relation)
WHERE c.relkind NOT IN ('r', 'p')

-- name: wrong_columns
-- Columns that the plan needs: missing, where they have to be there, or of a type that its rules cannot read.
SELECT wanted.relation, '', CASE
           WHEN a.attname IS NULL THEN format('the column %s is missing (needed: %s); there are %s', wanted.name, wanted.kind, (
               SELECT string_agg(had.attname, ', ' ORDER BY had.attnum)
               FROM pg_attribute AS had
               WHERE had.attrelid = wanted.oid AND had.attnum > 0 AND NOT had.attisdropped
           ))
           ELSE format('the column %s is %s, but the plan needs %s', wanted.name, format_type(a.atttypid, a.atttypmod), wanted.kind)
       END
FROM (
    SELECT relation, to_regclass(relation)::oid AS oid, name, kind, required
    FROM unnest({relations}::text[], {columns}::text[], {kinds}::text[], {required}::boolean[]) AS wanted (relation, name, kind, required)
) AS wanted
LEFT JOIN pg_attribute AS a ON a.attrelid = wanted.oid AND a.attname = wanted.name AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_type AS element ON element.oid = t.typelem AND t.typcategory = 'A'
WHERE wanted.oid IS NOT NULL
  AND (
      (a.attname IS NULL AND wanted.required)
      OR NOT CASE wanted.kind
          WHEN 'text' THEN t.typcategory IN ('S', 'E')
          WHEN 'text[]' THEN element.typcategory IN ('S', 'E')
          WHEN 'jsonb' THEN t.typname IN ('json', 'jsonb')
          WHEN 'integer' THEN t.typname IN ('int2', 'int4', 'int8')
          ELSE t.typname = CASE wanted.kind WHEN 'boolean' THEN 'bool' ELSE wanted.kind END
      END
  )

-- name: wrong_tenant_columns
-- A tenant column that is there already must be able to hold a tenant's id.
SELECT wanted.relation, '', format('the column %s is %s, but a tenant''s id is a uuid', c.name, c.kind)
FROM unnest({tables}::text[]) AS wanted (relation)
JOIN ({all_columns}) AS c ON c.relation = to_regclass(wanted.relation)
WHERE c.name = {column}
  AND c.kind <> 'uuid'

-- name: keys_that_are_not_unique
-- Rows are remembered by their key, so it must identify them. A key is an array of names, as JSON.
SELECT wanted.relation, '', format('no primary or unique key on (%s): rows could not be distinguished', array_to_string(wanted.key, ', '))
FROM (
    SELECT relation, to_regclass(relation) AS oid, ARRAY(SELECT jsonb_array_elements_text(key)) AS key
    FROM unnest({tables}::text[], {keys}::jsonb[]) AS wanted (relation, key)
) AS wanted
WHERE wanted.oid IS NOT NULL
  AND NOT EXISTS (
      SELECT
      FROM ({unique_keys}) AS u
      WHERE u.relation = wanted.oid
        AND u.is_valid
        AND NOT u.is_partial
        AND NOT u.has_expressions
        AND u.columns @> wanted.key
        AND u.columns <@ wanted.key
  )

-- name: not_owner
-- Only a table's owner may change its schema.
SELECT {name}, '', format('is owned by %s; %s must be that role or a member of it', pg_get_userbyid(relowner), current_user)
FROM pg_class
WHERE oid = to_regclass({name})
  AND NOT pg_has_role(current_user, relowner, 'USAGE')

-- name: owner_lacks_privileges
-- An owner may have taken rights on a table from itself, and can give them back.
SELECT {name}, '', format('%s, who owns it, may not %s: GRANT %s ON %s TO %I', pg_get_userbyid(relowner), lower(needed), needed, {name}, pg_get_userbyid(relowner))
FROM pg_class
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRIGGER']) AS needed
WHERE oid = to_regclass({name})
  AND NOT has_table_privilege(relowner, oid, needed)

-- name: filtered_by_policies
-- Under policies of others an UPDATE could change 0 rows without an error. VITAL's own policies do not count. To who cannot
-- own the table anyway, such as the service that only looks ahead, a policy that shows every row hides nothing.
SELECT wanted.relation, '', format('row level security filters what %s sees: an update could silently miss rows. ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, or use the role that owns the table.', current_user, wanted.relation)
FROM unnest({tables}::text[]) AS wanted (relation)
JOIN pg_class AS c ON c.oid = to_regclass(wanted.relation)
WHERE row_security_active(c.oid)
  AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'vital_operator')
  AND (
      pg_has_role(current_user, c.relowner, 'USAGE')
      OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
      OR NOT EXISTS (
          SELECT
          FROM pg_policy AS p
          WHERE p.polrelid = c.oid
            AND p.polcmd IN ('r', '*')
            AND 0 = ANY(p.polroles)
            AND pg_get_expr(p.polqual, p.polrelid) = 'true'
      )
  )

-- name: missing_privileges
-- What the role must be allowed to create before anything starts.
SELECT '', '', format('%s may not create objects in schema %s: GRANT CREATE ON SCHEMA %s TO %s', current_user, needed.name, needed.name, quote_ident(current_user))
FROM unnest({schemas}::text[]) AS needed (name)
WHERE to_regnamespace(quote_ident(needed.name)) IS NOT NULL
  AND NOT has_schema_privilege(needed.name, 'CREATE')

-- name: usage_cannot_be_granted
-- VITAL's roles are to use every schema of the plan (006), which only its owner may, or who was given it to pass on.
SELECT '', '', format('%s may not let VITAL''s roles use the schema %I. Let its owner %s do it: GRANT USAGE ON SCHEMA %I TO %I WITH GRANT OPTION',
                      current_user, n.nspname, pg_get_userbyid(n.nspowner), n.nspname, current_user)
FROM pg_namespace AS n
WHERE n.nspname = ANY({schemas}::text[])
  AND NOT has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION')
  AND NOT (SELECT count(*) = 2 AND bool_and(has_schema_privilege(oid, n.oid, 'USAGE')) FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator'))

-- name: belong_to_a_provider
-- What tenants read, or are found through, belongs to a role that owns no table of the plan: nothing is granted there.
SELECT wanted.relation, '', format('belongs to %s, who owns no table of the plan, and VITAL grants nothing that is others''. Take it out of the plan; what is needed of it, keep in a table of your own', pg_get_userbyid(c.relowner))
FROM unnest({read}::text[]) AS wanted (relation)
JOIN pg_class AS c ON c.oid = to_regclass(wanted.relation)
WHERE pg_get_userbyid(c.relowner) <> current_user
  AND NOT current_setting('is_superuser')::boolean
  AND c.relowner <> ALL(ARRAY(SELECT t.relowner FROM pg_class AS t WHERE t.oid = ANY(ARRAY(SELECT to_regclass(named)::oid FROM unnest({tables}::text[]) AS named))))

-- name: unreachable_roles
-- VITAL works as vital_operator and rehearses as vital_tenant; it makes itself a member of both unless it is one, or may not.
-- Where membership always inherits (before 16), vital_tenant is reached through a role that passes nothing on.
SELECT '', '', format('%s cannot become %s%s. Ask a DBA for: %s%s', current_user, wanted.role,
                      CASE WHEN r.oid IS NULL THEN ', which does not exist, and may not create roles' END,
                      CASE WHEN r.oid IS NULL THEN format('CREATE ROLE %s NOLOGIN; ', wanted.role) END,
                      format(CASE WHEN server.inherits THEN wanted.indirectly ELSE wanted.directly END, quote_ident(current_user)))
FROM (VALUES
    ('vital_operator', 'GRANT vital_operator TO %s WITH INHERIT FALSE, SET TRUE;', 'GRANT vital_operator TO %s;'),
    ('vital_tenant', 'GRANT vital_tenant TO %s WITH INHERIT FALSE, SET TRUE;',
     'CREATE ROLE vital_prover NOLOGIN NOINHERIT; GRANT vital_tenant TO vital_prover; GRANT vital_prover TO %s;')
) AS wanted (role, directly, indirectly)
CROSS JOIN (SELECT current_setting('server_version_num')::int < 160000 AS inherits) AS server
CROSS JOIN (SELECT current_setting('is_superuser')::boolean OR rolcreaterole AS creates FROM pg_roles WHERE rolname = current_user) AS me
LEFT JOIN pg_roles AS r ON r.rolname = wanted.role
WHERE NOT CASE
    WHEN r.oid IS NULL OR server.inherits AND me.creates THEN me.creates
    WHEN server.inherits THEN pg_has_role(r.oid, 'MEMBER')
    ELSE pg_has_role(r.oid, 'SET') OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
END

-- name: bound_by_row_level_security
-- A member that inherits is bound by the policies for tenants: the owner's own login would see no row any more.
SELECT '', '', format('%s has the rights of vital_tenant, so row level security would hide every row from it. Ask a DBA for: %s', current_user,
                      CASE
                          WHEN current_setting('server_version_num')::int < 160000
                              THEN format('CREATE ROLE vital_prover NOLOGIN NOINHERIT; GRANT vital_tenant TO vital_prover; GRANT vital_prover TO %1$I; REVOKE vital_tenant FROM %1$I;', current_user)
                          ELSE format('GRANT vital_tenant TO %I WITH INHERIT FALSE, SET TRUE;', current_user)
                      END)
FROM pg_roles AS r
WHERE r.rolname = 'vital_tenant'
  AND pg_has_role(r.oid, 'USAGE')
  AND NOT current_setting('is_superuser')::boolean

-- name: taken_slugs
-- Another tenant has a slug or domain that the plan wants for one of its own.
SELECT {name}, t.id::text, format('the tenant %s already has the slug %s or the domain %s, which the plan gives to %s', t.name, wanted.slug, wanted.domain, wanted.id)
FROM {relation} AS t
JOIN unnest({ids}::uuid[], {slugs}::text[], {domains}::text[]) AS wanted (id, slug, domain)
  ON t.id <> wanted.id AND (t.slug = wanted.slug OR t.domain = wanted.domain)

-- name: renamed_tenants
-- A tenant is there under one of the plan's ids: it keeps its id, and its old names stay valid.
SELECT {name}, t.id::text, format('%s (%s, %s) becomes %s (%s, %s); the old slug and domain stay valid as aliases', t.name, t.slug, COALESCE(t.domain, 'no domain'), wanted.title, wanted.slug, wanted.domain)
FROM {relation} AS t
JOIN unnest({ids}::uuid[], {titles}::text[], {slugs}::text[], {domains}::text[]) AS wanted (id, title, slug, domain) USING (id)
WHERE (t.slug, t.domain) IS DISTINCT FROM (wanted.slug, wanted.domain)

-- name: other_shape
-- A table of a name that VITAL needs for its own organisation data is there in another shape.
SELECT {name}, '', format('exists in another shape: %s. Rename that table, or take it out of the way.', misfit.message)
FROM (
    {wrong_columns}
    UNION ALL
    SELECT {name}, '', format('the column %s must not be empty, and VITAL has no value for it', c.name)
    FROM ({all_columns}) AS c
    WHERE c.relation = to_regclass({name})
      AND c.not_null
      AND NOT c.has_default
      AND c.identity = ''
      AND c.name <> ALL({filled}::text[])
) AS misfit (relation, key, message)

-- name: duplicate_keys
-- A key that is to be unique in each tenant is not unique now. A key holds in its own table, whatever rows its heirs have,
-- and a row with a NULL in it shares its key with none.
SELECT {name}, min({key}), format('%s rows share (%s): %s', count(*), array_to_string({columns}::text[], ', '), left(concat_ws(', ', {values}), 100))
FROM ONLY {relation} AS t
WHERE num_nulls({values}) = 0
GROUP BY {values}
HAVING count(*) > 1

-- name: keys_others_refer_to
-- A foreign key refers to a key that is to be made unique per tenant instead.
SELECT {name}, '', format('the foreign key %s of %s refers to (%s), which becomes unique per tenant. Let it refer to the primary key.', f.name, f.child::regclass, array_to_string({columns}::text[], ', '))
FROM ({foreign_keys}) AS f
WHERE f.parent = to_regclass({name})
  AND f.of_parent @> {columns}::text[]
  AND f.of_parent <@ {columns}::text[]

-- name: rescoped_partitions
-- A key of a partitioned table is made of its partitions' keys, and none of them takes another's place online.
SELECT {name}, '', format('is partitioned, so that its key (%s) cannot become unique per tenant: take it out of rescope', array_to_string({columns}::text[], ', '))
FROM pg_class
WHERE oid = to_regclass({name})
  AND relkind = 'p'

-- name: policy_name_taken
-- A policy of another origin under a name of ours.
SELECT {name}, '', format('has a policy %I, which is a name that VITAL needs. Rename it: ALTER POLICY %I ON %s RENAME TO …', polname, polname, {name})
FROM pg_policy
WHERE polrelid = to_regclass({name})
  AND polname = ANY({policies}::text[])
  AND NOT EXISTS (SELECT FROM vital.applied_statement WHERE statement = {statement})

-- name: trigger_name_taken
-- A trigger of another origin under a name of ours.
SELECT {name}, '', format('has a trigger %I, which is a name that VITAL needs. Rename it: ALTER TRIGGER %I ON %s RENAME TO …', g.tgname, g.tgname, {name})
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE g.tgrelid = to_regclass({name})
  AND NOT g.tgisinternal
  AND (g.tgname IN ('vital_late_writer', 'A_vital_new_tenant', '~vital_keeps_the_row') OR g.tgname LIKE 'vital\_references%' OR g.tgname LIKE 'vital\_moves%' OR g.tgname LIKE 'vital\_ref\_%' OR g.tgname LIKE 'vital\_chd\_%' OR g.tgname LIKE 'vital\_bound\_%')
  AND p.pronamespace <> 'vital'::regnamespace

-- name: constraint_name_taken
-- A constraint of another origin under a name of ours, unless it is the one we would make.
SELECT {name}, '', format('has a constraint %I, which is a name that VITAL needs. Rename it: ALTER TABLE %s RENAME CONSTRAINT %I TO …', k.conname, {name}, k.conname)
FROM pg_constraint AS k
WHERE k.conrelid = to_regclass({name})
  AND k.conname = {constraint_name}
  AND NOT (k.contype = 'f' AND k.conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = k.conrelid AND attname = {column}))
  AND NOT EXISTS (SELECT FROM vital.applied_statement WHERE statement = {statement})

-- name: index_name_taken
-- Something of another origin under the name of an index of ours, unless it is the index that we would make.
SELECT {name}, '', format('VITAL needs the name %s for an index, and %s has it already. Rename that.', {index_name}, pg_describe_object('pg_class'::regclass, c.oid, 0))
FROM pg_class AS c
WHERE c.oid = to_regclass({index_name})
  AND NOT EXISTS (SELECT FROM vital.applied_statement WHERE statement = {statement})
  AND NOT EXISTS (
      SELECT
      FROM pg_index AS i
      WHERE i.indexrelid = c.oid
        AND i.indrelid = to_regclass({name})
        AND i.indisvalid
        AND NOT i.indisunique
        AND i.indpred IS NULL
        AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid AND attname = {column})
  )

-- name: no_column_can_be_added
-- What cannot get a tenant column, or a foreign key: a table of a type, and one with rows on another server.
SELECT {name}, '', format('is a table of the type %s, so that no column can be added: ALTER TABLE %s NOT OF', reloftype::regtype, {name})
FROM pg_class
WHERE oid = to_regclass({name})
  AND reloftype <> 0
UNION ALL
SELECT {name}, '', format('its rows in %s are on another server, where no tenant can be checked: detach it, or take the table out of the plan', c.oid::regclass)
FROM pg_class AS c
WHERE c.oid IN ({heirs})
  AND c.relkind = 'f'

-- name: inherits_from_another_of_the_plan
-- Its rows would be those of both, and get a tenant by the rules of either.
SELECT heir.relation, '', format('inherits from %s, so that its rows are rows of both, and the plan names both: take one of them out of it', heir.planned)
FROM (
    WITH RECURSIVE planned AS (
        SELECT relation, to_regclass(relation)::oid AS oid FROM unnest({tables}::text[]) AS relation
    ), above AS (
        SELECT planned.relation, i.inhparent AS oid FROM planned JOIN pg_inherits AS i ON i.inhrelid = planned.oid
        UNION
        SELECT above.relation, i.inhparent FROM above JOIN pg_inherits AS i ON i.inhrelid = above.oid
    )
    SELECT above.relation, planned.relation AS planned FROM above JOIN planned USING (oid)
) AS heir

-- name: an_update
-- What the backfill will do, of no row: enough for PostgreSQL to say no.
EXPLAIN WITH changed AS (UPDATE ONLY {relation} SET {column} = {column} WHERE false RETURNING 1) SELECT FROM changed

-- name: what_stands_before_changes
-- The rules and publications of a table whose rows cannot be changed, each with what to do.
SELECT ARRAY(
    SELECT format('It has the rule %1$I: ALTER TABLE %2$s DISABLE RULE %1$I until the run is done.', rulename, {name})
    FROM pg_rewrite
    WHERE ev_class = to_regclass({name}) AND ev_type IN ('2', '3', '4') AND ev_enabled <> 'D'
    UNION ALL
    SELECT format('The publication %I publishes it.', p.pubname)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_publication_tables AS t ON t.schemaname = n.nspname AND t.tablename = c.relname
    JOIN pg_publication AS p USING (pubname)
    WHERE c.oid = to_regclass({name}) AND (p.pubupdate OR p.pubdelete)
    ORDER BY 1
)

-- name: an_insert
-- What VITAL will do where rows are missing.
EXPLAIN WITH added AS (INSERT INTO {relation} DEFAULT VALUES RETURNING 1) SELECT FROM added

-- name: a_delete
-- What the undo will do with them.
EXPLAIN WITH removed AS (DELETE FROM {relation} WHERE false RETURNING 1) SELECT FROM removed

-- name: leaned_on_keys
-- Something holds on to a key that is to be made unique per tenant: it could not go, or would be missed.
SELECT {name}, '', format('the key (%s) is %s: take it out of rescope, or let go of it first', array_to_string({columns}::text[], ', '), held.how)
FROM ({unique_keys}) AS u
JOIN pg_index AS i ON i.indexrelid = u.index
LEFT JOIN pg_constraint AS k ON k.conindid = u.index AND k.contype = 'u'
CROSS JOIN LATERAL (
    SELECT 'the replica identity of its table' WHERE i.indisreplident
    UNION ALL
    SELECT 'used by ' || pg_describe_object(d.classid, d.objid, 0)
    FROM pg_depend AS d
    WHERE (d.refclassid, d.refobjid) IN (('pg_class'::regclass, u.index), ('pg_constraint'::regclass, k.oid))
      AND d.deptype = 'n'
      AND d.classid <> 'pg_constraint'::regclass
) AS held (how)
WHERE u.relation = to_regclass({name})
  AND NOT u.is_primary
  AND NOT u.has_expressions
  AND u.columns @> {columns}::text[]
  AND u.columns <@ {columns}::text[]

-- name: foreign_tracking_table
-- The name that the guide's query uses is taken by something that is not VITAL's.
SELECT 'public.migration_tracking', '', 'exists and is not VITAL''s, so progress could not be shown there. Rename it: ALTER TABLE migration_tracking RENAME TO migration_tracking_old'
WHERE to_regclass('public.migration_tracking') IS NOT NULL
  AND obj_description(to_regclass('public.migration_tracking'), 'pg_class') IS DISTINCT FROM 'VITAL: progress of the migration'

-- name: triggers_that_write
-- Every trigger that fires as a row of the plan's tables gets a tenant, with the tables of the plan that it seems to write,
-- and others. Each function is read once.
WITH RECURSIVE named AS (
    SELECT relation, filled, to_regclass(relation)::oid AS oid
    FROM jsonb_each({filled_columns}::jsonb) AS each (relation, listed)
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(listed))) AS columns (filled)
), related AS (
    SELECT relation, filled, oid FROM named
    UNION
    SELECT r.relation, r.filled, i.inhrelid FROM pg_inherits AS i JOIN related AS r ON i.inhparent = r.oid
), firing AS MATERIALIZED (
    SELECT r.relation, g.oid, g.tgname, g.tgfoid
    FROM related AS r
    JOIN pg_trigger AS g ON g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgparentid = 0 AND g.tgenabled IN ('O', 'A')
    JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE {fires}
), functions AS MATERIALIZED (
    SELECT p.oid,
           string_agg(COALESCE(written.oid::regclass::text, 'tables that it names as it runs'), ', ' ORDER BY written.oid::regclass::text)
               FILTER (WHERE is_planned) AS planned,
           string_agg(written.oid::regclass::text, ', ' ORDER BY written.oid::regclass::text) FILTER (WHERE NOT is_planned) AS others
    FROM (SELECT DISTINCT tgfoid FROM firing) AS one
    JOIN pg_proc AS p ON p.oid = one.tgfoid
    CROSS JOIN LATERAL ({tables_in_text}) AS written
    CROSS JOIN LATERAL (SELECT written.oid IS NULL OR written.oid = ANY(ARRAY({family}))) AS of_plan (is_planned)
    GROUP BY p.oid
)
SELECT firing.relation, firing.tgname, firing.oid, functions.planned, functions.others
FROM firing
LEFT JOIN functions ON functions.oid = firing.tgfoid

-- name: triggers_that_will_fire
-- Triggers that fire as rows get a tenant, and as an undo takes it from them. They are not held back: what they feed (an
-- audit, a queue, another database) would miss a change of the row.
SELECT relation, '',
       format('the trigger %s fires for every change of a tenant, also in an undo, and %s: what it changes there is not given back',
              tgname, COALESCE('seems to write ' || others, 'may write elsewhere'))
FROM ({triggers_that_write}) AS g
WHERE planned IS NULL
  AND pg_get_triggerdef(g.oid) NOT LIKE '%vital.backfill%'
ORDER BY relation, tgname

-- name: triggers_that_are_held_back
-- Triggers that would change other rows of the plan's tables as rows get a tenant: a counter, a time, a copy. 001 holds them
-- back, so that nothing but the tenant changes.
SELECT relation, '',
       format('the trigger %s seems to write %s as a row changes. 001 holds it back while VITAL changes a tenant, so that nothing else changes: it gets one condition more, which the undo takes from it%s',
              tgname, planned, '. An audit or a queue that it feeds as well (' || (others || ') misses these changes'))
FROM ({triggers_that_write}) AS g
WHERE planned IS NOT NULL
ORDER BY relation, tgname

-- name: lost_tenants
-- A row refers to a tenant that does not exist.
SELECT {name}, {key}, format('its tenant %s does not exist', t.{tenant})
FROM {relation} AS t
WHERE t.{tenant} IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM {registry} AS r WHERE r.id = t.{tenant})
LIMIT 1000

-- name: checks_not_valid
-- Checks that do not count for old rows, and NOT NULL of the same kind (from 18 on): each with the table that holds rows,
-- its name, what it asks, and what to do. One that is not enforced (from 18 on) stops no update.
SELECT k.conrelid::regclass::text, quote_ident(k.conname), asks.expression,
       format('Find them: SELECT * FROM ONLY %1$s WHERE (%3$s) IS FALSE; Correct the rows (then ALTER TABLE %1$s VALIDATE CONSTRAINT %2$I; succeeds), or drop the constraint until the run is done: ALTER TABLE %1$s DROP CONSTRAINT %2$I; and afterwards: ALTER TABLE %1$s ADD CONSTRAINT %2$I %4$s;',
              k.conrelid::regclass, k.conname, asks.expression, pg_get_constraintdef(k.oid))
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid AND c.relkind = 'r'
CROSS JOIN LATERAL (
    SELECT CASE k.contype
               WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid)
               ELSE (SELECT format('%I IS NOT NULL', a.attname) FROM pg_attribute AS a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1])
           END AS expression
) AS asks
WHERE k.conrelid IN ({heirs})
  AND k.contype IN ('c', 'n')
  AND NOT k.convalidated
  AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
ORDER BY 1, 2

-- name: rows_that_break_a_check
-- How many rows without a tenant break a check, and the keys of the first ones. NULL keeps a check.
SELECT count(*), (array_agg(broken.key ORDER BY broken.key))[1:{most}]
FROM (SELECT {key} AS key FROM ONLY {relation} AS t WHERE {open} AND ({expression}) IS FALSE) AS broken

-- name: triggers_not_to_be_made_again
-- Triggers that 001 would have to make anew and that cannot be, each with what to do: its definition with the columns in place
-- of the row, or the right to its function.
SELECT {name}, '',
       CASE
           WHEN NOT lacks.usage AND NOT lacks.execute THEN
               format('the trigger %1$I reads the whole new row in its condition, and the table has generated columns: PostgreSQL keeps such a trigger and refuses to make it again, as 001 has to. Name the columns in it: DROP TRIGGER %1$I ON %2$s; %3$s;',
                      g.tgname, g.tgrelid::regclass,
                      regexp_replace(regexp_replace(pg_get_triggerdef(g.oid), '\mnew\.\*', format('ROW(%s)', plain.new), 'gi'), '\mold\.\*', format('ROW(%s)', plain.old), 'gi'))
           ELSE format('001 has to make the trigger %I anew, and %s may not use its function: %s', g.tgname, session_user,
                       CASE WHEN lacks.usage THEN format('GRANT USAGE ON SCHEMA %I TO %I; ', n.nspname, session_user) ELSE '' END
                       || CASE WHEN lacks.execute THEN format('GRANT EXECUTE ON FUNCTION %s TO %I;', f.oid::regprocedure, session_user) ELSE '' END)
       END
FROM pg_trigger AS g
JOIN pg_proc AS f ON f.oid = g.tgfoid
JOIN pg_namespace AS n ON n.oid = f.pronamespace
CROSS JOIN LATERAL (
    SELECT NOT has_schema_privilege(session_user, n.oid, 'USAGE') AS usage, NOT has_function_privilege(session_user, f.oid, 'EXECUTE') AS execute
) AS lacks
CROSS JOIN LATERAL (
    SELECT string_agg(format('OLD.%I', a.attname), ', ' ORDER BY a.attnum) AS old, string_agg(format('NEW.%I', a.attname), ', ' ORDER BY a.attnum) AS new
    FROM pg_attribute AS a
    WHERE a.attrelid = g.tgrelid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
) AS plain
WHERE {refused}

-- name: triggers_put_right
-- Triggers that cannot be made again and whose changes of the row itself are put back.
SELECT {name}, '',
       format('the trigger %I cannot be made again, and stays as it is: it fires as a row gets its tenant, and VITAL puts back what it changes of the row (a trigger of its own behind it, until the undo)', g.tgname)
FROM pg_trigger AS g
WHERE {are_kept}

-- name: trigger_is_kept
-- Predicate on a trigger `g` of a table: it would have to be made anew, cannot be, and what it changes can be put back.
{may_rewrite} AND {cannot_be_made_again} AND {can_be_put_right}

-- name: trigger_is_refused
-- The same, and it cannot be put back.
{may_rewrite} AND {cannot_be_made_again} AND NOT {can_be_put_right}

-- name: tenants_of_another_table
-- A tenant column that is there already and refers to another table than the plan's table of tenants: nobody could own a row
-- who is not in both, and an undo could not tell whose the tenants are.
SELECT {name}, '',
       format('its column %s refers to %s (constraint %I), and the plan''s table of tenants is %s. Let VITAL adopt that table: registry = "%s" in the plan, once it has the columns that docs/reference/plan.md lists under registry; take it out of the plan''s tables then. Or drop the constraint, if the column does not say whose a row is, and rename the column.',
              {column}, k.confrelid::regclass, k.conname, {registry},
              (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = k.confrelid))
FROM pg_constraint AS k
WHERE k.conrelid = to_regclass({name})
  AND k.contype = 'f'
  AND k.conparentid = 0
  AND k.confrelid IS DISTINCT FROM to_regclass({registry})
  AND k.confrelid IS DISTINCT FROM to_regclass({adopted})
  AND k.conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = k.conrelid AND attname = {column})

-- name: generated_from_tenant
-- A tenant column that is there already, from which another one is generated: both would change.
SELECT {name}, '',
       format('its column %1$I is generated from %2$I and would change with it, and 004 changes nothing but the tenant. Keep its values and let go of the expression: ALTER TABLE %3$s ALTER COLUMN %1$I DROP EXPRESSION; or drop the column until the run is done',
              a.attname, {column}, a.attrelid::regclass)
FROM pg_attribute AS a
JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN pg_attribute AS tenant ON tenant.attrelid = a.attrelid AND tenant.attname = {column} AND NOT tenant.attisdropped
WHERE a.attrelid IN ({heirs})
  AND a.attgenerated <> ''
  AND EXISTS (
      SELECT
      FROM pg_depend AS on_tenant
      WHERE on_tenant.refclassid = 'pg_class'::regclass
        AND on_tenant.refobjid = a.attrelid
        AND on_tenant.refobjsubid = tenant.attnum
        AND (on_tenant.classid, on_tenant.objid) IN (('pg_attrdef'::regclass, d.oid), ('pg_class'::regclass, a.attrelid))
        AND (on_tenant.classid = 'pg_attrdef'::regclass OR on_tenant.objsubid = a.attnum)
  )

-- name: sequences_that_run_out
-- Columns of a table to which VITAL adds rows, whose sequence has fewer values left than are needed.
SELECT {name}, '',
       format('VITAL adds rows to it (%1$s at most), and the sequence %2$s of its column %3$I has %4$s values left. Give it more: ALTER TABLE %5$s ALTER COLUMN %3$I TYPE bigint; ALTER SEQUENCE %2$s AS bigint NO MAXVALUE',
              needed.rows, s.seqrelid::regclass, a.attname, greatest(remaining.count, 0), a.attrelid::regclass)
FROM pg_attribute AS a
JOIN pg_depend AS d
  ON (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i'))
  OR (d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.objid = (SELECT f.oid FROM pg_attrdef AS f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum))
JOIN pg_sequence AS s ON s.seqrelid = CASE d.classid WHEN 'pg_class'::regclass THEN d.objid ELSE d.refobjid END
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_sequences AS now ON now.schemaname = n.nspname AND now.sequencename = c.relname
CROSS JOIN LATERAL (
    SELECT (least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)::numeric
            - COALESCE(now.last_value, s.seqstart - s.seqincrement)) / s.seqincrement AS count
) AS precise
CROSS JOIN LATERAL (SELECT trunc(precise.count) AS count) AS remaining
CROSS JOIN (SELECT {rows} AS rows) AS needed
WHERE a.attrelid = to_regclass({name})
  AND s.seqincrement > 0
  AND NOT s.seqcycle
  AND remaining.count < needed.rows
GROUP BY 1, 2, 3

-- name: loads_that_will_be_refused
-- Who may write to the plan's tables and is bound by row level security from 006 on: COPY … FROM is refused to them by
-- PostgreSQL, whatever the policies say. Not those to whom it is refused already.
SELECT '', '',
       format('%s can load no more rows with COPY … FROM into %s tables (%s%s) once 006 has closed them. Load into another table and INSERT … SELECT from there, or load as a role with BYPASSRLS%s',
              r.rolname, count(DISTINCT c.oid), array_to_string((array_agg(DISTINCT c.oid::regclass::text))[:3], ', '),
              CASE WHEN count(DISTINCT c.oid) > 3 THEN format(' and %s more', count(DISTINCT c.oid) - 3) END,
              CASE WHEN bool_and(pg_has_role(r.oid, c.relowner, 'USAGE')) THEN '; or say force_owner = false in the plan' END)
FROM unnest({tables}::text[]) AS planned (name)
JOIN pg_class AS c ON c.oid = to_regclass(planned.name)
CROSS JOIN LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS acl
JOIN pg_roles AS r ON r.oid = acl.grantee
WHERE acl.privilege_type = 'INSERT'
  AND NOT r.rolsuper
  AND NOT r.rolbypassrls
  AND r.rolname NOT IN ('vital_tenant', 'vital_operator')
  AND ({force_owner} OR c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
  AND NOT (c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE')))
GROUP BY r.rolname

-- name: count_of
-- How many rows a query has.
SELECT count(*) FROM ({rows}) AS found
