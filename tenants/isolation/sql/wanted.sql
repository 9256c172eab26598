-- name: own_rows
-- The bare column against a one-time value; an unset tenant is NULL and matches nothing. As PostgreSQL prints it, 14 to 18:
-- policies are made from this text and compared with it.
({column} = ( SELECT (NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid AS "nullif"))

-- name: own_or_shared_rows
-- The same with the Platform's shared rows.
({column} = ANY (ARRAY[( SELECT (NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid AS "nullif"), {platform}::uuid]))

-- name: own_rows_on_cluster
-- The same without a subquery, which Citus refuses; the setting is read once for a statement all the same.
({column} = (NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid)

-- name: own_or_shared_rows_on_cluster
-- The same with the Platform's shared rows.
({column} = ANY (ARRAY[(NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid, {platform}::uuid]))

-- name: create_policy
-- One policy of VITAL's, as it is defined.
CREATE POLICY {policy} ON {relation} AS {kind} FOR {command} TO {roles}{using}{check}

-- name: people_of_table
-- Who sees rows beside VITAL's roles where no policy can be for everybody: the owner, and each role that was granted
-- something by its name.
SELECT quote_ident(r.rolname) AS role
FROM pg_class AS seen
JOIN pg_roles AS r ON r.oid = seen.relowner OR r.oid IN (
    SELECT acl.grantee FROM aclexplode(seen.relacl) AS acl
    UNION
    SELECT acl.grantee FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS acl WHERE a.attrelid = seen.oid
)
WHERE seen.oid = {table} AND r.rolname NOT IN ('vital_tenant', 'vital_operator')

-- name: using_clause
-- Which rows are seen; a part of the definition.
 USING ({expression})

-- name: check_clause
-- Which rows may be written; a part of the definition.
 WITH CHECK ({expression})

-- name: unassigned_and_not_ours
-- When the trigger for rows without a tenant fires, as PostgreSQL prints it.
((new.tenant_id IS NULL) AND (current_setting('vital.backfill'::text, true) IS DISTINCT FROM 'on'::text))

-- name: guard_referring_rows_body
-- The guard of a table's inserts as format() makes it, with a WHEN for each foreign key. One question for all rows of a
-- statement. It comes after the checks of the foreign keys, whose triggers are of a single row each, and which hold the
-- parents. References are looked up one by one: as a join they would be planned for the first statement of a session, and
-- after one of many rows each row alone would hash the whole parent. A CASE behind OFFSET 0 is never made a join.
DECLARE
    parent text;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    BEGIN
        SELECT other.parent INTO parent
        FROM (
            SELECT CASE
                %1$s
            END AS parent
            FROM vital_new AS c
            OFFSET 0
        ) AS other
        WHERE other.parent IS NOT NULL
        LIMIT 1;
    EXCEPTION WHEN syntax_error_or_access_rule_violation OR invalid_schema_name THEN
        SELECT vital.guard_reference(TG_RELID, to_jsonb(c), NULL, %2$L) INTO parent FROM vital_new AS c ORDER BY 1 LIMIT 1;
    END;
    IF parent IS NOT NULL THEN
        RAISE EXCEPTION 'insert or update on table "%%" refers to a row that is not present in table "%%"', TG_TABLE_NAME, parent
            USING ERRCODE = 'foreign_key_violation', HINT = 'A reference is to an own row or to the Platform''s.';
    END IF;
    RETURN NULL;
END

-- name: guard_referring_rows_of_key
-- The WHEN of one foreign key in it: the row refers to another tenant's.
WHEN EXISTS (SELECT FROM %1$s AS p WHERE %2$s AND p.tenant_id <> c.tenant_id AND p.tenant_id <> %3$L::uuid) THEN %4$L

-- name: guard_referring_row_body
-- The guard of a single row: of each that is updated, and of inserts where one question for a statement would miss some.
-- Only a changed reference or tenant is looked at: old rows are spared, and so is the first decision about a row that had
-- no tenant, which 005 reports. It holds the parent, as the foreign key's own check does not where the tenant alone has
-- changed, or not yet where it is deferred. The block only tries whether the names still stand, and writes nothing: a row
-- lock within it would take a transaction number for each row, and over 64 of them slow every snapshot of the server.
DECLARE
    parent text;
    stands boolean := true;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    BEGIN
        PERFORM WHERE false AND CASE WHEN NEW.tenant_id IS NULL THEN NULL %1$s END IS NOT NULL;
    EXCEPTION WHEN syntax_error_or_access_rule_violation OR invalid_schema_name THEN
        stands := false;
    END;
    IF stands THEN
        parent := CASE
            WHEN NEW.tenant_id IS NULL THEN NULL
            %1$s
        END;
    ELSE
        parent := vital.guard_reference(TG_RELID, to_jsonb(NEW), CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) END, %2$L);
    END IF;
    IF parent IS NOT NULL THEN
        RAISE EXCEPTION 'insert or update on table "%%" refers to a row that is not present in table "%%"', TG_TABLE_NAME, parent
            USING ERRCODE = 'foreign_key_violation', HINT = 'A reference is to an own row or to the Platform''s.';
    END IF;
    RETURN NULL;
END

-- name: guard_referring_row_of_key
-- The WHEN of one foreign key in it. Behind OFFSET 0 the parent is held first, whosever it is, and then compared.
WHEN (TG_OP = 'INSERT' OR NEW.tenant_id <> OLD.tenant_id OR record_image_ne(ROW(%5$s), ROW(%6$s))) AND EXISTS (SELECT FROM (SELECT p.tenant_id FROM %1$s AS p WHERE %2$s OFFSET 0 FOR KEY SHARE) AS p WHERE p.tenant_id <> NEW.tenant_id AND p.tenant_id <> %3$L::uuid) THEN %4$L

-- name: guard_placed_row_body
-- The guard of a single row that Citus has placed. On a worker the operator is who has logged in. No parent is held: it is
-- a copy on each node, which nobody moves to another tenant, and to hold all of them would block whoever refers to it.
DECLARE
    parent text;
BEGIN
    IF 'vital_operator' IN (current_setting('role', true), session_user) THEN
        RETURN NULL;
    END IF;
    parent := CASE
        WHEN NEW.tenant_id IS NULL THEN NULL
        %1$s
    END;
    IF parent IS NOT NULL THEN
        RAISE EXCEPTION 'insert or update on table "%%" refers to a row that is not present in table "%%"', TG_TABLE_NAME, parent
            USING ERRCODE = 'foreign_key_violation', HINT = 'A reference is to an own row or to the Platform''s.';
    END IF;
    RETURN NULL;
END

-- name: guard_placed_row_of_key
-- The WHEN of one foreign key in it.
WHEN (TG_OP = 'INSERT' OR NEW.tenant_id <> OLD.tenant_id OR record_image_ne(ROW(%5$s), ROW(%6$s))) AND EXISTS (SELECT FROM %1$s AS p WHERE %2$s AND p.tenant_id <> NEW.tenant_id AND p.tenant_id <> %3$L::uuid) THEN %4$L

-- name: guard_reference_body
-- The slow way of both guards, by the foreign keys as they stand now. They take it where their own statements fail: from a
-- change of the tables (a column renamed or dropped, a table moved) to the next run of 006. Returns the parent that the
-- row may not refer to.
DECLARE
    found record;
    refused boolean;
BEGIN
    FOR found IN
        SELECT format('%I.%I', pn.nspname, pc.relname) AS parent, pc.relname, array_agg(c.attname::text) AS columns,
               string_agg(format('p.%I OPERATOR(%I.%s) ($1 ->> %L)::%s', p.attname, opn.nspname, o.oprname, c.attname, format_type(c.atttypid, c.atttypmod)), ' AND ') AS is_referred_to
        FROM pg_constraint AS f
        CROSS JOIN LATERAL unnest(f.conkey, f.confkey, f.conpfeqop) AS part (child, parent, equals)
        JOIN pg_class AS pc ON pc.oid = f.confrelid
        JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
        JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
        JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
        JOIN pg_operator AS o ON o.oid = part.equals
        JOIN pg_namespace AS opn ON opn.oid = o.oprnamespace
        WHERE f.contype = 'f'
          AND f.conrelid = referring
          AND EXISTS (SELECT FROM pg_policy AS isolates WHERE isolates.polrelid = f.confrelid AND isolates.polname = 'vital_tenant_select')
          AND EXISTS (SELECT FROM pg_attribute AS tenant WHERE tenant.attrelid = f.confrelid AND tenant.attname = 'tenant_id')
        GROUP BY f.oid, f.conname, pn.nspname, pc.relname
        ORDER BY f.conname
    LOOP
        CONTINUE WHEN old_row IS NOT NULL
            AND COALESCE(new_row ->> 'tenant_id' = old_row ->> 'tenant_id', true)
            AND NOT EXISTS (SELECT FROM unnest(found.columns) AS part WHERE new_row -> part IS DISTINCT FROM old_row -> part);
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT p.tenant_id FROM %s AS p WHERE %s OFFSET 0 FOR KEY SHARE) AS p'
                       ' WHERE p.tenant_id <> ($1 ->> ''tenant_id'')::uuid AND p.tenant_id <> $2)', found.parent, found.is_referred_to)
            INTO refused USING new_row, platform;
        IF refused THEN
            RETURN found.relname;
        END IF;
    END LOOP;
    RETURN NULL;
END

-- name: guard_referenced_row_body
-- A row that others may refer to is held as for a change of its key before it goes to another tenant: whoever refers to it
-- holds it against that, and one who has begun before, and sees it where it was (REPEATABLE READ), is told to begin again.
BEGIN
    EXECUTE format('SELECT FROM ONLY %s AS p WHERE p.ctid = $1 FOR UPDATE', TG_RELID::regclass) USING OLD.ctid;
    RETURN NEW;
END

-- name: guard_referenced_body
-- The other side: a row that others refer to cannot leave its tenant while they stay. Its trigger fires for such moves alone.
DECLARE
    child text := TG_ARGV[0];
    refers_to_it text := TG_ARGV[1];
    found boolean;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE %s AND c.tenant_id <> $2)', child, refers_to_it)
        INTO found USING to_jsonb(NEW), NEW.tenant_id;
    IF found THEN
        RAISE EXCEPTION 'update on table "%" would leave rows of table "%" referring to another tenant', TG_TABLE_NAME, TG_ARGV[2]
            USING ERRCODE = 'foreign_key_violation', HINT = 'Move the rows that refer to it first.';
    END IF;
    RETURN NULL;
