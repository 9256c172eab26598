"""What a restore of one tenant did to its rows, for its undo; restores among the runs; and rows of VITAL's own tables get
the clock of the backup, not that of the restore."""

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models.functions import Now

# Where row level security is on already, the data work that uses them is the operator's; the undo of 006 revokes it.
GRANT = """
DO $grant$
BEGIN
    IF to_regrole('vital_operator') IS NOT NULL AND has_table_privilege('vital_operator', 'vital.ledger', 'INSERT') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON vital.restore_entry TO vital_operator;
        GRANT USAGE ON SEQUENCE vital.restore_entry_id_seq TO vital_operator;
    END IF;
END
$grant$
"""

TOUCH = """
CREATE OR REPLACE FUNCTION vital.touch_updated_at() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $touch$
BEGIN
    IF current_setting('vital.backfill', true) IS DISTINCT FROM 'on' THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$touch$
"""
TOUCH_ALWAYS = """
CREATE OR REPLACE FUNCTION vital.touch_updated_at() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $touch$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$touch$
"""


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0016_references")]
    operations = [
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(
                choices=[("run", "Run"), ("undo", "Undo"), ("decide", "Decide"), ("restore", "Restore")], max_length=10
            ),
        ),
        migrations.CreateModel(
            name="RestoreEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run_id", models.BigIntegerField(verbose_name="run")),
                ("tenant_id", models.UUIDField(verbose_name="tenant")),
                (
                    "kind",
                    models.CharField(
                        choices=[("insert", "inserted again"), ("change", "changed back"), ("delete", "deleted")],
                        max_length=10,
                    ),
                ),
                ("relation", models.CharField(max_length=130, verbose_name="table")),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None, verbose_name="which rows"
                    ),
                ),
                (
                    "before",
                    models.JSONField(
                        help_text="for each key its values as texts; of a change those that differ", null=True
                    ),
                ),
                ("after", models.JSONField(help_text="the same, as the restore has left them", null=True)),
                ("rows", models.IntegerField()),
                ("written_at", models.DateTimeField(db_default=Now(), verbose_name="written")),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone")),
                (
                    "conflicts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="rows that were changed since",
                        null=True,
                        size=None,
                        verbose_name="kept by the undo",
                    ),
                ),
            ],
            options={
                "db_table": "restore_entry",
                "indexes": [models.Index(fields=["run_id", "-id"], name="restore_entry_run")],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
        migrations.RunSQL(TOUCH, TOUCH_ALWAYS),
    ]
