"""What the tables of VITAL's own have in place of the platform's function, which an application may change or drop."""

from django.db import migrations

CREATE = """
CREATE FUNCTION vital.touch_updated_at() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $touch$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$touch$
"""
DROP = "DROP FUNCTION vital.touch_updated_at() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0010_failing_rows")]
    operations = [migrations.RunSQL(CREATE, DROP)]