END

-- name: with_partitions
-- The tables, their partitions and the tables that inherit from them, as `members`: a part of the questions here.
WITH RECURSIVE planned AS (
    SELECT DISTINCT t AS name, to_regclass(t)::oid AS oid
    FROM unnest({children}::text[] || {tables}::text[]) AS t
    WHERE to_regclass(t) IS NOT NULL
), members AS (
    SELECT name, oid, true AS is_named FROM planned
    UNION
    SELECT m.name, i.inhrelid, false
    FROM members AS m
    JOIN pg_inherits AS i ON i.inhparent = m.oid
    WHERE i.inhrelid NOT IN (SELECT oid FROM planned)
)

-- name: reference_keys
-- The foreign keys between the tables, as `keys`, and the tables that have them, as `referring`: a part of the questions
-- here. A partition may have keys that its table has not; a trigger of its own is named apart from those that it has from
-- its table. One question for a statement misses rows that come into a partition through its parent; the check of a key that
-- is deferred, or not enforced, does not hold the parent; and that of a key to a partitioned table looks at what is there
-- now, where the statement still sees what was (REPEATABLE READ): there inserts are looked at row by row. So they are where
-- Citus has placed the rows, for it knows no transition tables. There a key between two tables of tenants has the tenant on
-- both sides, which needs no guard; and the rows of a parent, which are copies on each node, are not asked who refers to them.
{members}, placed AS (
    SELECT to_regclass(t) AS oid, t = ANY({distributed}::text[]) AS is_distributed FROM unnest({placed}::text[]) AS t
), keys AS (
    SELECT child.name AS child,
           f.conrelid, f.confrelid, f.conname, {on_child} AS on_child, {on_parent} AS on_parent,
           CASE WHEN NOT child.is_named THEN '_' || left(md5(format('%I.%I', cn.nspname, cc.relname)), 8) ELSE '' END AS of_child,
           CASE WHEN NOT parent.is_named THEN '_' || left(md5(format('%I.%I', pn.nspname, pc.relname)), 8) ELSE '' END AS of_parent,
           format('%I.%I', cn.nspname, cc.relname) AS referring, format('%I.%I', pn.nspname, pc.relname) AS referred,
           cc.relname, pc.relname AS parent,
           'p' IN (cc.relkind, pc.relkind) OR cc.relispartition OR f.condeferrable OR NOT COALESCE((to_jsonb(f) ->> 'conenforced')::boolean, true)
               OR f.conrelid IN (SELECT oid FROM placed) AS row_by_row,
           f.confrelid IN (SELECT oid FROM placed) AS parent_is_placed,
           key.*
    FROM pg_constraint AS f
    JOIN members AS child ON child.oid = f.conrelid AND child.name = ANY({children}::text[])
    JOIN members AS parent ON parent.oid = f.confrelid AND parent.name = ANY({tables}::text[])
    JOIN pg_class AS cc ON cc.oid = f.conrelid
    JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
    JOIN pg_class AS pc ON pc.oid = f.confrelid
    JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
    CROSS JOIN LATERAL (
        SELECT string_agg(format('new.%I', c.attname), ', ' ORDER BY part.place) AS new,
               string_agg(format('old.%I', c.attname), ', ' ORDER BY part.place) AS old,
               string_agg(format('p.%I OPERATOR(%I.%s) c.%I', p.attname, opn.nspname, o.oprname, c.attname), ' AND ' ORDER BY part.place) AS of_rows,
               string_agg(format('p.%I OPERATOR(%I.%s) NEW.%I', p.attname, opn.nspname, o.oprname, c.attname), ' AND ' ORDER BY part.place) AS of_row,
               string_agg(format('($1 ->> %L)::%s OPERATOR(%I.%s) c.%I', p.attname, format_type(p.atttypid, p.atttypmod), opn.nspname, o.oprname, c.attname), ' AND ' ORDER BY part.place) AS refers_to_it
        FROM unnest(f.conkey, f.confkey, f.conpfeqop) WITH ORDINALITY AS part (child, parent, equals, place)
        JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
        JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
        JOIN pg_operator AS o ON o.oid = part.equals
        JOIN pg_namespace AS opn ON opn.oid = o.oprnamespace
    ) AS key
    WHERE f.contype = 'f'
      AND f.conparentid = 0
      AND f.confrelid NOT IN (SELECT oid FROM placed WHERE is_distributed)
), referring AS (
    SELECT child, conrelid, of_child, bool_or(row_by_row) AS row_by_row,
           left(regexp_replace(lower(relname), '[^a-z0-9_]', '_', 'g'), 30) || '_' || left(md5(referring), 8) AS name,
           string_agg(format({rows_of_key}, referred, of_rows, {platform}, parent), E'\n                ' ORDER BY conname) AS of_rows,
           string_agg(format(CASE WHEN conrelid IN (SELECT oid FROM placed) THEN {placed_row_of_key} ELSE {row_of_key} END, referred, of_row, {platform}, parent, new, old), E'\n            ' ORDER BY conname) AS of_row,
           conrelid IN (SELECT oid FROM placed) AS is_placed
    FROM keys
    GROUP BY child, conrelid, of_child, relname, referring
)

