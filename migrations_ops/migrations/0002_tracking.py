"""`migration_tracking`, as the execution guide's query reads it: a view in `public` on VITAL's own records."""

from django.db import migrations

# Left alone where the name is taken by something else: pre-validation then says so.
CREATE = """
DO $tracking$
DECLARE
    grantee text;
BEGIN
    IF to_regclass('public.migration_tracking') IS NULL THEN
        CREATE VIEW public.migration_tracking AS
        SELECT p.id, 'multi_tenant_migration'::text AS migration_name, p.phase, p.status, p.started_at, p.completed_at,
               p.metrics, p.error ->> 'message' AS error_message, p.run_id
        FROM vital.phase_run AS p;
        COMMENT ON VIEW public.migration_tracking IS 'VITAL: progress of the migration';
        -- On hosted platforms default privileges give everything in `public` to browsers.
        FOR grantee IN
            SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
            FROM pg_class AS c
            CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
            WHERE c.oid = 'public.migration_tracking'::regclass
              AND acl.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE ALL ON public.migration_tracking FROM %s', grantee);
        END LOOP;
    END IF;
END
$tracking$
"""
DROP = """
DO $tracking$
BEGIN
    IF obj_description(to_regclass('public.migration_tracking'), 'pg_class') = 'VITAL: progress of the migration' THEN
        DROP VIEW public.migration_tracking;
    END IF;
END
$tracking$
"""


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
