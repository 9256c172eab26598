-- name: own_rows
-- The bare column against a one-time value; an unset tenant is NULL and matches nothing. As PostgreSQL prints it, 14 to 18:
-- policies are made from this text and compared with it.
({column} = ( SELECT (NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid AS "nullif"))

-- name: own_or_shared_rows
-- The same with the Platform's shared rows.
({column} = ANY (ARRAY[( SELECT (NULLIF(current_setting('vital.tenant_id'::text, true), ''::text))::uuid AS "nullif"), {platform}::uuid]))

-- name: create_policy
-- One policy of VITAL's, as it is defined.
CREATE POLICY {policy} ON {relation} AS {kind} FOR {command} TO {roles}{using}{check}

-- name: using_clause
-- Which rows are seen; a part of the definition.
 USING ({expression})

-- name: check_clause
-- Which rows may be written; a part of the definition.
 WITH CHECK ({expression})

-- name: unassigned_and_not_ours
-- When the trigger for rows without a tenant fires, as PostgreSQL prints it.
((new.tenant_id IS NULL) AND (current_setting('vital.backfill'::text, true) IS DISTINCT FROM 'on'::text))

-- name: guard_reference_body
-- A reference is to an own row or to the Platform's. Foreign keys are checked past row level security, so this is not
-- theirs to know. Only a changed reference or tenant is looked at: old rows are spared, and so is the first decision
-- about a row that had no tenant, which 005 reports. FOR KEY SHARE holds the parent.
DECLARE
    parent text := TG_ARGV[0];
    is_referred_to text := TG_ARGV[1];
    reference text[] := TG_ARGV[2];
    platform uuid := TG_ARGV[3];
    owner uuid;
    new_row jsonb;
    old_row jsonb;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    new_row := to_jsonb(NEW);
    IF NEW.tenant_id IS NULL OR EXISTS (SELECT FROM unnest(reference) AS part WHERE new_row ->> part IS NULL) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND COALESCE(NEW.tenant_id = OLD.tenant_id, true) THEN
        old_row := to_jsonb(OLD);
        IF NOT EXISTS (SELECT FROM unnest(reference) AS part WHERE new_row -> part IS DISTINCT FROM old_row -> part) THEN
            RETURN NULL;
        END IF;
    END IF;
    EXECUTE format('SELECT p.tenant_id FROM %s AS p WHERE %s FOR KEY SHARE', parent, is_referred_to) INTO owner USING new_row;
    IF owner IS NOT NULL AND owner <> NEW.tenant_id AND owner <> platform THEN
        RAISE EXCEPTION 'insert or update on table "%" refers to a row that is not present in table "%"', TG_TABLE_NAME, TG_ARGV[4]
            USING ERRCODE = 'foreign_key_violation', HINT = 'A reference is to an own row or to the Platform''s.';
    END IF;
    RETURN NULL;
END

-- name: guard_referenced_body
-- The other side: a row that others refer to cannot leave its tenant while they stay.
DECLARE
    child text := TG_ARGV[0];
    refers_to_it text := TG_ARGV[1];
    platform uuid := TG_ARGV[2];
    found boolean;
BEGIN
    IF current_setting('role', true) = 'vital_operator' THEN
        RETURN NULL;
    END IF;
    IF NEW.tenant_id = platform OR COALESCE(NEW.tenant_id = OLD.tenant_id, true) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE %s AND c.tenant_id <> $2)', child, refers_to_it)
        INTO found USING to_jsonb(NEW), NEW.tenant_id;
    IF found THEN
        RAISE EXCEPTION 'update on table "%" would leave rows of table "%" referring to another tenant', TG_TABLE_NAME, TG_ARGV[3]
            USING ERRCODE = 'foreign_key_violation', HINT = 'Move the rows that refer to it first.';
    END IF;
    RETURN NULL;
END

-- name: reference_guards
-- The triggers that keep references in their tenant, one on each side of a foreign key between the tables: several tables
-- may have a foreign key of the same name to the same one.
SELECT (SELECT t FROM unnest({children}::text[]) AS t WHERE to_regclass(t) = f.conrelid LIMIT 1) AS child,
       guard.relation, guard.name, guard.events, guard.kind, guard.columns, guard.function, guard.arguments
FROM pg_constraint AS f
JOIN pg_class AS cc ON cc.oid = f.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_class AS pc ON pc.oid = f.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY part.place) AS columns,
           string_agg(format('p.%I = ($1 ->> %L)::%s', p.attname, c.attname, format_type(p.atttypid, p.atttypmod)), ' AND ' ORDER BY part.place) AS is_referred_to,
           string_agg(format('c.%I = ($1 ->> %L)::%s', c.attname, p.attname, format_type(p.atttypid, p.atttypmod)), ' AND ' ORDER BY part.place) AS refers_to_it
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS part (child, parent, place)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
CROSS JOIN LATERAL (
    VALUES
        (cc.oid::regclass, {on_child},
         'INSERT OR UPDATE', 21, ARRAY(SELECT DISTINCT name FROM unnest(key.columns || ARRAY['tenant_id']) AS name ORDER BY name), 'vital.guard_reference()',
         ARRAY[format('%I.%I', pn.nspname, pc.relname), key.is_referred_to, key.columns::text, {platform}, pc.relname::text]),
        (pc.oid::regclass, {on_parent},
         'UPDATE', 17, ARRAY['tenant_id'], 'vital.guard_referenced()',
         ARRAY[format('%I.%I', cn.nspname, cc.relname), key.refers_to_it, {platform}, cc.relname::text])
) AS guard (relation, name, events, kind, columns, function, arguments)
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND f.conrelid = ANY(SELECT to_regclass(t) FROM unnest({children}::text[]) AS t)
  AND f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)

-- name: guard_of_reference
-- What the trigger on the referring table of a foreign key `f` is called.
CASE WHEN octet_length(f.conname) <= 53 THEN 'vital_ref_' || f.conname ELSE 'vital_ref_' || md5(f.conname) END

-- name: guard_of_referenced
-- The one on the table referred to, by the referring table `cc` in schema `cn` as the search path of a run spells it.
'vital_chd_' || md5(
    CASE
        WHEN cn.nspname = 'public' AND to_regclass('pg_catalog.' || quote_ident(cc.relname)) IS NULL THEN quote_ident(cc.relname)
        ELSE format('%I.%I', cn.nspname, cc.relname)
    END || '.' || f.conname
)
