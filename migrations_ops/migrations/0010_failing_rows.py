"""Rows that refuse their tenant are remembered with the reason, where the plan lets a run go on without them."""

from django.db import migrations, models
from django.db.models.functions import Now

# Where row level security is on already, the data work that uses them is the operator's; the undo of 006 revokes it.
GRANT = """
DO $grant$
BEGIN
    IF to_regrole('vital_operator') IS NOT NULL AND has_table_privilege('vital_operator', 'vital.ledger', 'INSERT') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON vital.failing_row TO vital_operator;
        GRANT USAGE ON SEQUENCE vital.failing_row_id_seq TO vital_operator;
    END IF;
END
$grant$
"""


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0009_tables_by_identity")]
    operations = [
        migrations.CreateModel(
            name="FailingRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("relation", models.CharField(max_length=130)),
                ("step", models.CharField(max_length=200)),
                ("key", models.TextField()),
                ("before", models.JSONField(help_text="what it has instead")),
                ("sqlstate", models.CharField(blank=True, db_default="", max_length=5)),
                (
                    "message",
                    models.TextField(help_text="what the server said, without its details, which may show other rows"),
                ),
                ("run_id", models.BigIntegerField()),
                ("found_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "db_table": "failing_row",
                "constraints": [
                    models.UniqueConstraint(fields=["relation", "step", "key"], name="one_failing_row"),
                ],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