-- name: moves_between_tenants
-- When the triggers of a table that is referred to fire, as PostgreSQL prints it: not for a row that becomes the Platform's,
-- nor for one that had no tenant.
((old.tenant_id <> new.tenant_id) AND (new.tenant_id <> '%s'::uuid))

-- name: reference_guards
-- The triggers that keep references in their tenant: of the referring table one for its inserts and one for each foreign
-- key, whose columns may be dropped with it; of the table referred to one for each of them, as several tables may have a
-- foreign key of the same name to the same one, and one for all that comes before.
{keys}
SELECT child, conrelid::regclass AS relation, 'vital_references' || of_child AS name, CASE WHEN row_by_row THEN 5 ELSE 4 END AS kind,
       NULL AS condition, CASE WHEN row_by_row THEN 'vital.guard_referring_row_' ELSE 'vital.guard_referring_rows_' END || name || '()' AS function,
       ARRAY[]::text[] AS arguments
FROM referring
UNION ALL
SELECT child, conrelid, on_child || keys.of_child, 17,
       format('record_image_ne(ROW(new.tenant_id, %s), ROW(old.tenant_id, %s))', new, old),
       'vital.guard_referring_row_' || name || '()', ARRAY[]::text[]
FROM keys
JOIN referring USING (child, conrelid)
UNION ALL
SELECT child, confrelid, on_parent, 17, format({moves}, {platform}), 'vital.guard_referenced()', ARRAY[referring, refers_to_it, relname::text]
FROM keys
WHERE NOT parent_is_placed
UNION
SELECT child, confrelid, 'vital_moves' || of_parent, 19, format({moves}, {platform}), 'vital.guard_referenced_row()', ARRAY[]::text[]
FROM keys
WHERE NOT parent_is_placed

