"""References into another tenant are resolved: accepted ones and copies are remembered, and findings that are settled."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Where row level security is on already, the data work that uses them is the operator's; the undo of 006 revokes it.
GRANT = """
DO $grant$
BEGIN
    IF to_regrole('vital_operator') IS NOT NULL AND has_table_privilege('vital_operator', 'vital.ledger', 'INSERT') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON vital.accepted_reference, vital.row_copy TO vital_operator;
        GRANT USAGE ON SEQUENCE vital.accepted_reference_id_seq, vital.row_copy_id_seq TO vital_operator;
    END IF;
END
$grant$
"""


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0015_column_heads")]

    operations = [
        migrations.CreateModel(
            name="AcceptedReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("relation", models.CharField(max_length=130, verbose_name="table")),
                ("columns", models.TextField(help_text="by which the row refers, as findings name them")),
                ("key", models.TextField(verbose_name="row")),
                ("parent_key", models.TextField(verbose_name="row referred to")),
                ("tenant_id", models.UUIDField(verbose_name="tenant")),
                ("parent_tenant_id", models.UUIDField(verbose_name="tenant referred to")),
                ("reason", models.TextField()),
                ("accepted_by", models.CharField(max_length=200)),
                (
                    "accepted_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="accepted"),
                ),
                ("run_id", models.BigIntegerField(help_text="the number of the resolution", verbose_name="run")),
            ],
            options={
                "db_table": "accepted_reference",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("relation", "columns", "key", "parent_key", "tenant_id", "parent_tenant_id"),
                        name="one_accepted_reference",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RowCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("relation", models.CharField(max_length=130, verbose_name="table")),
                ("key", models.TextField(verbose_name="original")),
                ("tenant_id", models.UUIDField(verbose_name="tenant")),
                ("copy", models.TextField()),
                ("run_id", models.BigIntegerField(help_text="the number of the resolution", verbose_name="run")),
            ],
            options={
                "db_table": "row_copy",
                "verbose_name_plural": "row copies",
                "constraints": [models.UniqueConstraint(fields=("relation", "key", "tenant_id"), name="one_row_copy")],
            },
        ),
        migrations.AddField(
            model_name="finding",
            name="settled_by",
            field=models.BigIntegerField(
                help_text="the resolution of references that settled it; none after its undo", null=True
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("assign", "assigned"),
                    ("insert", "inserted"),
                    ("late", "assigned on write"),
                    ("copy", "copied for another tenant"),
                    ("reference", "reference changed"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
