-- The guards of references as an earlier VITAL made them, in place of today's: a generic function, and a trigger for each
-- foreign key and side.
CREATE FUNCTION vital.guard_reference() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET row_security = on AS $guard$
DECLARE
    owner uuid;
BEGIN
    EXECUTE format('SELECT p.tenant_id FROM %s AS p WHERE %s FOR KEY SHARE', TG_ARGV[0], TG_ARGV[1]) INTO owner USING to_jsonb(NEW);
    IF owner IS NOT NULL AND owner <> NEW.tenant_id AND owner <> TG_ARGV[3]::uuid THEN
        RAISE EXCEPTION 'insert or update on table "%" refers to a row that is not present in table "%"', TG_TABLE_NAME, TG_ARGV[4]
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$guard$;
DO $guards$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT g.tgname, g.tgrelid::regclass AS relation
        FROM pg_trigger AS g
        JOIN pg_proc AS p ON p.oid = g.tgfoid AND p.pronamespace = 'vital'::regnamespace AND p.proname LIKE 'guard\_refer%'
        WHERE g.tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
    FOR found IN SELECT oid::regprocedure AS function FROM pg_proc WHERE pronamespace = 'vital'::regnamespace AND proname ~ '^guard_referring' LOOP
        EXECUTE format('DROP FUNCTION %s', found.function);
    END LOOP;
    FOR found IN
        SELECT f.conname, f.conrelid::regclass AS child, f.confrelid::regclass AS parent, c.attname AS child_key, p.attname AS parent_key,
               format_type(p.atttypid, p.atttypmod) AS kind, pc.relname AS parent_name, cc.relname AS child_name,
               format('%I.%I', cn.nspname, cc.relname) AS referring, format('%I.%I', pn.nspname, pc.relname) AS referred
        FROM pg_constraint AS f
        JOIN pg_class AS cc ON cc.oid = f.conrelid
        JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
        JOIN pg_class AS pc ON pc.oid = f.confrelid
        JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
        JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = f.conkey[1]
        JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = f.confkey[1]
        WHERE f.contype = 'f'
          AND f.conparentid = 0
          AND cardinality(f.conkey) = 1
          AND EXISTS (SELECT FROM pg_policy WHERE polrelid = f.conrelid AND polname = 'vital_tenant')
          AND EXISTS (SELECT FROM pg_policy WHERE polrelid = f.confrelid AND polname = 'vital_tenant')
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = f.confrelid AND attname = 'tenant_id')
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OF %I, tenant_id ON %s FOR EACH ROW EXECUTE FUNCTION vital.guard_reference(%L, %L, %L, %L, %L)',
                       'vital_ref_' || found.conname, found.child_key, found.child, found.referred,
                       format('p.%I = ($1 ->> %L)::%s', found.parent_key, found.child_key, found.kind), ARRAY[found.child_key]::text,
                       '00000000-0000-0000-0000-000000000001', found.parent_name);
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OF tenant_id ON %s FOR EACH ROW EXECUTE FUNCTION vital.guard_referenced(%L, %L, %L, %L)',
                       'vital_chd_' || md5(found.referring || '.' || found.conname), found.parent, found.referring,
                       format('c.%I = ($1 ->> %L)::%s', found.child_key, found.parent_key, found.kind),
                       '00000000-0000-0000-0000-000000000001', found.child_name);
    END LOOP;
END
$guards$;
DROP FUNCTION vital.guard_reference(regclass, jsonb, jsonb, uuid), vital.guard_referenced_row();
