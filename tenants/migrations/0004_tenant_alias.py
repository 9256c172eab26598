"""Further ids by which applications know a tenant."""

from django.db import migrations, models

# Where row level security is on already, tenants are changed as the operator; the undo of 006 revokes it.
GRANT = """
DO $grant$
BEGIN
    IF to_regrole('vital_operator') IS NOT NULL AND has_table_privilege('vital_operator', 'vital.domain', 'INSERT') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON vital.tenant_alias TO vital_operator;
    END IF;
END
$grant$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_maintenance")]

    operations = [
        migrations.CreateModel(
            name="TenantAlias",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
            ],
            options={"verbose_name_plural": "tenant aliases", "db_table": "tenant_alias"},
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