-- name: reference_functions
-- The functions behind the triggers of the referring tables.
{keys}
SELECT child, 'guard_referring_rows_' || name AS name, E'\n' || format({rows_body}, of_rows, {platform}) || E'\n' AS body FROM referring WHERE NOT row_by_row
UNION ALL
SELECT child, 'guard_referring_row_' || name, E'\n' || format(CASE WHEN is_placed THEN {placed_row_body} ELSE {row_body} END, of_row, {platform}) || E'\n' FROM referring

-- name: no_guards
-- What is wanted where references are not guarded any more.
SELECT NULL::regclass AS relation, NULL::text AS name WHERE false

-- name: other_guards
-- Triggers of VITAL's on these tables, and for them on those that they refer to, that are none of the guards: of foreign
-- keys that are gone, or as an earlier VITAL made them.
{members}
SELECT m.name AS child, g.tgrelid::regclass AS relation, g.tgname::text AS name
FROM members AS m
JOIN pg_class AS c ON c.oid = m.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS p ON p.pronamespace = to_regnamespace('vital') AND starts_with(p.proname, 'guard_refer')
JOIN pg_trigger AS g ON g.tgfoid = p.oid AND g.tgparentid = 0
LEFT JOIN ({guards}) AS wanted ON wanted.relation = g.tgrelid AND wanted.name = g.tgname
WHERE wanted.name IS NULL
  AND m.name = ANY({children}::text[])
  AND CASE p.proname
      WHEN 'guard_referenced_row' THEN false
      WHEN 'guard_referenced' THEN
          split_part(encode(g.tgargs, 'escape'), '\000', 1) = encode(convert_to(format('%I.%I', n.nspname, c.relname), getdatabaseencoding()), 'escape')
      ELSE g.tgrelid = c.oid
  END

-- name: guard_of_reference
-- What the trigger for updates on the referring table of a foreign key `f` is called.
CASE WHEN octet_length(f.conname) <= CASE WHEN child.is_named THEN 53 ELSE 44 END THEN 'vital_ref_' || f.conname ELSE 'vital_ref_' || md5(f.conname) END

-- name: guard_of_referenced
-- The one on the table referred to, by the referring table `cc` in schema `cn` as the search path of a run spells it.
'vital_chd_' || md5(
    CASE
        WHEN cn.nspname = 'public' AND to_regclass('pg_catalog.' || quote_ident(cc.relname)) IS NULL THEN quote_ident(cc.relname)
        ELSE format('%I.%I', cn.nspname, cc.relname)
    END || '.' || f.conname
)
